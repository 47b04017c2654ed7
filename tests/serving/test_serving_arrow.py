"""Arrow streams on /predict: what JSON means, from columns of any fitting type."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.serving.arrow_wire import ARROW, ArrowWire
from sqlrec.serving.bounds import MATRIX_VALUES
from sqlrec.serving.config import Limits
from sqlrec.serving.errors import RequestError
from sqlrec.serving.json_wire import JsonWire
from sqlrec.spec.schema import DataType
from sqlrec.spec.service import ServiceSpec
from sqlrec.spec.signature import MISSING_INT, InputColumn, OutputColumn, Signature

MEDIA_TYPE = ARROW.decode()
ROW = {"city": "Köln", "age": 3, "price": 1.5, "member": True, "tags": [1, 2, 3]}


def stream(batch: pa.RecordBatch, *more: pa.RecordBatch, **options: Any) -> bytes:
    """Batches as a client sends them."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        for one in (batch, *more):
            writer.write_batch(one)
    return bytes(sink.getvalue())


def columns(**arrays: Any) -> bytes:
    return stream(pa.record_batch(arrays))


def no_header(name: bytes) -> str:
    return ""


TENSORS = {"INT": "int64", "BIGINT": "int64", "BOOLEAN": "int64", "DATE": "int64", "TIMESTAMP": "int64"}


def one_input(sql: str, length: int = 0) -> Signature:
    """A model of one input ``x``."""
    kind = DataType.parse(sql)
    element = str(kind.element if kind.arguments else kind)
    tensor = TENSORS.get(element, "string" if element == "STRING" else "float32")
    x = InputColumn(name="x", type=kind, tensor=tensor, is_array=bool(kind.arguments), length=length)
    outputs = (OutputColumn(name="y", type=DataType.parse("FLOAT")),)
    return Signature(model="m", type="t", checkpoint="c", inputs=(x,), outputs=outputs, variants={})


def read(sql: str, array: Any, length: int = 0, **settings: Any) -> tuple[Any, int]:
    """The tensor of one column and its number of nulls."""
    wire = ArrowWire(one_input(sql, length), **{"missing_as_null": False, "max_rows": 1000, **settings})
    frame = wire.read(columns(x=array), no_header).frame
    return frame.tensors["x"], frame.nulls.get("x", 0)


def refusal(sql: str, array: Any, length: int = 0) -> RequestError:
    with pytest.raises(RequestError) as caught:
        read(sql, array, length)
    return caught.value


@pytest.mark.parametrize(
    ("sql", "array", "expected", "nulls"),
    [
        ("INT", pa.array([1, None, -3], pa.int8()), [1, MISSING_INT, -3], 1),
        ("BIGINT", pa.array([0, 2**63 - 1], pa.uint64()), [0, 2**63 - 1], 0),
        ("BIGINT", pa.array([1.0, float("nan"), None]), [1, MISSING_INT, MISSING_INT], 2),
        ("BIGINT", pa.array([Decimal("12"), None]), [12, MISSING_INT], 1),
        ("BIGINT", pa.nulls(2), [MISSING_INT] * 2, 2),
        ("BOOLEAN", pa.array([True, False, None]), [1, 0, MISSING_INT], 1),
        ("BOOLEAN", pa.array([1, 0], pa.uint8()), [1, 0], 0),
        ("DATE", pa.array([date(1970, 1, 2), None, date(1969, 12, 31)]), [1, MISSING_INT, -1], 1),
        ("DATE", pa.array(["1970-01-02", None]), [1, MISSING_INT], 1),
        ("DATE", pa.array([5], pa.int32()), [5], 0),
        ("TIMESTAMP", pa.array([1, None], pa.timestamp("s")), [10**6, MISSING_INT], 1),
        ("TIMESTAMP", pa.array([-1], pa.timestamp("ns")), [-1], 0),
        ("TIMESTAMP", pa.array([datetime(1970, 1, 1, 1, tzinfo=UTC)]), [3600 * 10**6], 0),
        ("STRING", pa.array(["ä", None, ""]), ["ä", "", ""], 1),
        ("STRING", pa.array(["ä"], pa.large_string()), ["ä"], 0),
        ("STRING", pa.array(["ä", None], pa.string_view()), ["ä", ""], 1),
        ("STRING", pa.array(["b", None, "a", "b"]).dictionary_encode(), ["b", "", "a", "b"], 1),
        ("STRING", pa.DictionaryArray.from_arrays([0, 1], ["x", None]), ["x", ""], 1),
        ("STRING", pa.array([None, None], pa.dictionary(pa.int8(), pa.string())), ["", ""], 2),
        ("BIGINT", pa.array([7, 8, 7]).dictionary_encode(), [7, 8, 7], 0),
    ],
)
def test_columns_of_fitting_types(sql: str, array: Any, expected: list[Any], nulls: int) -> None:
    tensor, count = read(sql, array)
    assert (tensor.tolist(), count) == (expected, nulls)
    assert tensor.dtype == (np.object_ if sql == "STRING" else np.int64)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([1, 2], pa.int64()), [1.0, 2.0]),
        (
            pa.array([1.5, math.inf, -math.inf], pa.float16()),
            [1.5, 3.4028234663852886e38, -3.4028234663852886e38],
        ),
        (pa.array([1e300, 0.5]), [3.4028234663852886e38, 0.5]),
        (pa.array([math.inf], pa.float32()), [3.4028234663852886e38]),
        (pa.array([Decimal("0.25")]), [0.25]),
    ],
)
def test_numbers(array: Any, expected: list[float]) -> None:
    tensor, _ = read("FLOAT", array)
    assert tensor.dtype == np.float32
    assert tensor.tolist() == expected


def test_numbers_that_are_null() -> None:
    tensor, nulls = read("FLOAT", pa.array([1.0, None, math.nan], pa.float32()))
    assert np.isnan(tensor).tolist() == [False, True, True]
    assert nulls == 2


def test_a_column_of_the_models_own_type_is_not_copied() -> None:
    for sql, kind in (("BIGINT", pa.int64()), ("FLOAT", pa.float32())):
        body = columns(x=pa.array(range(100), kind))
        wire = ArrowWire(one_input(sql), missing_as_null=False, max_rows=1000)
        tensor = wire.read(body, no_header).frame.tensors["x"]
        whole = np.frombuffer(body, np.uint8)
        assert np.shares_memory(tensor, whole)


@pytest.mark.parametrize(
    ("kind", "length", "expected"),
    [
        (pa.list_(pa.int64()), 3, [[1, 2, MISSING_INT], [MISSING_INT] * 3, [3, 4, 5]]),
        (pa.large_list(pa.int16()), 2, [[1, 2], [MISSING_INT] * 2, [3, 4]]),
        (
            pa.list_(pa.int32()),
            0,
            [[1, 2, MISSING_INT, MISSING_INT], [MISSING_INT] * 4, [3, 4, 5, 6]],
        ),
    ],
)
def test_lists_are_cut_and_filled(kind: Any, length: int, expected: list[list[int]]) -> None:
    tensor, nulls = read("ARRAY<BIGINT>", pa.array([[1, 2], None, [3, 4, 5, 6]], kind), length)
    assert (tensor.tolist(), nulls) == (expected, 1)


def test_lists_of_a_fixed_size() -> None:
    array = pa.array([[1, 2], [3, None]], pa.list_(pa.float32(), 2))
    tensor, _ = read("ARRAY<FLOAT>", array, 2)
    assert tensor[0].tolist() == [1, 2]
    assert math.isnan(tensor[1, 1])


def test_a_slice_of_lists_is_read_from_its_place() -> None:
    array = pa.array([[9, 9], [1], [2, 3]], pa.list_(pa.int64()))[1:]
    tensor, _ = read("ARRAY<BIGINT>", array, 2)
    assert tensor.tolist() == [[1, MISSING_INT], [2, 3]]


@pytest.mark.parametrize(
    ("sql", "array", "row"),
    [
        ("INT", pa.array([1.0, 1.5]), 1),
        ("INT", pa.array([1.0, 1e300]), 1),
        ("BIGINT", pa.array([1, 2**63], pa.uint64()), 1),
        ("BIGINT", pa.array([None, 2.0, 2.5]), 2),
        ("BOOLEAN", pa.array([0, 1, 2]), 2),
        ("DATE", pa.array(["1970-01-01", "yesterday"]), 1),
        ("ARRAY<BIGINT>", pa.array([[1.0], [], [2.0, 2.5]]), 2),
        ("INT", pa.array(["1"]), 0),
        ("INT", pa.array([True]), None),
        ("FLOAT", pa.array([True]), None),
        ("FLOAT", pa.array([b"x"]), None),
        ("STRING", pa.array([1]), None),
        ("STRING", pa.array([b"x"]), None),
        ("INT", pa.array([[1]]), None),
        ("ARRAY<BIGINT>", pa.array([1]), None),
        ("ARRAY<BIGINT>", pa.array([[[1]]]), None),
        ("INT", pa.array([{"a": 1}]), None),
        ("TIMESTAMP", pa.array([2**62], pa.timestamp("s")), None),
        ("TIMESTAMP", pa.array([1], pa.duration("s")), None),
    ],
)
def test_columns_that_do_not_fit(sql: str, array: Any, row: int | None) -> None:
    error = refusal(sql, array)
    assert (error.code, error.status, error.column, error.row) == ("SR653", 422, "x", row)


def test_one_long_list_does_not_fill_the_memory() -> None:
    rows = [[1] * 2000, *[[1]] * 999]
    read("ARRAY<BIGINT>", pa.array(rows))
    wide = pa.array([[1] * (MATRIX_VALUES // 500), *[[1]] * 999], pa.list_(pa.int8()))
    for length, array in ((0, wide), (MATRIX_VALUES // 500, pa.nulls(1000))):
        error = refusal("ARRAY<BIGINT>", array, length)
        assert (error.code, error.status, error.column) == ("SR655", 413, "x")


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_compressed_batches_are_refused(compression: str) -> None:
    wire = ArrowWire(one_input("STRING"), missing_as_null=False, max_rows=10**6)
    for array in (pa.array(["x" * 100] * 100), pa.array(["x" * 100] * 100).dictionary_encode()):
        body = stream(pa.record_batch({"x": array}), compression=compression)
        with pytest.raises(RequestError, match="compressed") as caught:
            wire.read(body, no_header)
        assert caught.value.status == 415


def test_batches_are_joined_and_their_dictionaries_too() -> None:
    wire = ArrowWire(one_input("STRING"), missing_as_null=False, max_rows=4)
    first, second = (
        pa.record_batch({"x": pa.array(texts).dictionary_encode()}) for texts in (["a", "b"], ["c", "a"])
    )
    frame = wire.read(stream(first, second), no_header).frame
    assert frame.tensors["x"].tolist() == ["a", "b", "c", "a"]
    with pytest.raises(RequestError) as caught:
        wire.read(stream(first, second, second), no_header)
    assert (caught.value.code, caught.value.status) == ("SR655", 413)


def test_columns_that_are_missing_unknown_or_there_twice() -> None:
    signature = one_input("INT")
    strict = ArrowWire(signature, missing_as_null=False, max_rows=10)
    with pytest.raises(RequestError) as caught:
        strict.read(columns(y=[1]), no_header)
    assert (caught.value.code, caught.value.column) == ("SR652", "x")
    with pytest.raises(RequestError) as caught:
        strict.read(columns(X=[1]), no_header)
    assert caught.value.hint.startswith("Did you mean 'x' by 'X'? send null")
    assert strict.read(columns(x=[1], y=[1]), no_header).frame.unknown == 1
    twice = pa.RecordBatch.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"])
    with pytest.raises(RequestError, match="twice"):
        strict.read(stream(twice), no_header)


def test_an_empty_stream_has_no_rows() -> None:
    wire = ArrowWire(one_input("INT"), missing_as_null=False, max_rows=10)
    sink = pa.BufferOutputStream()
    pa.ipc.new_stream(sink, pa.schema({"x": pa.int64()})).close()
    frame = wire.read(bytes(sink.getvalue()), no_header).frame
    assert (frame.rows, len(frame.tensors["x"])) == (0, 0)


VALUES: dict[str, tuple[Any, Any]] = {
    "BIGINT": (st.integers(-(2**63), 2**63 - 1), pa.int64()),
    "FLOAT": (st.floats(allow_nan=False, allow_infinity=False), pa.float64()),
    "STRING": (st.text(st.characters(exclude_categories=["Cs"])), pa.string()),
    "BOOLEAN": (st.booleans(), pa.bool_()),
    "ARRAY<BIGINT>": (st.lists(st.integers(-5, 5) | st.none(), max_size=5), pa.list_(pa.int64())),
}


@given(st.data())
def test_arrow_and_json_give_the_same_tensors(data: st.DataObject) -> None:
    sql = data.draw(st.sampled_from(sorted(VALUES)))
    values, kind = VALUES[sql]
    cells = data.draw(st.lists(values | st.none(), min_size=1, max_size=8))
    signature = one_input(sql, data.draw(st.integers(0, 4)))
    settings: Any = {"missing_as_null": False, "max_rows": 100}
    arrow = ArrowWire(signature, **settings).read(columns(x=pa.array(cells, kind)), no_header).frame
    text = json.dumps({"x": cells}).encode()
    plain = JsonWire(signature, **settings).read(text, no_header).frame
    np.testing.assert_array_equal(arrow.tensors["x"], plain.tensors["x"])
    assert arrow.tensors["x"].dtype == plain.tensors["x"].dtype
    assert arrow.nulls == plain.nulls


@given(st.data())
def test_damaged_streams_are_refused_or_read(data: st.DataObject) -> None:
    batch = pa.record_batch(
        {"x": pa.array(["ab", None, "c"]).dictionary_encode(), "y": pa.array([[1], [2, 3], None])}
    )
    body = bytearray(stream(batch))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(body)))
    wire = ArrowWire(one_input("STRING"), missing_as_null=False, max_rows=100)
    with suppress(RequestError):
        frame = wire.read(bytes(body[:end]), no_header).frame
        assert all(type(value) is str for value in frame.tensors["x"])


@pytest.fixture(scope="module")
def server(
    mixed_folder: Path, make_spec: Callable[..., ServiceSpec], serve: Callable[..., Any]
) -> Iterator[Any]:
    with serve(make_spec(mixed_folder), limits=Limits(rows=100)) as running:
        yield running


def ask(server: Any, body: bytes, **headers: str) -> Any:
    return server.call("POST", "/predict", body, Content_Type=MEDIA_TYPE, **headers)


def rows(*given: dict[str, Any]) -> bytes:
    return stream(pa.RecordBatch.from_pylist(list(given)))


def test_an_arrow_request_is_answered_in_arrow(server: Any) -> None:
    reply = ask(server, rows(ROW, {**ROW, "city": None}), Accept="*/*", X_Request_Id="r")
    assert (reply.status, reply.headers["Content-Type"]) == (200, MEDIA_TYPE)
    assert reply.headers["X-Request-Id"] == "r"
    table = pa.ipc.open_stream(reply.body).read_all()
    assert table.schema == pa.schema({"score": pa.float32(), "tags_seen": pa.list_(pa.float32())})
    assert table.to_pydict() == server.predict([ROW, {**ROW, "city": None}]).json


def test_or_in_json_when_asked_for(server: Any) -> None:
    reply = ask(server, rows(ROW), Accept="application/json")
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.json == server.predict([ROW]).json


def test_no_rows_have_an_empty_answer_of_the_same_columns(server: Any) -> None:
    empty = pa.RecordBatch.from_pylist([ROW]).slice(0, 0)
    table = pa.ipc.open_stream(ask(server, stream(empty)).body).read_all()
    assert table.schema == pa.schema({"score": pa.float32(), "tags_seen": pa.list_(pa.float32())})
    assert table.num_rows == 0


def test_errors_are_json_and_name_their_place(server: Any) -> None:
    reply = ask(server, rows(ROW, {**ROW, "age": 4.5}))
    error = reply.json["error"]
    assert (reply.status, error["code"], error["row"], error["column"]) == (422, "SR653", 1, "age")
    assert ask(server, b"no stream").json["error"]["code"] == "SR662"
    assert ask(server, rows(*[ROW] * 101)).status == 413


def test_requests_are_counted_by_protocol(server: Any) -> None:
    key = 'sqlrec_requests_total{code="200",model="m",protocol="arrow",service="ranker",version="3"}'
    before = server.metrics().get(key, 0)
    ask(server, rows(ROW))
    assert server.metrics()[key] == before + 1


def test_a_server_without_pyarrow_says_so(
    server: Any, mixed_folder: Path, make_spec: Any, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = rows(ROW)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with serve(make_spec(mixed_folder)) as bare:
        reply = ask(bare, body)
        assert (reply.status, reply.json["error"]["code"]) == (415, "SR656")
        assert "pyarrow" in reply.json["error"]["hint"]
        assert bare.predict([ROW]).status == 200
