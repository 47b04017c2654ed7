from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.spec.schema import MAX_DEPTH, DataType, Field, Kind, Schema

SCALARS = sorted(set(Kind) - {Kind.ARRAY, Kind.MULTISET, Kind.MAP, Kind.ROW, Kind.DECIMAL})
NAMES = st.from_regex(r"[^`\s]{1,8}", fullmatch=True)


def nested(inner: st.SearchStrategy[DataType]) -> st.SearchStrategy[DataType]:
    row = st.lists(st.tuples(NAMES, inner), min_size=1, max_size=3)
    return st.one_of(
        inner.map(lambda t: DataType(Kind.ARRAY, arguments=(t,))),
        inner.map(lambda t: DataType(Kind.MULTISET, arguments=(t,))),
        st.tuples(inner, inner).map(lambda p: DataType(Kind.MAP, arguments=p)),
        row.map(lambda r: DataType(Kind.ROW, names=tuple(n for n, _ in r), arguments=tuple(t for _, t in r))),
    )


scalars = st.one_of(
    st.sampled_from(SCALARS).map(DataType),
    st.tuples(st.integers(1, 38), st.integers(0, 38)).map(lambda p: DataType(Kind.DECIMAL, p)),
)
types = st.recursive(scalars, nested, max_leaves=6)


@given(types)
def test_a_type_reads_back_from_its_text(data_type: DataType) -> None:
    assert DataType.parse(str(data_type)) == data_type


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("integer", "INT"),
        ("VARCHAR(20)", "STRING"),
        ("char", "STRING"),
        ("double  precision", "DOUBLE"),
        ("numeric(10, 2)", "DECIMAL(10, 2)"),
        ("decimal(5)", "DECIMAL(5)"),
        ("array< string >", "ARRAY<STRING>"),
        ("row(a int, `b c` date)", "ROW<a INT, `b c` DATE>"),
        ("MAP<STRING, ARRAY<BIGINT>>", "MAP<STRING, ARRAY<BIGINT>>"),
    ],
)
def test_spellings_are_normalised(text: str, shown: str) -> None:
    assert str(DataType.parse(text)) == shown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a type, found the end"),
        ("STRNG", "unknown type STRNG"),
        ("INT INT", "unexpected 'INT' after type INT"),
        ("ARRAY", "expected <, found the end"),
        ("ARRAY<INT", "expected >, found the end"),
        ("MAP<INT>", "expected ,, found >"),
        ("ROW", "expected a type, found the end"),
        ("ROW[a INT]", "expected '<' after ROW"),
        ("ROW<1 INT>", "expected a field name, found 1"),
        ("DECIMAL(x)", "expected a length, found x"),
        ("DECIMAL(1, 2, 3)", r"expected \), found ,"),
        ("VARCHAR(" + "9" * 5000 + ")", "expected a length"),
        ("é INT", "unknown type É"),
        ("ARRAY<" * (MAX_DEPTH + 1), "at most 32 deep"),
        ("ARRAY<" * 100_000, "at most 32 deep"),
    ],
)
def test_what_is_no_type_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DataType.parse(text)


@given(st.text(max_size=40))
def test_any_text_is_a_type_or_a_value_error(text: str) -> None:
    try:
        parsed = DataType.parse(text)
    except ValueError:
        return
    assert DataType.parse(str(parsed)) == parsed


def test_properties_tell_integers_from_fractions() -> None:
    assert DataType.parse("BIGINT").is_integer
    assert not DataType.parse("DOUBLE").is_integer
    assert DataType.parse("DECIMAL(4, 1)").is_float
    assert DataType.parse("ARRAY<FLOAT>").element == DataType(Kind.FLOAT)


def test_columns_are_found_without_case() -> None:
    schema = Schema(tuple(Field(name=n, type=DataType(Kind.INT)) for n in ("User", "item", "label")))
    found = schema.get("USER")
    assert found is not None
    assert found.name == "User"
    assert schema.get("nobody") is None
    assert schema.without(("LABEL", "user")).names == ("item",)
    assert [f.name for f in schema] == ["User", "item", "label"]
    assert len(schema) == 3
