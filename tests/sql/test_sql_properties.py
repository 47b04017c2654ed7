"""Statements of all shapes come back from their text, and no text makes the parser fail."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlrec.errors import Span, render_diagnostic
from sqlrec.spec.options import canonical_key
from sqlrec.spec.schema import DataType
from sqlrec.sql.lexer import Split, tokens
from sqlrec.sql.render import render
from sqlrec.sql.script import parse
from sqlrec.sql.statements import (
    CacheTable,
    Call,
    CallArgument,
    CallBody,
    Column,
    Columns,
    CreateModel,
    CreateService,
    CreateTable,
    DataSource,
    Declare,
    DropModel,
    DropService,
    ExportModel,
    Ident,
    Insert,
    InsertMode,
    OptionItem,
    QueryText,
    Select,
    SetOption,
    Statement,
    Text,
    TrainModel,
)

S = Span(0, 0)
WORDS = ("m", "model", "Select", "if", "a b", "größe", "x`y", 'q"r', "table", "primary", "2x", "-- c", "a;b")
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
TYPES = st.sampled_from(
    [
        "INT",
        "STRING",
        "DECIMAL(10, 2)",
        "ARRAY<MAP<STRING, BYTES>>",
        "ROW<`a b` INT, c ROW<d DATE>>",
        "VARIANT",
    ]
).map(DataType.parse)


def _ident(parts: int) -> st.SearchStrategy[Ident]:
    return st.lists(NAMES, min_size=1, max_size=parts).map(lambda found: Ident(tuple(found), S))


TEXTS = STRINGS.map(lambda value: Text(value, S))
CHECKPOINTS = TEXTS.filter(lambda text: bool(text.value.strip()) and "\n" not in text.value)
KEYS = st.text(min_size=0, max_size=6).map(lambda key: Text(key, S))
OPTIONS = st.lists(
    st.builds(OptionItem, KEYS, VALUES, st.just(S)),
    max_size=3,
    unique_by=lambda o: canonical_key(o.key.value),
).map(tuple)
SOURCES = st.builds(DataSource, _ident(3), st.none(), st.none() | CONDITIONS, st.just(S)) | st.builds(
    DataSource, st.none(), QUERIES, st.none() | CONDITIONS, st.just(S)
)
CALLS = st.builds(
    CallBody,
    _ident(1),
    st.lists(st.builds(CallArgument, _ident(3) | TEXTS), max_size=3).map(tuple),
    st.just(S),
)


def _columns(prefix: str) -> st.SearchStrategy[Columns]:
    name = NAMES.map(lambda part: Ident((prefix + part,), S))
    column = st.builds(Column, name, TYPES, st.just(S), st.booleans(), STRINGS)
    listed = st.lists(column, min_size=1, max_size=3, unique_by=lambda c: c.name.text.casefold())
    return listed.map(lambda found: Columns(tuple(found), S))


def _flags(pair: tuple[bool, bool]) -> dict[str, bool]:
    return {"replace": pair[0], "if_not_exists": pair[1]}


FLAGS = st.sampled_from([(False, False), (True, False), (False, True)]).map(_flags)


@st.composite
def _models(draw: st.DrawFn) -> CreateModel:
    form = draw(st.sampled_from(["plain", "signature", "query", "bare"]))
    return CreateModel(
        span=S,
        name=draw(_ident(3)),
        columns=draw(_columns("")) if form == "plain" else None,
        inputs=draw(_columns("i")) if form == "signature" else None,
        outputs=draw(_columns("o")) if form == "signature" else None,
        options=draw(OPTIONS),
        query=draw(QUERIES) if form == "query" else None,
        comment=draw(st.none() | TEXTS),
        temporary=draw(st.booleans()),
        **draw(FLAGS),
    )


@st.composite
def _services(draw: st.DrawFn) -> CreateService:
    return CreateService(
        span=S,
        name=draw(_ident(2)),
        model=draw(_ident(3)),
        checkpoint=draw(st.none() | CHECKPOINTS),
        options=draw(OPTIONS),
        **draw(FLAGS),
    )


@st.composite
def _declarations(draw: st.DrawFn) -> Declare:
    default = draw(st.none() | VALUES)
    span = None if default is None else S
    return Declare(
        span=S, name=draw(_ident(1)), type=draw(TYPES), type_span=S, default=default, default_span=span
    )


B = st.just(S)
STATEMENTS: st.SearchStrategy[Statement] = st.one_of(
    _models(),
    _services(),
    _declarations(),
    st.builds(DropModel, span=B, name=_ident(3), if_exists=st.booleans(), temporary=st.booleans()),
    st.builds(DropService, span=B, name=_ident(2), if_exists=st.booleans()),
    st.builds(
        TrainModel,
        span=B,
        name=_ident(3),
        checkpoint=CHECKPOINTS,
        data=SOURCES,
        validation=st.none() | SOURCES,
        base=st.none() | TEXTS,
        options=OPTIONS,
    ),
    st.builds(
        ExportModel,
        span=B,
        name=_ident(3),
        checkpoint=CHECKPOINTS,
        sample=st.none() | SOURCES,
        options=OPTIONS,
    ),
    st.builds(
        CreateTable,
        span=B,
        name=_ident(3),
        columns=st.none() | _columns(""),
        partitioned_by=st.lists(_ident(1), max_size=2).map(tuple),
        options=OPTIONS,
        comment=st.none() | TEXTS,
        if_not_exists=st.booleans(),
    ),
    st.builds(Call, span=B, body=CALLS),
    st.builds(CacheTable, span=B, name=_ident(1), source=CALLS | QUERIES),
    st.builds(Select, span=B, query=QUERIES),
    st.builds(Insert, span=B, table=_ident(3), query=QUERIES, mode=st.sampled_from(InsertMode)),
    st.builds(SetOption, span=B, key=KEYS, value=VALUES, value_span=B),
)
EVERYTHING = """\
CREATE OR REPLACE MODEL `m x` (a INT NOT NULL COMMENT 'it''s', b ARRAY<ROW<c INT>>) COMMENT "x"
WITH (model = 'a.b', column.c.d = -1e-3, "q" = TRUE, 'k' = '{{ secret.x }}',); -- comment ; '
CREATE MODEL n INPUT (a INT) OUTPUT (b FLOAT); CREATE MODEL o AS SELECT 1;
TRAIN MODEL m CHECKPOINT = 'v{{ ds }}' ON (SELECT * FROM `t` WHERE d = DATE '{{ ds }}') WHERE a IS NOT
DISTINCT FROM 'x' VALIDATE ON c.d.t WHERE b FROM 'v0' WITH (n = 2); /* ; */
EXPORT MODEL m CHECKPOINT = 'v1' ON t WHERE (a + [1, 2][1]) IN (SELECT {'x': 1}.x FROM u);
CREATE SERVICE IF NOT EXISTS s ON MODEL m CHECKPOINT = 'v1_export'; DROP MODEL IF EXISTS m;
CREATE TABLE t (a INT) PARTITIONED BY (a) WITH (connector = 'csv'); CACHE TABLE r AS CALL f('s', t);
INSERT OVERWRITE t WITH c AS (SELECT CAST(x AS ARRAY<BYTES>) FROM u) SELECT CASE WHEN a THEN 1 END FROM c;
SET a.b = 10 min; DECLARE n INT DEFAULT -1; VALUES (1, INTERVAL '{{ n }}' DAY); SELECT * FROM a.b LIMIT 3
"""
_MARKS = "' \" ` -- /* */ ; ( ) {{ }} $p1 1e9 E' ? [ ] { } :: = , . - ARRAY< > é \0 \ufeff"
_WORDS = "SELECT FROM WITH( CAST( AS CREATE MODEL TRAIN ON WHERE IF SET a"
PIECES = [*_MARKS.split(" "), *(f"{word} " for word in _WORDS.split(" ")), "\n", "\r\n", "\\", " "]


@given(statement=STATEMENTS)
@settings(max_examples=200, deadline=None)
def test_a_statement_comes_back_from_its_text(
    statement: Statement,
    read_one: Callable[[str], Statement],
    without_places: Callable[[object], object],
) -> None:
    text = render(statement)
    assert without_places(read_one(text)) == without_places(statement)


def _sound(text: str) -> None:
    """Whatever the text: an answer, places inside it, errors that can be shown."""
    parsed = parse(text)
    for statement in parsed.statements:
        assert 0 <= statement.span.start < statement.span.end <= len(text)
    for diagnostic in parsed.diagnostics:
        assert 0 <= diagnostic.span.start < diagnostic.span.end <= len(text) + 1
        assert render_diagnostic(diagnostic, text, "x.sql")


@given(text=st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
@settings(max_examples=200, deadline=None)
def test_no_text_makes_the_parser_fail(text: str) -> None:
    _sound(text)


@st.composite
def _mutations(draw: st.DrawFn) -> str:
    text = EVERYTHING
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 12)))
        text = text[:start] + draw(st.sampled_from(["", *PIECES])) + text[end:]
    return text


@given(text=_mutations())
@settings(max_examples=100, deadline=None)
def test_no_damaged_script_makes_the_parser_fail(text: str) -> None:
    _sound(text)


def test_the_script_that_is_damaged_is_a_good_one() -> None:
    parsed = parse(EVERYTHING)
    assert parsed.diagnostics == ()
    assert len(parsed.statements) == 14


@given(texts=st.lists(st.text(alphabet="ab '\"`;-/*\n", max_size=12), max_size=6))
@settings(max_examples=100, deadline=None)
def test_splitting_loses_and_repeats_nothing(texts: list[str]) -> None:
    text = ";".join(texts)
    split = Split(text).read()
    found = [token for statement in split.statements for token in statement]
    assert [t.start for t in found] == sorted({t.start for t in found})
    if not split.problems:
        assert found == [t for t in tokens(text) if t.key != ";"]
    assert len(split.problems) <= 8


@pytest.mark.parametrize(
    "line",
    [
        "EXPORT MODEL m CHECKPOINT = 'v' ON t;\n",
        "TRIAN;\n",
        "SELECT ';\n",
        "((",
        "'a;\n'x",
    ],
)
def test_a_script_of_ten_thousand_statements_is_read(line: str) -> None:
    parsed = parse(line * 10_000)
    assert len(parsed.statements) + len(parsed.diagnostics) >= 1
    if line.startswith("EXPORT"):
        assert len(parsed.statements) == 10_000
