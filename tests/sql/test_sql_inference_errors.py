"""Calls of models that cannot be read: what is said, where, and what to do instead."""

from __future__ import annotations

import time

import pytest

from sqlrec.errors import Span
from sqlrec.sql.queries import QueryProblem, check, lower
from sqlrec.sql.statements import QueryText

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
    # DESCRIPTOR
    (
        P.format("TABLE t, MODEL m, DESCRIPTOR(t.a)"),
        "SR133",
        "Table or column alias must be a simple identifier",
        "t.a",
        "write DESCRIPTOR(a)",
    ),
    (
        P.format("TABLE t, MODEL m, DESCRIPTOR(a, A)"),
        "SR133",
        "DESCRIPTOR names column 'A' twice",
        "A",
        "once",
    ),
    (
        P.format("TABLE t, MODEL m, DESCRIPTOR('a')"),
        "SR133",
        "expected a column name in DESCRIPTOR",
        "'a'",
        "",
    ),
    (P.format("TABLE t, MODEL m, DESCRIPTOR()"), "SR133", "expected a column name in DESCRIPTOR", ")", ""),
    (P.format("TABLE t, MODEL m, DESCRIPTOR(a b)"), "SR101", "expected ')' or ',' after a column", "b", ""),
    (
        E.format("t, m, DESCRIPTOR(a, b), DESCRIPTOR(c)"),
        "SR133",
        "Label descriptor must have exactly one column for evaluation, found 2",
        "DESCRIPTOR(a, b)",
        "write",
    ),
    (
        V.format("t, DESCRIPTOR(a, b), x, 1"),
        "SR133",
        "expected DESCRIPTOR with the one column to search",
        "DESCRIPTOR(a, b)",
        "",
    ),
    # CONFIG
    (P.format(f"TABLE t, MODEL m, {D}, 'x'"), "SR134", "Config param should be a MAP.", "'x'", "write MAP["),
    (
        P.format(f"TABLE t, MODEL m, {D}, MAP['async']"),
        "SR134",
        "key 'async' has no value",
        "'async'",
        "write MAP['key', 'value', …]",
    ),
    (
        P.format(f"TABLE t, MODEL m, {D}, MAP[async, true]"),
        "SR134",
        "expected a key as a quoted string",
        "async",
        "",
    ),
    (
        P.format(f"TABLE t, MODEL m, {D}, MAP['async', x]"),
        "SR134",
        "config param can only be a MAP of string literals, found 'x'",
        "x",
        "quote the value",
    ),
    (
        P.format(f"TABLE t, MODEL m, {D}, MAP['asinc', true]"),
        "SR134",
        "unknown config option 'asinc'",
        "'asinc'",
        "Did you mean 'async'?",
    ),
    (
        P.format(f"TABLE t, MODEL m, {D}, MAP['xyz', true]"),
        "SR134",
        "unknown config option 'xyz'",
        "'xyz'",
        "options: service, async",
    ),
    (
        P.format(f"TABLE t, MODEL m, {D}, MAP['async', 1, 'async', 2]"),
        "SR134",
        "Invalid runtime config option",
        "1",
        "",
    ),
    (
        P.format(f"TABLE t, MODEL m, {D}, MAP['async', true, 'async_enabled', true]"),
        "SR134",
        "'async_enabled' is given twice",
        "'async_enabled'",
        "keep one of them",
    ),
    (
        P.format(f"TABLE t, MODEL m, {D}, MAP['max-concurrent-operations', -1]"),
        "SR134",
        "Invalid runtime config option 'max-concurrent-operations'",
        "-1",
        "",
    ),
    (
        P.format(f"TABLE t, MODEL m, {D}, MAP['timeout', 'PT']"),
        "SR134",
        "option 'timeout' takes a duration",
        "'PT'",
        "",
    ),
    (
        P.format(f"TABLE t, MODEL m, {D}, MAP['service', '{{{{ x }}}}']"),
        "SR110",
        "CONFIG cannot hold a template",
        "'{{ x }}'",
        "",
    ),
    (
        P.format(f"TABLE t, MODEL m, {D}, MAP['metric', 'dot']"),
        "SR134",
        "has no config option 'metric'",
        "'metric'",
        "remove it",
    ),
    (V.format("t, x, 1, MAP['service', 's']"), "SR134", "has no config option 'service'", "'service'", ""),
    (
        P.format(f"TABLE t, MODEL m, {D}, MAP['async' true]"),
        "SR134",
        "key 'async' has no value",
        "'async'",
        "",
    ),
    (
        P.format(f"TABLE t, MODEL m, {D}, MAP['async', true 'debug', true]"),
        "SR101",
        "expected ',' between the entries of the MAP",
        "'debug'",
        "",
    ),
    # tasks
    (
        E.format(f"t, m, {D}, {D}, 'clasification'"),
        "SR135",
        "Unsupported task: clasification. Supported tasks "
        "are: [regression, clustering, classification, embedding, text_generation].",
        "'clasification'",
        "Did you mean 'classification'?",
    ),
    (
        E.format(f"t, m, {D}, {D}, regression"),
        "SR135",
        "Expected a valid task string literal, but got: regression",
        "regression",
        "tasks: regression",
    ),
    (
        E.format(f"INPUT => t, MODEL => m, ARGS => {D}, TASK => MAP[]"),
        "SR135",
        "but got: another argument",
        "MAP[]",
        "tasks: ",
    ),
    # top_k
    (V.format("t, x, 0"), "SR136", "Parameter top_k must be greater than 0, but was 0.", "0", "TOP_K => 10"),
    (V.format("t, DESCRIPTOR(v), x, -3"), "SR136", "greater than 0, but was -3.", "-3", ""),
    (V.format("t, x, TOP_K => n"), "SR136", "top_k must be a whole number", "n", "write TOP_K => 10"),
    (V.format("t, x, TOP_K => MODEL m"), "SR136", "top_k must be a whole number", "MODEL m", ""),
    # names of models
    (P.format(f"TABLE t, 'm$x', {D}"), "SR138", "'x' is no version of a model", "'m$x'", "m$2, m$all"),
    (P.format(f"TABLE t, '$2', {D}"), "SR138", "'2' is no version of a model", "'$2'", "m$2, m$all"),
    (
        P.format(f"TABLE t, 'a..b', {D}"),
        "SR138",
        "'a..b' cannot name a model",
        "'a..b'",
        "m, db.m or cat.db.m",
    ),
    (P.format(f"TABLE t, `a.b.c.d`, {D}"), "SR138", "'a.b.c.d' cannot name a model", "`a.b.c.d`", ""),
    (
        P.format(f"TABLE t, MODEL m$2, {D}"),
        "SR110",
        "queries take no parameters",
        "$",
        "a name with a $ needs back-quotes: `m$2`",
    ),
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
    with pytest.raises(QueryProblem) as caught:
        lower(QueryText(sql, Span(50, 50 + len(sql))))
    found = caught.value.diagnostic
    assert (found.code, sql[found.span.start - 50 : found.span.end - 50].startswith(place)) == (code, True)
    assert message in found.message
    assert hint in found.hint
    assert check(QueryText(sql, Span(50, 50 + len(sql)))) == (found,)


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
