"""Calls of models: every form is read, lowered to what DuckDB reads, and printed canonically."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from sqlrec.errors import Span
from sqlrec.spec.options import OptionValue
from sqlrec.sql.inference import (
    EvaluateRows,
    EvaluateTable,
    Function,
    InputQuery,
    InputTable,
    PredictTable,
    PredictValues,
    VectorSearch,
)
from sqlrec.sql.inference_config import config_of
from tests.sql.inference_reading import AT, calls, lowered, printed, tight

# ML_PREDICT over a table

TABLE = "ML_PREDICT(INPUT => TABLE t, MODEL => MODEL m, ARGS => DESCRIPTOR(a, b)"
TABLE_FORMS = [
    "ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(a, b))",
    "ml_predict(table t, model m, descriptor(a, b))",
    "ML_PREDICT((TABLE t), (MODEL m), DESCRIPTOR(`a`, b))",
    "ML_PREDICT(t, m, DESCRIPTOR(a, b))",
    "ML_PREDICT(`t`, `m`, DESCRIPTOR(a, b))",
    "ML_PREDICT(TABLE t, 'm', DESCRIPTOR(a, b))",
    "ML_PREDICT(INPUT => TABLE t, MODEL => MODEL m, ARGS => DESCRIPTOR(a, b))",
    "ML_PREDICT(input => `t`, model => `m`, args => DESCRIPTOR(a, b))",
    "ML_PREDICT(features => DESCRIPTOR(a, b), model_input => m, input => t)",
    "ML_PREDICT( TABLE t /* rows */ , MODEL m , -- the model\n DESCRIPTOR(a, b) )",
]


@pytest.mark.parametrize("form", TABLE_FORMS)
@pytest.mark.parametrize(
    ("around", "alias"),
    [
        ("{}", ""),
        ("TABLE({})", ""),
        ("LATERAL TABLE({})", ""),
        ("{} AS p", " AS p"),
        ("TABLE({}) p(x)", " p(x)"),
    ],
)
def test_all_forms_over_a_table_are_one(form: str, around: str, alias: str) -> None:
    sql = f"SELECT * FROM {around.format(form)}"
    (call,) = calls(sql)
    assert isinstance(call, PredictTable)
    assert isinstance(call.input, InputTable)
    assert (call.input.name.text, call.model.name.text, call.model.version) == ("t", "m", "")
    assert [column.text for column in call.columns] == ["a", "b"]
    assert sql[call.span.start - AT : call.span.end - AT] == form
    assert printed(sql) == f"SELECT * FROM {around.format(TABLE + ')')}"
    (made,) = lowered(sql).calls
    assert (made.name, made.query.replace('"', "")) == ("ml_predict_1", "SELECT * FROM t")
    assert [table.text for table in made.tables] == ["t"]
    assert lowered(sql).query == f'SELECT * FROM "ml_predict_1"{alias}'
    assert lowered(sql).tables == ()


MODELS = [
    ("MODEL m", ("m",), "", "MODEL m"),
    ("MODEL db.m", ("db", "m"), "", "MODEL db.m"),
    ("MODEL cat.db.m", ("cat", "db", "m"), "", "MODEL cat.db.m"),
    ("'cat.db.m'", ("cat", "db", "m"), "", "MODEL cat.db.m"),
    ("`cat.db.m`", ("cat", "db", "m"), "", "MODEL cat.db.m"),
    ("'m$2'", ("m",), "2", "MODEL `m$2`"),
    ("`m$all`", ("m",), "all", "MODEL `m$all`"),
    ("MODEL db.`m$x$10`", ("db", "m$x"), "10", "MODEL db.`m$x$10`"),
    ("MODEL model", ("model",), "", "MODEL `model`"),
    ("MODEL `two words`", ("two words",), "", "MODEL `two words`"),
]


@pytest.mark.parametrize(("written", "parts", "version", "canonical_text"), MODELS)
def test_a_model_may_be_named_in_many_ways(
    written: str, parts: tuple[str, ...], version: str, canonical_text: str
) -> None:
    sql = f"SELECT * FROM ML_PREDICT(TABLE t, {written}, DESCRIPTOR(a))"
    (call,) = calls(sql)
    assert isinstance(call, PredictTable)
    assert (call.model.name.parts, call.model.version) == (parts, version)
    assert f"MODEL => {canonical_text}," in printed(sql)


INPUTS = [
    ("TABLE db.t", 'SELECT * FROM "db"."t"', ["db.t"], "TABLE db.t"),
    ("TABLE `a.b`", 'SELECT * FROM "a.b"', ["a.b"], "TABLE `a.b`"),
    ("TABLE some", 'SELECT * FROM "some"', ["some"], "TABLE `some`"),
    ("TABLE t PARTITION BY x", 'SELECT * FROM "t"', ["t"], "TABLE t PARTITION BY x"),
    ("(TABLE t PARTITION BY (x, y))", 'SELECT * FROM "t"', ["t"], "TABLE t PARTITION BY (x, y)"),
    ("(SELECT * FROM t JOIN u USING (a))", "SELECT * FROM t JOIN u USING (a)", ["t", "u"],
     "(SELECT * FROM t JOIN u USING (a))"),
    ("TABLE(SELECT a FROM t)", "SELECT a FROM t", ["t"], "(SELECT a FROM t)"),
    ("(WITH c AS (SELECT 1 AS a) SELECT * FROM c)", "WITH c AS (SELECT 1 AS a) SELECT * FROM c", [],
     "(WITH c AS (SELECT 1 AS a) SELECT * FROM c)"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "query", "tables", "canonical_text"), INPUTS)
def test_the_input_is_a_table_or_a_query(
    written: str, query: str, tables: list[str], canonical_text: str
) -> None:
    sql = f"SELECT * FROM ML_PREDICT({written}, MODEL m, DESCRIPTOR(a))"
    (made,) = lowered(sql).calls
    assert made.query == query
    assert [table.text for table in made.tables] == tables
    assert f"INPUT => {canonical_text}, MODEL" in printed(sql)


def test_places_are_those_of_the_script() -> None:
    sql = "SELECT * FROM ML_PREDICT((SELECT x FROM größe), MODEL `mö`, DESCRIPTOR(x), MAP['service', 's'])"
    (made,) = lowered(sql).calls
    call = made.call
    assert isinstance(call, PredictTable)

    def written(span: Span) -> str:
        return sql[span.start - AT : span.end - AT]

    assert written(made.tables[0].span) == "größe"
    assert written(call.model.span) == "`mö`"
    assert written(call.columns_span) == "DESCRIPTOR(x)"
    assert written(call.config[0].value.span) == "'s'"
    assert written(call.input.span) == "(SELECT x FROM größe)"


# CONFIG

CONFIGS: list[tuple[str, Mapping[str, OptionValue]]] = [
    ("MAP['async', 'true']", {"async": True}),
    ("MAP['async_enabled', FALSE, 'max_parallelism', 4]", {"async": False, "max-concurrent-operations": 4}),
    ("MAP['max-concurrent-operations', '10']", {"max-concurrent-operations": 10}),
    ("MAP['output-mode', 'allow-unordered']", {"output-mode": "ALLOW_UNORDERED"}),
    ("MAP['timeout', 'PT3M']", {"timeout": 180.0}),
    ("MAP['timeout', 'pt1h0.5s']", {"timeout": 3600.5}),
    ("MAP['client_timeout', 30]", {"timeout": 30.0}),
    ("MAP['timeout', '150ms']", {"timeout": 0.15}),
    ("MAP['retry_count', 3, 'debug', true, 'service', 'rank']",
     {"retry_count": 3, "debug": True, "service": "rank"}),
    ("MAP[]", {}),
]  # fmt: skip


@pytest.mark.parametrize(("written", "values"), CONFIGS)
def test_config_is_normalised(written: str, values: Mapping[str, OptionValue]) -> None:
    sql = f"SELECT * FROM ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(a), {written})"
    (call,) = calls(sql)
    assert config_of(call) == values
    assert ("CONFIG => MAP['" in printed(sql)) == bool(values)


# Values

VALUES = [
    ("SELECT ML_PREDICT(MODEL m, a, b) AS s FROM t", "SELECT ml_predict_1( a, b) AS s FROM t",
     Function.PREDICT, False),
    ("SELECT ML_PREDICT('m', a + 1, f(b, c), MAP['async', true]) FROM t",
     "SELECT ml_predict_1( a + 1, f(b, c) ) FROM t", Function.PREDICT, False),
    ("SELECT 1, ML_PREDICT(m, a) FROM t", "SELECT 1, ml_predict_1( a) FROM t", Function.PREDICT, False),
    ("SELECT ML_EMBED(MODEL e, x) FROM t", "SELECT ml_embed_1( x) FROM t", Function.EMBED, False),
    ("SELECT AI_COMPLETE('m', p) FROM t", "SELECT ai_complete_1( p) FROM t", Function.COMPLETE, False),
    ("SELECT AI_EMBEDDING('db.m$2', p) FROM t", "SELECT ai_embedding_1( p) FROM t", Function.EMBEDDING,
     False),
    ("SELECT * FROM t WHERE ML_PREDICT(MODEL m, a) > 0.5 ORDER BY a",
     "SELECT * FROM t WHERE ml_predict_1( a) > 0.5 ORDER BY a", Function.PREDICT, False),
    ("SELECT * FROM t JOIN u ON t.a = ML_PREDICT(MODEL m, u.a)",
     "SELECT * FROM t JOIN u ON t.a = ml_predict_1( u.a)", Function.PREDICT, False),
    ("SELECT EXTRACT(DAY FROM ML_PREDICT(MODEL m, a)) FROM t",
     "SELECT EXTRACT(DAY FROM ml_predict_1( a)) FROM t", Function.PREDICT, False),
    ("SELECT a IS DISTINCT FROM ML_PREDICT(MODEL m, a) FROM t",
     "SELECT a IS DISTINCT FROM ml_predict_1( a) FROM t", Function.PREDICT, False),
    ("SELECT p.* FROM t, LATERAL TABLE(ML_PREDICT('m', t.a)) AS p(x)",
     "SELECT p.* FROM t, ml_predict_1( t.a) AS p(x)", Function.PREDICT, True),
    (
        "SELECT * FROM t OUTER APPLY TABLE(ML_PREDICT('m', t.a)) AS p WHERE x > 1",
        "SELECT * FROM t LEFT JOIN ml_predict_1(t.a) AS p ON TRUE WHERE x > 1",
        Function.PREDICT,
        True,
    ),
    ("SELECT * FROM t CROSS JOIN ML_PREDICT('m', t.a)", "SELECT * FROM t CROSS JOIN ml_predict_1( t.a)",
     Function.PREDICT, True),
    ("SELECT ML_PREDICT(MODEL m, (SELECT max(a) FROM u)) FROM t",
     "SELECT ml_predict_1( (SELECT max(a) FROM u)) FROM t", Function.PREDICT, False),
    ("SELECT ML_PREDICT(MODEL m, model, \"MODEL\") FROM t",
     'SELECT ml_predict_1( model, "MODEL") FROM t', Function.PREDICT, False),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "query", "function", "in_from"), VALUES)
def test_a_call_of_values_is_a_function(sql: str, query: str, function: Function, in_from: bool) -> None:
    found = lowered(sql)
    assert tight(found.query) == tight(query)
    (made,) = found.calls
    assert isinstance(made.call, PredictValues)
    assert (made.call.function, made.call.in_from, made.query) == (function, in_from, "")
    printed(sql)


def test_the_model_of_a_call_of_values_is_printed_first() -> None:
    assert printed("SELECT ML_PREDICT('m$2', a, MAP['async', 1 = 1]) FROM t".replace("1 = 1", "true")) == (
        "SELECT ML_PREDICT(MODEL `m$2`, a, MAP['async', 'true']) FROM t"
    )
    assert printed("SELECT AI_COMPLETE(MODEL a.`b$1`, p)") == "SELECT AI_COMPLETE('a.b$1', p)"


ROWS = [
    ("ML_PREDICT(VALUES (e.a, e.b), MODEL m, DESCRIPTOR(x, y))", "(FROM ml_predict_1 (e.a, e.b) )"),
    ("ML_PREDICT((VALUES (1, 2), (3, 4)), MODEL m, DESCRIPTOR(x, y))",
     "(FROM ml_predict_1 (1, 2) UNION ALL FROM ml_predict_1 (3, 4) )"),
    ("ML_PREDICT(VALUES (f(1, 2), [3, 4]), (5, (6)), (MODEL m), DESCRIPTOR(x, y))",
     "(FROM ml_predict_1 (f(1, 2), [3, 4]) UNION ALL FROM ml_predict_1 (5, (6)) )"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "query"), ROWS)
def test_rows_of_values_are_calls_of_a_table_function(written: str, query: str) -> None:
    sql = f"SELECT * FROM e CROSS APPLY {written} AS p"
    assert lowered(sql).query == f"SELECT * FROM e CROSS JOIN {query} AS p"
    (call,) = calls(sql)
    assert isinstance(call, PredictTable)
    assert isinstance(call.input, InputQuery)
    assert "INPUT => (VALUES (" in printed(sql)


# ML_EVALUATE

EVALUATE = "ML_EVALUATE(INPUT => TABLE t, MODEL => MODEL m, {}ARGS => DESCRIPTOR(a, b){})"
EVALUATE_FORMS = [
    ("ML_EVALUATE(t, m, DESCRIPTOR(a, b))", "", ""),
    ("ML_EVALUATE(input => `t`, model => `m`, args => DESCRIPTOR(a, b))", "", ""),
    ("ML_EVALUATE(TABLE t, MODEL m, DESCRIPTOR(y), DESCRIPTOR(a, b))", "LABEL => DESCRIPTOR(y), ", ""),
    ("ML_EVALUATE(input => TABLE t, model_input => MODEL m, label => DESCRIPTOR(y),"
     " features => DESCRIPTOR(a, b), task => 'Regression')", "LABEL => DESCRIPTOR(y), ",
     ", TASK => 'regression'"),
    ("ML_EVALUATE(TABLE t, MODEL m, DESCRIPTOR(y), DESCRIPTOR(a, b), 'CLASSIFICATION', MAP['async', true])",
     "LABEL => DESCRIPTOR(y), ", ", TASK => 'classification', CONFIG => MAP['async', 'true']"),
    ("ML_EVALUATE(TABLE t, MODEL m, DESCRIPTOR(y), DESCRIPTOR(a, b), MAP['async', true])",
     "LABEL => DESCRIPTOR(y), ", ", CONFIG => MAP['async', 'true']"),
    ("ML_EVALUATE(TABLE t, MODEL m, DESCRIPTOR(a, b), 'chat-completion')", "",
     ", TASK => 'text_generation'"),
    ("ML_EVALUATE(TABLE t, MODEL m, DESCRIPTOR(a, b), MAP['async', true])", "",
     ", CONFIG => MAP['async', 'true']"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "label", "rest"), EVALUATE_FORMS)
def test_evaluations_of_a_table(written: str, label: str, rest: str) -> None:
    sql = f"SELECT * FROM {written}"
    assert lowered(sql).query == 'SELECT * FROM "ml_evaluate_1"'
    assert printed(sql) == f"SELECT * FROM {EVALUATE.format(label, rest)}"
    assert isinstance(calls(sql)[0], EvaluateTable)


def test_an_evaluation_may_be_an_aggregate() -> None:
    sql = "SELECT g, ML_EVALUATE(`m`, y, a, b, MAP['async', true])['F1'] FROM t GROUP BY g"
    assert lowered(sql).query == "SELECT g, ml_evaluate_1(list(row( y, a, b )))['F1'] FROM t GROUP BY g"
    (call,) = calls(sql)
    assert isinstance(call, EvaluateRows)
    assert (call.label.sql, [f.sql for f in call.features]) == ("y", ["a", "b"])
    assert printed(sql).startswith("SELECT g, ML_EVALUATE(MODEL m, y, a, b, MAP['async', 'true'])['F1']")


# VECTOR_SEARCH

SEARCH_FORMS = [
    "VECTOR_SEARCH(TABLE t, DESCRIPTOR(v), q.e, 5)",
    "VECTOR_SEARCH(TABLE t, q.e, DESCRIPTOR(v), 5)",
    "VECTOR_SEARCH(TABLE t, 'v', q.e, TOP_K => 5)",
    "VECTOR_SEARCH(t, 'v', q.e, 5)",
    "VECTOR_SEARCH(SEARCH_TABLE => TABLE t, COLUMN_TO_SEARCH => DESCRIPTOR(v), COLUMN_TO_QUERY => q.e,"
    " TOP_K => 5)",
    "VECTOR_SEARCH(top_k => 5, column_to_query => q.e, column_to_search => 'v', search_table => t)",
]


@pytest.mark.parametrize("written", SEARCH_FORMS)
def test_all_forms_of_a_search_are_one(written: str) -> None:
    sql = f"SELECT * FROM q, {written} AS s"
    assert tight(lowered(sql).query) == "SELECT * FROM q,vector_search_1(q.e) AS s"
    assert printed(sql) == (
        "SELECT * FROM q, VECTOR_SEARCH(SEARCH_TABLE => TABLE t, COLUMN_TO_SEARCH => DESCRIPTOR(v), "
        "COLUMN_TO_QUERY => q.e, TOP_K => 5) AS s"
    )


def test_a_search_may_leave_its_column_out_and_have_config() -> None:
    sql = "SELECT * FROM VECTOR_SEARCH(t, 3, [1.0, 2.0], MAP['metric', 'DOT'])"
    (call,) = calls(sql)
    assert isinstance(call, VectorSearch)
    assert (call.column, call.top_k, config_of(call)) == (None, 3, {"metric": "dot"})
    assert printed(sql).endswith("COLUMN_TO_QUERY => [1.0, 2.0], TOP_K => 3, CONFIG => MAP['metric', 'DOT'])")
    sql = "SELECT * FROM VECTOR_SEARCH(TABLE t, 'v', (SELECT e FROM q), TOP_K => 2, CONFIG => MAP[])"
    assert [table.text for table in lowered(sql).tables] == ["q"]
    assert "COLUMN_TO_QUERY => (SELECT e FROM q)" in printed(sql)
