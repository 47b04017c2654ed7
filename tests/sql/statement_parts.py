"""Random parts of statements, all places left out: names, texts, options, types, queries, columns."""

from __future__ import annotations

from hypothesis import strategies as st

from sqlrec.errors import Span
from sqlrec.spec.options import canonical_key
from sqlrec.spec.schema import DataType
from sqlrec.sql.statements import (
    Column,
    Columns,
    ComputedColumn,
    DataSource,
    Ident,
    MetadataColumn,
    OptionItem,
    PrimaryKey,
    QueryText,
    ResetOptions,
    SetOptions,
    TableColumns,
    Text,
    Variable,
    Watermark,
)

S = Span(0, 0)
B = st.just(S)
FLAG = st.booleans()
WORDS = (
    *("m", "model", "Select", "if", "a b", "größe", "x`y", 'q"r', "table", "primary", "2x", "-- c", "a;b"),
    *("m$2", "formatted", "catalog", "get", "function", "a\nb", "from", "exists", "promote", "watermark"),
)
NAMES = st.one_of(
    st.sampled_from(WORDS),
    st.text(st.characters(codec="utf-8", exclude_characters="{"), min_size=1, max_size=6),
).filter(lambda name: bool(name.strip()))
STRINGS = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(["it's", "{{ ds }}", "a\nb;--"])
VALUES = (
    STRINGS
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
)
QUERIES = st.sampled_from(
    ["SELECT 1", "(SELECT a FROM `t u`)", "VALUES (1, 'x;y')", "WITH c AS (SELECT 1) SELECT *\n-- x\nFROM c"]
).map(lambda sql: QueryText(sql, S))
CONDITIONS = st.sampled_from(
    ["a = 1", "a IS DISTINCT FROM 'x' AND b", "validate > '{{ ds }}'", "a IN (SELECT b FROM c)"]
).map(lambda sql: QueryText(sql, S))
EXPRESSIONS = st.sampled_from(
    ["a", "a + 1", "f(a, b)", "CASE WHEN a THEN 'x' END", "ts - INTERVAL '5' SECOND"]
).map(lambda sql: QueryText(sql, S))
LEAVES = (
    *(
        "INT",
        "BIGINT",
        "BOOLEAN",
        "DOUBLE",
        "STRING",
        "VARCHAR",
        "VARCHAR(20)",
        "CHAR(3)",
        "BYTES",
        "VARIANT",
    ),
    *("BINARY(2)", "DECIMAL", "DECIMAL(10, 2)", "DATE", "TIME(3)", "TIMESTAMP", "TIMESTAMP(3)"),
    *("TIMESTAMP_LTZ(6)", "TIMESTAMP_LTZ"),
)


def _nested_types(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    rows = st.lists(inner, min_size=1, max_size=2).map(
        lambda types: f"ROW<{', '.join(f'`f {i}` {t}, date {t}' for i, t in enumerate(types))}>"
    )
    maps = st.tuples(inner, inner).map(lambda pair: f"MAP<{pair[0]}, {pair[1]}>")
    return inner.map("ARRAY<{}>".format) | inner.map("MULTISET<{}>".format) | maps | rows


TYPES = st.recursive(st.sampled_from(LEAVES), _nested_types, max_leaves=4).map(DataType.parse)


def idents(parts: int = 1) -> st.SearchStrategy[Ident]:
    """Names of up to so many parts."""
    return st.lists(NAMES, min_size=1, max_size=parts).map(lambda found: Ident(tuple(found), S))


def several(of: st.SearchStrategy[Ident], least: int = 0) -> st.SearchStrategy[tuple[Ident, ...]]:
    """A few of these names."""
    return st.lists(of, min_size=least, max_size=3).map(tuple)


TEXTS = STRINGS.map(lambda value: Text(value, S))
LABELS = TEXTS.filter(lambda text: bool(text.value.strip()) and "\n" not in text.value)
ALIASES = LABELS.filter(lambda text: not text.value.startswith("@"))
KEYS = st.text(min_size=0, max_size=6).map(lambda key: Text(key, S))
ITEMS = st.builds(OptionItem, KEYS, VALUES, B)
OPTIONS = st.lists(ITEMS, max_size=3, unique_by=lambda o: canonical_key(o.key.value)).map(tuple)
CHANGED = st.builds(SetOptions, OPTIONS.filter(bool)) | st.builds(
    ResetOptions, st.lists(KEYS, min_size=1, max_size=3).map(tuple)
)
MAYBE_TEXT = st.none() | TEXTS
SOURCES = st.builds(DataSource, idents(3), st.none(), st.none() | CONDITIONS, B) | st.builds(
    DataSource, st.none(), QUERIES, st.none() | CONDITIONS, B
)


def columns(prefix: str = "") -> st.SearchStrategy[Columns]:
    """Columns of different names, all with the prefix."""
    name = NAMES.map(lambda part: Ident((prefix + part,), S))
    column = st.builds(Column, name, TYPES, B, FLAG, STRINGS)
    listed = st.lists(column, min_size=1, max_size=3, unique_by=lambda c: c.name.text.casefold())
    return listed.map(lambda found: Columns(tuple(found), S))


COMPUTED = st.builds(ComputedColumn, NAMES.map(lambda name: Ident(("c" + name,), S)), EXPRESSIONS, STRINGS)
KEY = st.builds(PrimaryKey, several(idents(), 1), B, st.none() | idents(), FLAG)


@st.composite
def table_columns(draw: st.DrawFn) -> TableColumns:
    """The list of CREATE TABLE."""
    stored = [
        draw(st.builds(MetadataColumn, st.just(column), MAYBE_TEXT, FLAG) | st.just(column))
        for column in draw(columns("s")).items
    ]
    items = draw(st.permutations([*stored, *draw(st.lists(COMPUTED, max_size=1))]))
    watermark = draw(st.none() | st.builds(Watermark, idents(), EXPRESSIONS, B))
    return TableColumns(tuple(items), S, watermark, draw(st.none() | KEY))


VARIABLES = st.builds(Variable, LABELS, MAYBE_TEXT, B)
