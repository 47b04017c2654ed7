"""Calls of models: every shape is read, lowered to what DuckDB reads, and printed canonically."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlrec.errors import Span
from sqlrec.spec.options import OptionValue
from sqlrec.sql.inference import (
    EvaluateRows,
    EvaluateTable,
    Function,
    InferenceCall,
    InputQuery,
    InputTable,
    PredictTable,
    PredictValues,
    VectorSearch,
)
from sqlrec.sql.inference_config import config_of
from sqlrec.sql.inference_text import canonical
from sqlrec.sql.queries import Lowered, QueryProblem, check_condition, lower, lower_source
from sqlrec.sql.statements import DataSource, QueryText

AT = 1000
"""Where the queries of these tests begin in their script."""


def text(sql: str) -> QueryText:
    return QueryText(sql, Span(AT, AT + len(sql)))


def lowered(sql: str) -> Lowered:
    return lower(text(sql))


def calls(sql: str) -> list[InferenceCall]:
    return [call.call for call in lowered(sql).calls]


def printed(sql: str) -> str:
    """The canonical text, which must be stable and mean the same."""
    before = lowered(sql)
    once = canonical(text(sql))
    assert canonical(text(once)) == once
    assert tight(before.query) == tight(lowered(once).query)
    assert [shape(call) for call in calls(sql)] == [shape(call) for call in calls(once)]
    return once


def tight(sql: str) -> str:
    """The text without the blanks that are left where something was taken out."""
    return sql.replace('"', "").replace("( ", "(").replace(" )", ")").replace(" ,", ",").replace(", ", ",")


def shape(call: InferenceCall) -> tuple[object, ...]:
    """What a call says, places and spelling aside."""
    match call:
        case PredictTable():
            columns = tuple(column.text for column in call.columns)
            return (call.model.name.parts, call.model.version, columns, config_of(call))
        case EvaluateTable(label=label, task=task):
            columns = tuple(column.text for column in call.columns)
            return (call.model.name.parts, label and label.text, columns, task and task.value)
        case PredictValues():
            return (call.function, call.model.name.parts, call.model.version, len(call.values))
        case EvaluateRows():
            return (EvaluateRows, call.model.name.parts, len(call.features))
        case VectorSearch():
            return (call.column and call.column.text, call.top_k, config_of(call))


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


# Where calls stand


def test_calls_inside_calls_are_made_first() -> None:
    inner = "SELECT ML_EMBED(MODEL e, d) AS v FROM ML_PREDICT(TABLE q, MODEL z, DESCRIPTOR(b))"
    sql = f"SELECT * FROM ML_PREDICT(({inner}), MODEL m, DESCRIPTOR(v))"
    found = lowered(sql)
    assert [(call.name, call.query) for call in found.calls] == [
        ("ml_embed_2", ""),
        ("ml_predict_3", 'SELECT * FROM "q"'),
        ("ml_predict_1", 'SELECT ml_embed_2( d) AS v FROM "ml_predict_3"'),
    ]
    assert "FROM ML_PREDICT(INPUT => TABLE q, MODEL => MODEL z, ARGS => DESCRIPTOR(b))), MODEL" in printed(
        sql
    )


def test_a_call_may_stand_in_the_values_of_another() -> None:
    sql = "SELECT ML_PREDICT(MODEL m, ML_EMBED(MODEL e, a), b) FROM t"
    assert lowered(sql).query == "SELECT ml_predict_1( ml_embed_2( a), b) FROM t"
    printed(sql)


def test_an_input_may_be_what_with_defines() -> None:
    sql = (
        "WITH a AS (SELECT * FROM t WHERE d = '{{ ds }}'), b(x) AS MATERIALIZED (SELECT y FROM a)"
        " SELECT * FROM ML_PREDICT(TABLE b, MODEL m, DESCRIPTOR(x)) JOIN a ON true"
    )
    found = lowered(sql)
    (made,) = found.calls
    assert made.query == (
        "WITH a AS (SELECT * FROM t WHERE d = $p2 ) , b(x) AS MATERIALIZED (SELECT y FROM a)"
        ' SELECT * FROM ( SELECT * FROM "b")'
    )
    assert [table.text for table in made.tables] == ["t"]
    assert found.parameters == {"p1": "{{ ds }}", "p2": "{{ ds }}"}
    printed(sql)


def test_an_input_gets_what_it_needs_of_with_and_no_more() -> None:
    (made,) = lowered(
        "WITH a AS (SELECT 1 AS x), b AS (SELECT 2), c AS (SELECT * FROM a), d AS (SELECT 3)"
        " SELECT * FROM ML_PREDICT((SELECT * FROM c), MODEL m, DESCRIPTOR(x)), b, d"
    ).calls
    query = "WITH a AS (SELECT 1 AS x),c AS (SELECT * FROM a) SELECT * FROM (SELECT * FROM c)"
    assert tight(made.query) == query


def test_an_input_that_needs_nothing_of_with_is_left_alone() -> None:
    (made,) = lowered(
        "WITH a AS (SELECT 1) SELECT * FROM a, ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(x))"
    ).calls
    assert made.query == 'SELECT * FROM "t"'


def test_a_call_in_with_is_made_once_for_all_that_read_it() -> None:
    found = lowered(
        "WITH h AS (SELECT * FROM ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(a)))"
        " SELECT * FROM ML_PREDICT(TABLE h, MODEL m, DESCRIPTOR(a)) p JOIN h USING (a)"
    )
    assert [call.name for call in found.calls] == ["ml_predict_1", "ml_predict_2"]
    query = 'WITH h AS (SELECT * FROM "ml_predict_1") SELECT * FROM (SELECT * FROM h)'
    assert tight(found.calls[1].query) == tight(query)


def test_with_recursive_stays_recursive() -> None:
    (made,) = lowered(
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5)"
        " SELECT * FROM ML_PREDICT(TABLE r, MODEL m, DESCRIPTOR(n))"
    ).calls
    assert made.query.startswith("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL")


def test_names_of_calls_are_not_those_of_the_query() -> None:
    found = lowered("SELECT ml_predict_1, ML_PREDICT(MODEL m, a) FROM ml_predict_2")
    assert found.query == "SELECT ml_predict_1, ml_predict_3( a) FROM ml_predict_2"
    assert [table.text for table in found.tables] == ["ml_predict_2"]


def test_functions_of_these_names_elsewhere_are_no_calls() -> None:
    assert lowered("SELECT s.ml_predict(1), ml_predict FROM t").calls == ()


def test_a_source_and_its_condition_may_have_calls() -> None:
    source = DataSource(
        None,
        QueryText("SELECT * FROM ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(a))", Span(20, 77)),
        QueryText("ML_PREDICT(MODEL m, a) > 0", Span(90, 116)),
        Span(19, 116),
    )
    found = lower_source(source)
    assert (
        found.query == 'SELECT * FROM (SELECT * FROM "ml_predict_1") AS source WHERE (ml_predict_2( a) > 0)'
    )
    assert [call.name for call in found.calls] == ["ml_predict_1", "ml_predict_2"]
    assert check_condition(text("ML_PREDICT(MODEL m) > 0"))[0].code == "SR130"


# The shapes of the sources, whole

PUBLISHED = [
    "SELECT f1, f2, label FROM ML_PREDICT(`my_data`, `classifier_model`, DESCRIPTOR(f1, f2))",
    "SELECT f1, f2, label FROM ML_PREDICT( input => `my_data`, model => `classifier_model`, "
    "args => DESCRIPTOR(f1, f2) )",
    "SELECT * FROM ML_EVALUATE(`eval_data`, `classifier_model`, DESCRIPTOR(f1, f2))",
    "SELECT * FROM TABLE(\n  ML_PREDICT(\n    TABLE input_data,\n    MODEL my_model,\n"
    "    DESCRIPTOR(col1, col2, col3)\n  )\n)",
    """SELECT customer_id, TUMBLE_START(event_time, INTERVAL '1' HOUR) AS window_start,
  predicted.churn_probability
FROM (
  SELECT customer_id, TUMBLE_START(event_time, INTERVAL '1' HOUR) AS window_start,
    SUM(amount) AS total_amount, COUNT(*) AS txn_count, AVG(amount) AS avg_amount
  FROM transactions
  GROUP BY customer_id, TUMBLE(event_time, INTERVAL '1' HOUR)
) hourly
JOIN customer_features ON hourly.customer_id = customer_features.id
CROSS APPLY (
  SELECT churn_probability
  FROM TABLE(
    ML_PREDICT(
      VALUES (hourly.total_amount, hourly.txn_count, hourly.avg_amount,
              customer_features.age, customer_features.tenure),
      MODEL customer_churn_model,
      DESCRIPTOR(total_amount, txn_count, avg_amount, age, tenure)
    )
  )
) predicted""",
    """SELECT e.customer_id, e.txn_amount, p.fraud_score
FROM event_stream e
JOIN customer_dim FOR SYSTEM_TIME AS OF e.event_time AS c
  ON e.customer_id = c.customer_id
CROSS APPLY (
  SELECT * FROM TABLE(ML_PREDICT(VALUES (e.txn_amount, c.age, c.tenure, c.segment),
      MODEL fraud_model, DESCRIPTOR(amount, age, tenure, segment)))
) p
WHERE p.fraud_score > 0.8""",
    """WITH embedded AS (
  SELECT *, ML_EMBED(MODEL embed_model, description) AS embedding FROM events
),
enriched AS (
  SELECT e.*, similar_items FROM embedded e
  CROSS APPLY (
    SELECT ARRAY_AGG(item) AS similar_items
    FROM VECTOR_SEARCH(TABLE items, 'embedding', e.embedding, TOP_K => 5)
  )
),
recommendations AS (
  SELECT e.user_id, ML_PREDICT(MODEL recommender, e.user_id, e.similar_items) AS recommendation
  FROM enriched e
)
SELECT * FROM recommendations""",
    "SELECT *, ML_PREDICT(MODEL m, features) FROM event_features WHERE date = CURRENT_DATE",
    "SELECT ML_EVALUATE(`m$all`, label, f1, f2) FROM t",
]


@pytest.mark.parametrize("sql", PUBLISHED)
def test_published_queries_are_read_and_printed(sql: str) -> None:
    printed(sql)


# Any mixture

NAME = st.sampled_from(["t", "db.t", "`a b`", "model", "`x.y`"])
COLUMNS = st.lists(st.sampled_from(["a", "`b c`", "d"]), min_size=1, max_size=3, unique=True)
CONFIG = st.sampled_from(["", "MAP['async', true]", "MAP['timeout', 'PT1M', 'retry_count', 2]"])
MODEL = st.sampled_from(["MODEL m", "(MODEL db.m)", "'c.d.m$3'", "`m`"])


def _join(*arguments: str) -> str:
    return ", ".join(argument for argument in arguments if argument)


@st.composite
def predictions(draw: st.DrawFn) -> str:
    name, columns, model, config = draw(NAME), draw(COLUMNS), draw(MODEL), draw(CONFIG)
    source = draw(st.sampled_from([f"TABLE {name}", f"(SELECT * FROM {name})", f"(TABLE {name})"]))
    descriptor = f"DESCRIPTOR({', '.join(columns)})"
    if draw(st.booleans()):
        return f"ML_PREDICT({_join(source, model, descriptor, config)})"
    named = [f"INPUT => {source}", f"MODEL => {model}", f"ARGS => {descriptor}"]
    named += [f"CONFIG => {config}"] if config else []
    return f"ML_PREDICT({', '.join(draw(st.permutations(named)))})"


@st.composite
def selects(draw: st.DrawFn) -> str:
    value = f"ML_PREDICT({_join(draw(MODEL), *draw(COLUMNS), draw(CONFIG))})"
    tables = draw(st.lists(predictions(), min_size=1, max_size=3))
    around = draw(st.sampled_from(["{}", "TABLE({})", "LATERAL TABLE({})"]))
    froms = ", ".join(f"{around.format(table)} AS p{index}" for index, table in enumerate(tables))
    gap = draw(st.sampled_from([" ", "\n", " /* , */ "]))
    head = draw(st.sampled_from(["", "WITH c AS (SELECT * FROM u) "]))
    return f"{head}SELECT *,{gap}{value} FROM {froms}{gap}WHERE x > 1"


@given(selects())
@settings(max_examples=60, deadline=None)
def test_any_query_is_printed_stably(sql: str) -> None:
    printed(sql)


@given(selects(), st.data())
@settings(max_examples=120, deadline=None)
def test_a_damaged_query_is_a_located_problem(sql: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(sql)))
    end = data.draw(st.integers(start, min(start + 8, len(sql))))
    damaged = sql[:start] + data.draw(st.sampled_from(["", ")", "(", ",", "'", "=>", "TABLE "])) + sql[end:]
    try:
        printed(damaged)
    except QueryProblem as problem:
        found = problem.diagnostic
        assert found.code.startswith("SR1")
        assert AT <= found.span.start <= AT + len(damaged) + 1
