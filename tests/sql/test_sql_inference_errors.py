"""Calls of models that cannot be read: what is said of their arguments, where, and what to do instead."""

from __future__ import annotations

import time

import pytest

from sqlrec.errors import Span
from sqlrec.sql.queries import check, lower
from sqlrec.sql.statements import QueryText
from tests.sql.inference_reading import refuses

COUNT = "Invalid number of arguments to function"
P, E, V = "SELECT * FROM ML_PREDICT({})", "SELECT * FROM ML_EVALUATE({})", "SELECT * FROM VECTOR_SEARCH({})"
D = "DESCRIPTOR(a)"

# query, code, part of the message, what is pointed at, part of the hint
REFUSED = [
    # the number of arguments
    (
        P.format("TABLE t, MODEL m"),
        "SR130",
        f"{COUNT} 'ML_PREDICT'. Was expecting 3 arguments, found 2",
        "ML_PREDICT(TABLE t, MODEL m)",
        "write ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(a, b))",
    ),
    (P.format(f"TABLE t, MODEL m, {D}, MAP[], 1"), "SR130", "found 5", "ML_PREDICT(", "write ML_PREDICT"),
    (P.format(""), "SR130", "found 0", "ML_PREDICT()", "write ML_PREDICT"),
    (
        P.format("INPUT => TABLE t"),
        "SR130",
        "ML_PREDICT lacks the arguments MODEL, ARGS",
        "ML_PREDICT(",
        "write ML_PREDICT",
    ),
    (
        P.format(f"INPUT => TABLE t, ARGS => {D}"),
        "SR130",
        "ML_PREDICT lacks the argument MODEL",
        "ML_PREDICT(",
        "write ML_PREDICT",
    ),
    (
        "SELECT ML_EMBED(MODEL m)",
        "SR130",
        f"{COUNT} 'ML_EMBED'. Was expecting 2 arguments, found 1",
        "ML_EMBED(MODEL m)",
        "write ML_EMBED(MODEL m, text)",
    ),
    (
        "SELECT AI_COMPLETE('m', a, b)",
        "SR130",
        "Was expecting 2 arguments, found 3",
        "AI_COMPLETE(",
        "write AI_COMPLETE('m', prompt)",
    ),
    (
        "SELECT ML_EVALUATE(m, y) FROM t",
        "SR130",
        "a model, a label and features, found 2",
        "ML_EVALUATE(m, y)",
        "write ML_EVALUATE",
    ),
    (
        E.format(f"TABLE t, {D}"),
        "SR130",
        "Was expecting 3 to 6 arguments, found 2",
        "ML_EVALUATE(",
        "write ML_EVALUATE",
    ),
    (V.format(""), "SR130", "Was expecting 3 to 5 arguments, found 0", "VECTOR_SEARCH()", "write VECTOR"),
    (
        V.format("TABLE t, 3"),
        "SR130",
        "VECTOR_SEARCH lacks the argument COLUMN_TO_QUERY",
        "VECTOR_SEARCH(",
        "write VECTOR_SEARCH(TABLE t, DESCRIPTOR(vectors), vector, 10)",
    ),
    (
        P.format(f"VALUES (1, 2), MODEL m, {D}"),
        "SR130",
        "a row of VALUES has 2 values, DESCRIPTOR names 1",
        ")",
        "name each value once",
    ),
    # the kinds of arguments
    (
        P.format(f"TABLE t, 3 + 4, {D}"),
        "SR131",
        "Second operand must be a model identifier.",
        "3 + 4",
        "write MODEL name",
    ),
    (
        P.format(f"TABLE t, TABLE m, {D}"),
        "SR131",
        "Second operand must be a model identifier.",
        "TABLE m",
        "",
    ),
    (
        P.format(f"TABLE t, a.b.c.d, {D}"),
        "SR131",
        "Second operand must be a model identifier.",
        "a.b.c.d",
        "",
    ),
    (
        "SELECT ML_PREDICT(1, a)",
        "SR131",
        "First operand must be a model identifier.",
        "1",
        "write MODEL name",
    ),
    ("SELECT ML_PREDICT(NULL, a)", "SR131", "First operand must be a model", "NULL", "write MODEL name"),
    (
        P.format(f"1 + 1, MODEL m, {D}"),
        "SR131",
        "expected a table: TABLE t, or (query), here",
        "1 + 1",
        "write ML_PREDICT",
    ),
    (
        P.format("TABLE t, MODEL m, a"),
        "SR131",
        "expected DESCRIPTOR(column, …) here",
        "a",
        "write ML_PREDICT",
    ),
    ("SELECT ML_PREDICT(MODEL m, MODEL n)", "SR131", "expected an expression here", "MODEL n", "write ML_"),
    (
        E.format(f"TABLE t, MODEL m, {D}, 'regression', MAP[], 1"),
        "SR131",
        "expected a DESCRIPTOR of the label and one of the features here",
        D,
        "write ML_EVALUATE",
    ),
    (V.format("t, a, b, 3"), "SR131", "expected a table, a DESCRIPTOR, a vector and a number here", "b", ""),
    # names of arguments
    (
        P.format(f"TABLE t, MODEL => MODEL m, {D}"),
        "SR132",
        "named and positional arguments cannot be mixed",
        "MODEL m",
        "name all of them (INPUT => …, MODEL => …, ARGS => …, CONFIG => …) or none",
    ),
    (P.format(f"INPUT => TABLE t, MODEL => MODEL m, {D}"), "SR132", "cannot be mixed", D, "name all of them"),
    (
        P.format(f"INPUT => t, MODL => m, ARGS => {D}"),
        "SR132",
        "ML_PREDICT has no argument 'MODL'",
        "MODL",
        "Did you mean 'MODEL'?",
    ),
    (P.format(f"INPUT => t, LABEL => {D}"), "SR132", "has no argument 'LABEL'", "LABEL", "arguments: INPUT"),
    (
        P.format(f"INPUT => t, input => u, MODEL => m, ARGS => {D}"),
        "SR132",
        "'input' is given twice",
        "input",
        "keep one of them",
    ),
    (
        "SELECT ML_EMBED(MODEL => m, TEXT => a)",
        "SR132",
        "ML_EMBED takes no named arguments",
        "MODEL",
        "write ML_EMBED",
    ),
    (V.format("t, COLUMN_TO_QUERY => x, TOP_K => 1"), "SR132", "cannot be mixed", "x", "name all of them"),
    (V.format("t, x, 5, TOP_K => 1"), "SR132", "'TOP_K' is given twice", "TOP_K", "keep one of them"),
    # what stands around
    (P.format(f"TABLE t MODEL m, {D}"), "SR101", "expected ',' or ')' after the argument", "MODEL", ""),
    (P.format(f"TABLE t PARTITION x, MODEL m, {D}"), "SR101", "expected BY after PARTITION", "x", ""),
    (
        P.format(f"TABLE t PARTITION BY , MODEL m, {D}"),
        "SR101",
        "expected a column after PARTITION BY",
        ",",
        "",
    ),
    (P.format(f"VALUES x, MODEL m, {D}"), "SR131", "expected a table", "VALUES x", ""),
    (
        f"SELECT * FROM TABLE(ML_PREDICT(TABLE t, MODEL m, {D}) x)",
        "SR101",
        "expected ')' after ML_PREDICT(…)",
        "x",
        "",
    ),
    # what cannot be run
    (
        f"SELECT * FROM e CROSS APPLY ML_PREDICT((SELECT e.a AS a FROM u), MODEL m, {D})",
        "SR139",
        "an input that uses rows of 'e' around it parses, but cannot be run yet",
        "(SELECT e.a AS a FROM u)",
        "put the columns into ML_PREDICT's input",
    ),
    (
        "WITH RECURSIVE r AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM ML_PREDICT(TABLE r, MODEL m,"
        f" {D})) SELECT * FROM r",
        "SR139",
        "a call over the recursive query",
        "TABLE r",
        "after the recursion",
    ),
]


@pytest.mark.parametrize(("sql", "code", "message", "place", "hint"), REFUSED)
def test_refuses(sql: str, code: str, message: str, place: str, hint: str) -> None:
    refuses(sql, code, message, place, hint)


def test_an_input_inside_may_qualify_its_own_columns() -> None:
    for inner in ("SELECT u.a FROM u", "SELECT v.a FROM u AS v", "SELECT s.x AS a FROM u", "SELECT a FROM u"):
        sql = f"SELECT * FROM e CROSS APPLY ML_PREDICT(({inner}), MODEL m, {D})"
        assert lower(QueryText(sql, Span(0, len(sql)))).calls


def test_a_query_calls_models_a_bounded_number_of_times() -> None:
    """What WITH defines may be needed for each call anew, so their number bounds the work."""
    many = ", ".join([f"ML_PREDICT(TABLE t, MODEL m, {D})"] * 5000)
    (found,) = check(QueryText(f"SELECT * FROM {many}", Span(0, len(many) + 14)))
    assert (found.code, found.hint) == ("SR109", "split it with CACHE TABLE")
    assert found.message == "the query calls models more than 100 times"


def test_a_call_of_many_values_is_read_in_linear_time() -> None:
    sql = f"SELECT ML_PREDICT(MODEL m, {', '.join(['a'] * 20_000)})"
    began = time.monotonic()
    assert lower(QueryText(sql, Span(0, len(sql)))).calls
    assert time.monotonic() - began < 10
