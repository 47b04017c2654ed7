"""The compiled scanner gives what the long way gives, or nothing."""

from __future__ import annotations

import gc
import json
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.serving.errors import RequestError
from sqlrec.serving.frame import Frame, join
from sqlrec.serving.json_payload import PayloadReader
from sqlrec.serving.json_scan import PURE, Scanner, scanner_of
from sqlrec.serving.json_values import Decoder, reader_of
from sqlrec.spec.schema import DataType
from sqlrec.spec.signature import InputColumn

SQL = {
    "i": ("BIGINT", "int64"),
    "b": ("BOOLEAN", "int64"),
    "f": ("DOUBLE", "float32"),
    "s": ("STRING", "string"),
}
COLUMNS = tuple(
    InputColumn(name=name, type=DataType.parse(SQL[kind][0]), tensor=SQL[kind][1])
    for name, kind in (("i", "i"), ("ö", "b"), ("f", "f"), ("text", "s"), ("j", "i"), ("", "f"))
)
NAMES = tuple(column.name for column in COLUMNS)
MISSING = {column.name: reader_of(column).missing for column in COLUMNS}
MAX_ROWS = 6


def built() -> bool:
    return scanner_of(COLUMNS, missing_as_null=False, max_rows=1) is not None


pytestmark = pytest.mark.skipif(not built(), reason="the scanner was not compiled, or is switched off")


class Ways:
    """Both ways to read a body."""

    def __init__(self, *, missing_as_null: bool) -> None:
        scanner = scanner_of(COLUMNS, missing_as_null=missing_as_null, max_rows=MAX_ROWS)
        assert scanner is not None
        self.scanner = scanner
        self._reader = PayloadReader(NAMES, missing_as_null=missing_as_null, max_rows=MAX_ROWS)
        self._decoder = Decoder(COLUMNS)

    def long_way(self, body: bytes) -> Frame:
        return self._decoder.decode(self._reader.read(body))

    def check(self, body: bytes) -> Frame | None:
        """What the scanner reads of a body, after a comparison with the long way."""
        short = self.scanner.read(body)
        if short is not None:
            assert_same(short, self.long_way(body))
        return short


STRICT, LENIENT = Ways(missing_as_null=False), Ways(missing_as_null=True)


def assert_same(short: Frame, long: Frame) -> None:
    assert (short.rows, dict(short.nulls), short.unknown) == (long.rows, dict(long.nulls), long.unknown)
    assert set(short.tensors) == set(long.tensors)
    for name, array in long.tensors.items():
        mine = short.tensors[name]
        assert (mine.dtype, mine.shape) == (array.dtype, array.shape)
        if array.dtype == np.float32:  # bit by bit: NaN and -0.0 count
            mine, array = mine.view(np.uint32), array.view(np.uint32)
        assert mine.tolist() == array.tolist()


GOOD = {"i": 5, "ö": True, "f": 1.5, "text": "x", "j": None, "": -2}


def row(**changes: Any) -> dict[str, Any]:
    return {**GOOD, **changes}


@pytest.mark.parametrize(
    "document",
    [
        [row()],
        [row(), row(i=2**63 - 1, j=-(2**63), f=1e300, text=None)],
        [dict(reversed(row().items())), row(), {**row(), "more": "x", "and": [][:0] or 1e5}],
        {name: [value] for name, value in GOOD.items()},
        {**{name: [value] * 3 for name, value in GOOD.items()}, "i": [7], "j": [None], "text": [None]},
    ],
)
def test_what_clients_send_is_read(document: Any) -> None:
    for text in (
        json.dumps(document),
        json.dumps(document, indent=2),
        json.dumps(document, ensure_ascii=False),
    ):
        body = text.encode()
        keys_escaped = "\\u00f6" in text
        for ways in (STRICT, LENIENT):
            assert (ways.check(body) is None) == keys_escaped


def test_features_left_out_are_null_where_that_is_allowed() -> None:
    body = b'[{"i":1},{"text":"a","j":4}]'
    assert STRICT.check(body) is None
    assert LENIENT.check(body) is not None
    assert LENIENT.check(b'{"i":[1,2,3],"text":["a"]}') is not None


@pytest.mark.parametrize(
    "text",
    [
        *(
            "0",
            "-1",
            "12.5",
            "1e5",
            "1E-5",
            "0.1",
            "123456789012345678901234567890",
            "1e22",
            "1e23",
            "5e-324",
        ),
        *("2.2250738585072011e-308", "9007199254740993", "18446744073709551615", "18446744073709551616"),
        *("3.4028235677973366e38", "3.5e38", "-1e308", "1.17549435e-38", "1e-46", "-0.0", "0e99999"),
        *("1." + "0" * 380 + "1", "1." + "0" * 500, "16777217.0000000001", "0." + "3" * 40),
    ],
)
def test_numbers_are_rounded_as_the_long_way_does(text: str) -> None:
    body = b'{"i":[1],"\xc3\xb6":[0],"f":[%b],"text":[""],"j":[2],"":[%b]}' % (text.encode(), text.encode())
    read = STRICT.check(body)
    assert read is not None or len(text) > 400


def test_escapes_in_text() -> None:
    for written in (r'"\"\\\/\b\f\n\r\t"', r'"\u00e9\u20AC\ud83d\ude00"', r'"\u0000"', '"é€😀"', '""'):
        body = json.dumps([row(text="@")], ensure_ascii=False).replace('"@"', written).encode()
        assert STRICT.check(body) is not None


REFUSED = [
    *(
        b"",
        b"[]",
        b"{}",
        b"5",
        b"[",
        b"[{",
        b'[{"',
        b'[{"i',
        b'[{"i"',
        b'[{"i":',
        b"[{}]",
        b"[{},",
        b"[[]]",
        b"null",
    ),
    b'[{"i":1,"i":2}]',
    b'{"i":[1],"i":[2]}',
    b'{"i":[]}',
    b'{"i":1}',
]
CELLS = [
    *(
        b"01",
        b"-",
        b"1.",
        b".5",
        b"1e",
        b"+1",
        b"NaN",
        b"Infinity",
        b"1e999",
        b"0x1",
        b"-0",
        b"nul",
        b"tru",
        b"truex",
    ),
    *(
        b'"',
        b'"\\',
        b'"\\"',
        b'"\\x"',
        b'"\\u12"',
        b'"\\ud800"',
        b'"\\ud800\\u0041"',
        b'"\\udc00"',
        b'"\n"',
        b'"\xff"',
    ),
    *(
        b'"\xed\xa0\x80"',
        b'"\xc0\x80"',
        b"{}",
        b"[]",
        b"'x'",
        b"1 2",
        b"",
        b"1,",
        b"\x00",
        b'"\x00"',
        b"9223372036854775808",
    ),
]


@pytest.mark.parametrize("body", REFUSED)
def test_what_is_not_read_here(body: bytes) -> None:
    assert STRICT.check(body) is None
    assert LENIENT.check(body) is None


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("name", ["i", "text", "unknown"])
def test_a_cell_that_is_not_read_here(cell: bytes, name: str) -> None:
    body = json.dumps([row(**{name: "@"})], ensure_ascii=False).encode().replace(b'"@"', cell)
    assert STRICT.check(body) is None or (name == "unknown" and cell == b"9223372036854775808")
    broken = body.partition(cell)[0] + cell if cell else body
    assert STRICT.check(broken) is None


def test_rows_beyond_the_limit_are_left_to_the_long_way() -> None:
    for document in ([row()] * MAX_ROWS, {name: [value] * MAX_ROWS for name, value in GOOD.items()}):
        assert STRICT.check(json.dumps(document, ensure_ascii=False).encode()) is not None
    for document in (
        [row()] * (MAX_ROWS + 1),
        {name: [value] * (MAX_ROWS + 1) for name, value in GOOD.items()},
    ):
        assert STRICT.scanner.read(json.dumps(document, ensure_ascii=False).encode()) is None


def test_a_scanner_is_not_made_for_inputs_it_cannot_read(monkeypatch: pytest.MonkeyPatch) -> None:
    array = InputColumn(name="a", type=DataType.parse("ARRAY<INT>"), tensor="int64", is_array=True)
    quoted = InputColumn(name='a"b', type=DataType.parse("INT"), tensor="int64")
    strange = InputColumn(name="a", type=DataType.parse("INT"), tensor="int128")
    for column in (array, quoted, strange):
        assert scanner_of([column], missing_as_null=False, max_rows=1) is None
    assert scanner_of([], missing_as_null=False, max_rows=1) is None
    monkeypatch.setenv(PURE, "1")
    assert not built()


def test_the_scanner_keeps_its_bounds() -> None:
    other = Scanner(("a",), "i", missing_as_null=False, max_rows=5)
    frame = other.read(b'[{"a":1}]')
    assert frame is not None
    block: Any = frame.tensors.part  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="not blocks of this scanner"):
        STRICT.scanner.unpack([block], 1)
    with pytest.raises(ValueError, match="size"):
        other.unpack([block], 2)
    with pytest.raises(TypeError):
        other.unpack([5], 1)  # type: ignore[list-item]


cells: dict[str, st.SearchStrategy[Any]] = {
    "i": st.none() | st.integers(-(2**63), 2**63 - 1) | st.sampled_from([1.0, True, 2**63]),
    "ö": st.none() | st.booleans() | st.sampled_from([0, 1, 2]),
    "f": st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70),
    "text": st.none() | st.text(max_size=5) | st.sampled_from([5]),
}
cells |= {"j": cells["i"], "": cells["f"]}
extra = st.dictionaries(st.text(max_size=2), st.none() | st.integers() | st.text(max_size=3), max_size=2)


@st.composite
def any_row(draw: st.DrawFn) -> dict[str, Any]:
    known = draw(st.fixed_dictionaries(cells))
    return {**draw(extra), **{name: known[name] for name in draw(st.permutations(NAMES))}}


rows = any_row()


def column_of(cell: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(cell, min_size=1, max_size=1) | st.lists(cell, min_size=3, max_size=3)


columns = st.fixed_dictionaries({name: column_of(cell) for name, cell in cells.items()})
documents = st.lists(rows, min_size=1, max_size=MAX_ROWS) | columns
styles = st.sampled_from([{}, {"ensure_ascii": False}, {"indent": 1, "ensure_ascii": False}])


@given(documents, styles, st.sampled_from([STRICT, LENIENT]))
def test_any_rows_are_read_alike(document: Any, style: dict[str, Any], ways: Ways) -> None:
    try:
        body = json.dumps(document, **style).encode()
    except UnicodeEncodeError:
        return
    ways.check(body)


@given(documents, st.data(), st.sampled_from([STRICT, LENIENT]))
def test_any_damage_is_read_alike(document: Any, data: st.DataObject, ways: Ways) -> None:
    body = bytearray(json.dumps(document).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(body) - 1))
        piece = data.draw(
            st.sampled_from([b"", b'"', b"\\", b",", b"}", b"0", b"e", b"-", b".", b"\x00", b"\xff", b" "])
        )
        body[place : place + data.draw(st.integers(0, 2))] = piece
        if not body:
            return
    try:
        ways.check(bytes(body))
    except RequestError as error:
        pytest.fail(f"{bytes(body)!r} was read though it is wrong: {error}")


@given(st.lists(documents, min_size=1, max_size=4))
def test_joined_requests_hold_all_rows_in_order(parts: list[Any]) -> None:
    bodies = [json.dumps(part, ensure_ascii=True).replace("\\u00f6", "ö").encode() for part in parts]
    short = [frame for body in bodies if (frame := STRICT.scanner.read(body)) is not None]
    if not short:
        return
    long = [STRICT.long_way(body) for body in bodies if STRICT.scanner.read(body) is not None]
    assert_same(join(short, MISSING), join(long, MISSING))
    mixed = [one if n % 2 else other for n, (one, other) in enumerate(zip(short, long, strict=True))]
    assert_same(join(mixed, MISSING), join(long, MISSING))


@pytest.mark.parametrize(
    "body",
    [
        b'[{"i":1,"\xc3\xb6":true,"f":1.5,"text":"a longer text \\u00e9","j":2,"":3},{"i":1,"text":"left"}]',
        b'{"i":[1],"text":["one text","another text",null],"text":["again"]}',
        b'[{"text":"some text","text":"some more"}]',
    ],
)
def test_nothing_is_left_behind(body: bytes) -> None:
    def blocks(rounds: int) -> int:
        for _ in range(rounds):
            for ways in (STRICT, LENIENT):
                ways.scanner.read(body)
                ways.scanner.scan(body[:-1])
        gc.collect()
        return sys.getallocatedblocks()

    before = blocks(10)
    assert blocks(500) - before < 100
