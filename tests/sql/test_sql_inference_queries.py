"""Calls of models in the queries around them: in each other, in WITH, published queries, any mixture."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlrec.errors import Span
from sqlrec.sql.queries import QueryProblem, check_condition, lower_source
from sqlrec.sql.statements import DataSource, QueryText
from tests.sql.inference_reading import AT, lowered, printed, text, tight

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
