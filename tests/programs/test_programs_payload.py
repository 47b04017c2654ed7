"""Whatever a body holds, reading it gives tables of the declared types or says what is wrong with it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import orjson
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.data.types import arrow_schema
from sqlrec.programs.payload import InputReader, Inputs, answer
from sqlrec.serving.errors import RequestError
from sqlrec.spec.function import ProgramParam
from tests.programs.programs import columns, program

TYPES = columns(
    flag="BOOLEAN", n="INT", x="DOUBLE", s="STRING", day="DATE", list="ARRAY<BIGINT>", map="MAP<STRING, INT>"
)
READER = InputReader(
    program(inputs={"u": TYPES}, params=(ProgramParam(name="p", type="INT", default=1),)),
    {"u": arrow_schema(TYPES)},
    max_rows=50,
)
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from([*TYPES.names, "N", "other"])
ROWS = st.lists(st.dictionaries(NAMES, VALUES, max_size=8) | VALUES, max_size=3)
COLUMNS = st.dictionaries(NAMES, st.lists(VALUES, max_size=3) | VALUES, max_size=8)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={"data": st.dictionaries(st.sampled_from("uUv"), ROWS | COLUMNS), "params": VALUES, "x": VALUES},
)


def read(body: bytes) -> Inputs | RequestError:
    """What a body gives; any other error fails the test."""
    try:
        return READER.read(body)
    except RequestError as error:
        return error


@given(VALUES | DOCUMENTS)
def test_any_body(document: Any) -> None:
    found = read(orjson.dumps(document))
    if isinstance(found, RequestError):
        assert found.code in {"SR640", "SR641", "SR642", "SR651", "SR654"}
        assert found.message
    else:
        assert found.tables["u"].schema.equals(arrow_schema(TYPES))
        assert set(found.params) == {"p"}


@given(st.binary(max_size=40))
def test_any_bytes(body: bytes) -> None:
    found = read(body)
    assert isinstance(found, RequestError)
    assert found.code in {"SR640", "SR650", "SR651"}


FITTING = st.fixed_dictionaries(
    {
        "flag": st.none() | st.booleans(),
        "n": st.none() | st.integers(-(2**31), 2**31 - 1),
        "x": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "s": st.none() | st.text(st.characters(codec="utf-8"), max_size=8),
        "day": st.none() | st.dates(date(1, 1, 1), date(9999, 12, 31)).map(str),
        "list": st.none() | st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=3),
        "map": st.none() | st.dictionaries(st.text(max_size=3), st.none() | st.integers(-9, 9), max_size=3),
    }
)


@given(st.lists(FITTING, max_size=4), st.booleans())
def test_what_fits_comes_back(rows: list[dict[str, Any]], by_column: bool) -> None:
    data = {name: [row[name] for row in rows] for name in TYPES.names} if by_column else rows
    inputs = READER.read(orjson.dumps({"data": {"u": data}}))
    assert inputs.rows == len(rows)
    assert orjson.loads(answer(inputs.tables["u"])) == {"data": rows}


def test_times_are_told_as_text() -> None:
    table = pa.table({"at": [datetime(2026, 1, 31, 4, 5, 6)], "day": [date(2026, 1, 31)]})
    assert orjson.loads(answer(table)) == {"data": [{"at": "2026-01-31T04:05:06", "day": "2026-01-31"}]}
