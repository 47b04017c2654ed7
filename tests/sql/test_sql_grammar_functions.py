"""SQL functions, APIs and CALL: what is read, told by its canonical text."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sqlrec.sql.statements import Call, Chunks, DefineInput, Ident, LikeFunction, Statement, Variable

READ = [
    ("create sql function f", "CREATE SQL FUNCTION f"),
    ("CREATE OR REPLACE SQL FUNCTION `sql`", "CREATE OR REPLACE SQL FUNCTION `sql`"),
    ("DROP SQL FUNCTION f", "DROP SQL FUNCTION f"),
    ("DROP SQL FUNCTION IF EXISTS f", "DROP SQL FUNCTION IF EXISTS f"),
    ("DEFINE INPUT TABLE t LIKE a.b.u", "DEFINE INPUT TABLE t LIKE a.b.u"),
    (
        "DEFINE INPUT TABLE input (user_id BIGINT, `value` varchar(3), r ROW<date DATE>)",
        "DEFINE INPUT TABLE input (user_id BIGINT, `value` VARCHAR(3), r ROW<`date` DATE>)",
    ),
    ("RETURN", "RETURN"),
    ("RETURN result", "RETURN `result`"),
    ("CREATE API a WITH f", "CREATE API a WITH f"),
    ("CREATE OR REPLACE API `api` WITH f", "CREATE OR REPLACE API `api` WITH f"),
    (
        "create api a with `with` with (replicas = 2, access_log = true,)",
        "CREATE API a WITH `with` WITH ('replicas' = '2', 'access_log' = 'true')",
    ),
    ("CREATE API a WITH f WITH ()", "CREATE API a WITH f"),
    ("DROP API a", "DROP API a"),
    ("DROP API IF EXISTS a", "DROP API IF EXISTS a"),
    ("CALL f()", "CALL f()"),
    ("CALL get_it(get)", "CALL get_it(`get`)"),
    ("CALL f(t, 'it''s', GET('a'))", "CALL f(t, 'it''s', GET('a'))"),
    ("CALL f(get_or_default('a', ''))", "CALL f(GET_OR_DEFAULT('a', ''))"),
    ("CALL `GET`('f')(t) LIKE u", "CALL GET('f')(t) LIKE u"),
    (
        "CALL `get_or_default`('f', 'g')(t) LIKE FUNCTION 'h'",
        "CALL GET_OR_DEFAULT('f', 'g')(t) LIKE FUNCTION 'h'",
    ),
    ("CALL f(t) LIKE function", "CALL f(t) LIKE `function`"),
    ('CALL f(t) LIKE FUNCTION "h"', "CALL f(t) LIKE FUNCTION 'h'"),
    ("CALL f(t, u) PARTITION BY T SIZE 100", "CALL f(t, u) PARTITION BY T SIZE 100"),
    ("CALL f(t) ASYNC", "CALL f(t) ASYNC"),
    (
        "call f(t) like u partition by t size 3 async",
        "CALL f(t) LIKE u PARTITION BY t SIZE 3 ASYNC",
    ),
    (
        "CACHE TABLE r AS CALL f(t) LIKE u PARTITION BY t SIZE 3",
        "CACHE TABLE r AS CALL f(t) LIKE u PARTITION BY t SIZE 3",
    ),
]


@pytest.mark.parametrize(("text", "canonical"), READ)
def test_reads(text: str, canonical: str, reads: Callable[[str, str], Statement]) -> None:
    reads(text, canonical)


def test_the_parts_of_a_call_know_their_places(read_one: Callable[[str], Statement]) -> None:
    text = "CALL GET_OR_DEFAULT('f', 'g')(t) LIKE FUNCTION 'h' PARTITION BY t SIZE 3 ASYNC"
    statement = read_one(text)
    assert isinstance(statement, Call)
    body = statement.body
    assert isinstance(body.function, Variable)
    assert isinstance(body.like, LikeFunction)
    assert isinstance(body.chunks, Chunks)
    assert body.function.default is not None
    shown = [
        text[span.start : span.end]
        for span in (
            body.span,
            body.function.span,
            body.function.default.span,
            body.like.function.span,
            body.chunks.table.span,
            body.chunks.size_span,
        )
    ]
    assert shown == [text[5:], "GET_OR_DEFAULT('f', 'g')", "'g'", "'h'", "t", "3"]


def test_an_input_has_columns_or_is_like_a_table(read_one: Callable[[str], Statement]) -> None:
    like = read_one("DEFINE INPUT TABLE t LIKE u")
    assert isinstance(like, DefineInput)
    assert like.like == Ident(("u",), like.like.span if like.like else like.span)
    assert like.columns is None
    listed = read_one("DEFINE INPUT TABLE t (a INT)")
    assert isinstance(listed, DefineInput)
    assert listed.like is None
    assert listed.columns is not None
    assert listed.columns.schema.names == ("a",)
