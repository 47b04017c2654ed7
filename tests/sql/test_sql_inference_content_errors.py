"""Calls of models whose arguments say what cannot be: columns, CONFIG, tasks, numbers, names of models."""

from __future__ import annotations

import pytest

from tests.sql.inference_reading import refuses

P, E, V = "SELECT * FROM ML_PREDICT({})", "SELECT * FROM ML_EVALUATE({})", "SELECT * FROM VECTOR_SEARCH({})"
D = "DESCRIPTOR(a)"

# query, code, part of the message, what is pointed at, part of the hint
REFUSED = [
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
]


@pytest.mark.parametrize(("sql", "code", "message", "place", "hint"), REFUSED)
def test_refuses_what_an_argument_says(sql: str, code: str, message: str, place: str, hint: str) -> None:
    refuses(sql, code, message, place, hint)
