"""Calls of models in queries, from the script to the rows, over a real HTTP service."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlrec.errors import NameNotFoundError, PolicyError, RemoteError, SchemaError, StateError
from sqlrec.plan.plan import QueryStep, RefKind
from sqlrec.spec.job import TrainWork
from sqlrec.spec.table import SearchedTable
from tests.execution.steps import MODEL, World, make_world, server, steps_of

SERVED = f"""{MODEL}
TRAIN MODEL ctr CHECKPOINT = 'v1' ON samples;
EXPORT MODEL ctr CHECKPOINT = 'v1' ON samples;
CREATE SERVICE rank ON MODEL ctr CHECKPOINT = 'v1_export';
"""
USERS = {"user_id": [1, 2, 3, 4], "age": [10, 20, None, 40], "is_click": [0, 1, 0, 0]}
Rows = list[dict[str, Any]]


class Answer:
    """Probability of a row: a tenth of the user's number, plus a thousandth of the age."""

    def __init__(self) -> None:
        self.asked: list[Rows] = []
        self.bad = False

    def __call__(self, rows: Rows) -> object:
        self.asked.append(rows)
        if self.bad:
            return {"probs": ["x"] * len(rows)}
        return {"probs": [row["user_id"] / 10 + (row["age"] or 0) / 1000 for row in rows]}

    @property
    def rows(self) -> int:
        return sum(map(len, self.asked))


@pytest.fixture
def answer() -> Answer:
    return Answer()


@pytest.fixture
def world(tmp_path: Path, answer: Answer) -> Iterator[World]:
    """A project with a served model, and the tables ``samples``, ``items`` and ``db.orders``."""
    (tmp_path / "data" / "db").mkdir(parents=True)
    pq.write_table(pa.table(USERS), tmp_path / "data" / "samples.parquet")
    vectors = pa.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], None], pa.list_(pa.float32()))
    pq.write_table(
        pa.table({"item": ["a", "b", "c", "d"], "v": vectors}), tmp_path / "data" / "items.parquet"
    )
    pq.write_table(pa.table({"uid": [1, 3], "n": [5, 7]}), tmp_path / "data" / "db" / "orders.parquet")
    with server(answer) as url:
        made = make_world(tmp_path, url)
        for step in steps_of(SERVED).values():
            made.run(step)
        answer.asked.clear()
        yield made


def rows_of(world: World, query: str, run_id: str = "r1") -> Rows:
    """The rows of a query of a script."""
    (step,) = steps_of(f"{query};").values()
    outcome = world.run(step, run_id)
    found: Rows = pq.read_table(outcome.facts["path"]).to_pylist()
    return found


def probabilities(rows: Rows, name: str = "probs") -> list[float]:
    return [round(row[name], 4) for row in rows]


EXPECTED = [0.11, 0.22, 0.3, 0.44]
TABLE_FORMS = [
    "SELECT * FROM ML_PREDICT(TABLE samples, MODEL ctr, DESCRIPTOR(user_id, age))",
    "SELECT * FROM TABLE(ML_PREDICT(INPUT => TABLE samples, MODEL => MODEL ctr,"
    " ARGS => DESCRIPTOR(user_id, age)))",
    "SELECT * FROM ML_PREDICT(samples, ctr, DESCRIPTOR(user_id, age))",
    "SELECT * FROM ML_PREDICT((SELECT * FROM samples), 'sqlrec.default.ctr', DESCRIPTOR(user_id, age),"
    " MAP['service', 'rank', 'timeout', 'PT5S', 'retry_count', 0, 'async', false])",
    "WITH s AS (SELECT * FROM samples)"
    " SELECT * FROM ML_PREDICT(TABLE s, MODEL ctr, DESCRIPTOR(user_id, age))",
    "SELECT s.*, ML_PREDICT(MODEL ctr, user_id, age) AS probs FROM samples s",
    "SELECT s.*, p.probs FROM samples s, LATERAL TABLE(ML_PREDICT('ctr', s.user_id, s.age)) AS p",
    "SELECT s.*, p.probs FROM samples s CROSS APPLY"
    " (SELECT * FROM TABLE(ML_PREDICT(VALUES (s.user_id, s.age), MODEL ctr, DESCRIPTOR(u, a)))) p",
    "SELECT s.*, p.probs FROM samples s OUTER APPLY"
    " ML_PREDICT(VALUES (s.user_id, s.age), MODEL ctr, DESCRIPTOR(u, a)) AS p WHERE s.user_id > 0",
]


@pytest.mark.parametrize("query", TABLE_FORMS)
def test_every_form_adds_the_outputs_to_the_rows(world: World, answer: Answer, query: str) -> None:
    rows = sorted(rows_of(world, query), key=lambda row: row["user_id"])
    assert probabilities(rows) == EXPECTED
    assert [list(row) for row in rows] == [["user_id", "age", "is_click", "probs"]] * 4
    assert answer.rows == 4


def test_columns_are_taken_by_the_order_of_the_descriptor(world: World) -> None:
    query = "SELECT * FROM ML_PREDICT(TABLE samples, MODEL ctr, DESCRIPTOR(is_click, user_id))"
    assert probabilities(rows_of(world, query)) == [0.001, 0.102, 0.003, 0.004]


def test_an_output_whose_name_is_taken_gets_an_index(world: World) -> None:
    inner = "SELECT user_id, age, 7 AS probs FROM samples"
    rows = rows_of(world, f"SELECT * FROM ML_PREDICT(({inner}), MODEL ctr, DESCRIPTOR(user_id, age))")
    assert list(rows[0]) == ["user_id", "age", "probs", "probs0"]
    rows = rows_of(
        world,
        "SELECT p.* FROM samples s, ML_PREDICT(VALUES (s.user_id, 1), MODEL ctr, DESCRIPTOR(probs, age)) p",
        "r2",
    )
    assert list(rows[0]) == ["probs", "age", "probs0"]


def test_a_case_asks_only_about_the_rows_it_needs(world: World, answer: Answer) -> None:
    rows = rows_of(
        world,
        "WITH first AS (SELECT *, ML_PREDICT(MODEL ctr, user_id, 0) AS p FROM samples)"
        " SELECT user_id, CASE WHEN p > 0.25 THEN ML_PREDICT(MODEL ctr, user_id, age) END AS q"
        " FROM first ORDER BY user_id",
    )
    assert [row["q"] and round(row["q"], 4) for row in rows] == [None, None, 0.3, 0.44]
    assert answer.rows == 4 + 2


def test_a_prediction_can_filter_and_order(world: World) -> None:
    rows = rows_of(
        world,
        "SELECT user_id FROM samples WHERE ML_PREDICT(MODEL ctr, user_id, age) > 0.25"
        " ORDER BY ML_PREDICT(MODEL ctr, user_id, age) DESC",
    )
    assert [row["user_id"] for row in rows] == [4, 3]


def test_a_call_uses_what_other_calls_give(world: World, answer: Answer) -> None:
    rows = rows_of(
        world,
        "WITH a AS (SELECT user_id, probs FROM"
        " ML_PREDICT(TABLE samples, MODEL ctr, DESCRIPTOR(user_id, age))),"
        " b AS (SELECT user_id, CAST(probs * 100 AS INT) AS age FROM a)"
        " SELECT b.user_id, p.probs, ML_PREDICT(MODEL ctr, 1, b.age) AS again"
        " FROM ML_PREDICT(TABLE b, MODEL ctr, DESCRIPTOR(user_id, age)) p JOIN b USING (user_id) ORDER BY 1",
    )
    assert probabilities(rows) == [0.111, 0.222, 0.33, 0.444]
    assert probabilities(rows, "again") == [0.111, 0.122, 0.13, 0.144]
    assert answer.rows == 4 + 4 + 4, "the first call is made once, though two queries use it"


def test_a_function_may_stand_in_the_input_of_a_table(world: World) -> None:
    query = (
        "SELECT * FROM ML_PREDICT((SELECT user_id, CAST(100 * ML_PREDICT(MODEL ctr, user_id, 0) AS INT) AS a"
        " FROM samples), MODEL ctr, DESCRIPTOR(user_id, a))"
    )
    assert probabilities(rows_of(world, query)) == [0.11, 0.22, 0.33, 0.44]


def test_several_rows_of_values_are_predicted(world: World) -> None:
    query = "SELECT * FROM ML_PREDICT(VALUES (1, 10), (2, NULL), MODEL ctr, DESCRIPTOR(user_id, age))"
    rows = rows_of(world, query)
    assert sorted(probabilities(rows)) == [0.11, 0.2]
    assert list(rows[0]) == ["user_id", "age", "probs"]


def test_no_rows_are_no_requests(world: World, answer: Answer) -> None:
    empty = "(SELECT * FROM samples WHERE user_id > 9)"
    query = f"SELECT * FROM ML_PREDICT({empty}, MODEL ctr, DESCRIPTOR(user_id, age))"
    assert rows_of(world, query) == []
    assert rows_of(world, f"SELECT ML_PREDICT(MODEL ctr, user_id, age) AS p FROM {empty} AS e", "r2") == []
    assert answer.asked == []


def test_more_rows_than_one_request_takes_keep_their_order(world: World, answer: Answer) -> None:
    numbers = "SELECT i AS user_id, 0 AS age FROM range(2500) AS r(i)"
    (step,) = steps_of(
        "SET 'score.batch_size' = '1000';"
        f"SELECT * FROM ML_PREDICT(({numbers}), MODEL ctr, DESCRIPTOR(user_id, age)) p"
        f" JOIN (SELECT user_id, ML_PREDICT(MODEL ctr, user_id, age) AS q FROM ({numbers}) AS n) n"
        " USING (user_id) ORDER BY user_id;"
    ).values()
    rows = pq.read_table(world.run(step).facts["path"]).to_pylist()
    assert [row["user_id"] for row in rows] == list(range(2500))
    assert all(row["probs"] == row["q"] == pytest.approx(row["user_id"] / 10) for row in rows)
    assert max(map(len, answer.asked)) <= 1000


def test_predictions_are_inserted_and_cached(world: World, tmp_path: Path) -> None:
    predicted = "SELECT user_id, probs FROM ML_PREDICT(TABLE samples, MODEL ctr, DESCRIPTOR(user_id, age))"
    steps = steps_of(f"INSERT INTO db.t {predicted}; CACHE TABLE c AS {predicted}; SELECT * FROM c;")
    for step in steps.values():
        outcome = world.run(step)
    assert len(pq.read_table(tmp_path / "data" / "db" / "t").to_pylist()) == 4
    assert outcome.rows == 4


def test_a_model_is_trained_on_predictions(world: World) -> None:
    steps = steps_of(
        f"{MODEL} TRAIN MODEL ctr CHECKPOINT = 'v2' ON"
        " (SELECT user_id, age, probs > 0.2 AS is_click FROM"
        " ML_PREDICT(TABLE samples, MODEL ctr, DESCRIPTOR(user_id, age)));"
    )
    world.run(steps["train_ctr"], "r2")
    (work,) = [job.spec.work for name, job in world.jobs.jobs.items() if "r2" in name]
    assert isinstance(work, TrainWork)
    assert not work.data.calls
    assert all(Path(table.path).exists() for table in work.data.sources.values())


# ML_EVALUATE


def test_a_model_is_evaluated(world: World, answer: Answer) -> None:
    call = "ML_EVALUATE(TABLE samples, MODEL ctr, DESCRIPTOR(is_click), DESCRIPTOR(user_id, age), '{}')"
    query = f"SELECT * FROM {call}"
    (row,) = rows_of(world, query.format("regression"))
    metrics = dict(row["result"])
    assert list(row) == ["result"]
    assert metrics["MAE"] == pytest.approx((0.11 + 0.78 + 0.3 + 0.44) / 4)
    assert set(metrics) == {"MAE", "MSE", "RMSE", "MAPE", "R2"}
    assert set(answer.asked[0][0]) == {"user_id", "age"}
    (row,) = rows_of(world, query.format("Classification"), "r2")
    assert dict(row["result"])["Accuracy"] == 0.75


def test_label_and_task_come_from_the_model(world: World) -> None:
    (row,) = rows_of(world, "SELECT result FROM ML_EVALUATE(samples, ctr, DESCRIPTOR(user_id, age))")
    assert dict(row["result"]) == {"Accuracy": 0.75, "Precision": 0.375, "Recall": 0.5, "F1": 3 / 7}


def test_metrics_are_an_aggregate_of_any_groups(world: World) -> None:
    rows = rows_of(
        world,
        "SELECT is_click, ML_EVALUATE(`ctr`, is_click, user_id, age)['Accuracy'] AS accuracy"
        " FROM samples GROUP BY is_click ORDER BY is_click",
    )
    assert rows == [{"is_click": 0, "accuracy": 1.0}, {"is_click": 1, "accuracy": 0.0}]
    none = rows_of(world, "SELECT ML_EVALUATE(ctr, 1, user_id, age) AS r FROM samples WHERE age > 99", "r2")
    assert none == [{"r": None}]


def test_clusters_are_measured_on_the_inputs(world: World) -> None:
    features = "(SELECT user_id, 1 AS age FROM samples)"
    table = f"ML_EVALUATE({features}, MODEL ctr, DESCRIPTOR(user_id, age), 'clustering')"
    (row,) = rows_of(world, f"SELECT result FROM {table}")
    assert dict(row["result"])["Mean Davies-Bouldin Index"] == 0.0


def test_a_gate_on_a_metric(world: World) -> None:
    gate = (
        "ASSERT SELECT result['Accuracy'] >= {} AS good FROM"
        " ML_EVALUATE(TABLE samples, MODEL ctr, DESCRIPTOR(user_id, age));"
    )
    (step,) = steps_of(gate.format(0.5)).values()
    assert "holds" in world.run(step).message
    (step,) = steps_of(gate.format(0.9)).values()
    with pytest.raises(PolicyError, match="SR266"):
        world.run(step, "r2")


# VECTOR_SEARCH


def test_the_nearest_vectors_are_found(world: World) -> None:
    rows = rows_of(world, "SELECT * FROM VECTOR_SEARCH(TABLE items, DESCRIPTOR(v), [1.0, 0.0], 2)")
    assert [(row["item"], round(row["score"], 4)) for row in rows] == [("a", 1.0), ("b", 0.6)]
    query = "VECTOR_SEARCH(TABLE items, 'v', i.v, TOP_K => 1, CONFIG => MAP['metric', 'euclidean'])"
    rows = rows_of(
        world,
        f"SELECT i.item, (SELECT max(item) FROM {query}) AS near FROM items i ORDER BY item",
        "r2",
    )
    assert rows == [{"item": x, "near": y} for x, y in (("a", "a"), ("b", "b"), ("c", "c"), ("d", None))]


def test_a_search_may_be_over_rows_of_the_run(world: World) -> None:
    rows = rows_of(
        world,
        "WITH few AS (SELECT * FROM items WHERE item > 'a')"
        " SELECT item FROM VECTOR_SEARCH(TABLE few, 1, ARRAY[1.0, 0.0])",
    )
    assert rows == [{"item": "b"}]


def test_a_search_of_a_filtered_table_with_a_template(world: World) -> None:
    steps = steps_of(
        "DECLARE least STRING DEFAULT 'b'; SELECT item FROM"
        " VECTOR_SEARCH((SELECT * FROM items WHERE item > '{{ params.least }}'), DESCRIPTOR(v), [1, 0], 5);"
    )
    (step,) = steps.values()
    assert isinstance(step, QueryStep)
    (searched,) = step.query.calls
    assert isinstance(searched, SearchedTable)
    assert step.query.parameters == {"p1": "{{ params.least }}"}
    rendered = {"p1": "b"}
    inputs = replace(searched.inputs, parameters=rendered)
    query = replace(step.query, parameters=rendered, calls=(replace(searched, inputs=inputs),))
    outcome = world.run(replace(step, query=query))
    assert pq.read_table(outcome.facts["path"]).to_pylist() == [{"item": "c"}]


# What can be wrong

REFUSED = [
    ("SELECT * FROM ML_PREDICT(TABLE samples, MODEL ctr, DESCRIPTOR(user_id))", SchemaError,
     r"SR430.*columns \(1\) does not match model input size \(2\): model ctr takes user_id BIGINT, age INT"),
    ("SELECT ML_PREDICT(MODEL ctr, user_id) AS p FROM samples", SchemaError, r"SR430.*columns \(1\)"),
    ("SELECT ML_PREDICT(MODEL ctr, 'x' || user_id, age) AS p FROM samples", SchemaError,
     r"SR431.*ctr takes user_id BIGINT, age INT; values of types \(VARCHAR, BIGINT\) cannot be assigned"),
    ("SELECT ML_PREDICT(MODEL ctr, nobody, age) AS p FROM samples", NameNotFoundError, "SR402.*nobody"),
    ("SELECT * FROM ML_PREDICT(TABLE samples, MODEL ctr, DESCRIPTOR(user_id, agee))", NameNotFoundError,
     "SR402.*no column 'agee'.*Did you mean 'age'"),
    ("SELECT * FROM ML_PREDICT(TABLE samples, MODEL crt, DESCRIPTOR(user_id, age))", NameNotFoundError,
     "SR205.*model crt does not exist.*models: ctr"),
    ("SELECT * FROM ML_PREDICT(TABLE samples, MODEL `ctr$9`, DESCRIPTOR(user_id, age))", StateError,
     "SR631.*version 9 of model ctr has no service"),
    ("SELECT * FROM ML_PREDICT(TABLE samples, MODEL m2, DESCRIPTOR(a), MAP['service', 'rank'])", StateError,
     "SR633.*service rank serves version 2 of model ctr, not model m2"),
    ("SELECT * FROM ML_PREDICT(TABLE samples, MODEL ctr, DESCRIPTOR(user_id, age), MAP['service', 'rnk'])",
     NameNotFoundError, "SR206.*rnk"),
    ("SELECT * FROM ML_PREDICT((SELECT CAST('inf' AS DOUBLE) AS x, 1 AS y), MODEL ctr, DESCRIPTOR(x, y))",
     Exception, "SR617"),
    ("SELECT * FROM VECTOR_SEARCH(TABLE samples, 1, [1.0])", SchemaError, "SR434.*no column holds vectors"),
    ("SELECT * FROM VECTOR_SEARCH(TABLE items, DESCRIPTOR(item), [1.0], 1)", SchemaError,
     "SR433.*Expect search column `item` type is ARRAY<FLOAT> or ARRAY<DOUBLE>, but its type is STRING"),
    ("SELECT * FROM VECTOR_SEARCH(TABLE items, DESCRIPTOR(w), [1.0], 1)", NameNotFoundError, "SR402.*'w'"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "kind", "message"), REFUSED)
def test_refuses(world: World, query: str, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        rows_of(world, query)


def test_one_of_several_services_has_to_be_named(world: World) -> None:
    (step,) = (
        s for name, s in steps_of(SERVED.replace("rank", "rank2")).items() if name.startswith("deploy")
    )
    world.run(step)
    query = "SELECT * FROM ML_PREDICT(TABLE samples, MODEL ctr, DESCRIPTOR(user_id, age){})"
    with pytest.raises(StateError, match=r"SR632.*2 services: rank, rank2.*MAP\['service', 'rank'\]"):
        rows_of(world, query.format(""))
    assert len(rows_of(world, query.format(", MAP['service', 'rank2']"), "r2")) == 4


def test_a_failing_service_is_told_as_it_is(world: World, answer: Answer) -> None:
    answer.bad = True
    for run, query in enumerate(TABLE_FORMS[:1] + TABLE_FORMS[5:7]):
        with pytest.raises(RemoteError, match="SR614"):
            rows_of(world, query, f"r{run}")


def test_a_step_waits_for_the_services_that_its_script_makes() -> None:
    steps = steps_of(
        f"{SERVED} SELECT *, ML_PREDICT(MODEL ctr, user_id, age) AS p FROM samples;"
        "SELECT * FROM ML_PREDICT(TABLE samples, MODEL ctr, DESCRIPTOR(user_id, age));"
    )
    asking = [step for name, step in steps.items() if name.startswith("select")]
    assert len(asking) == 2
    for step in asking:
        assert {str(ref) for ref in step.reads if ref.kind is not RefKind.TABLE} == {
            "model sqlrec.default.ctr",
            "service rank",
        }
        assert "deploy_rank" in step.upstream
