"""Calls of models in queries: what is judged before a run, and what the plan holds of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sqlrec.plan.explain_words import does
from sqlrec.plan.plan import AssertStep, QueryStep, TrainStep
from sqlrec.spec import codec
from sqlrec.spec.model import CheckpointKind
from sqlrec.spec.names import ModelName
from sqlrec.spec.schema import DataType, Field, Schema
from sqlrec.spec.table import (
    EvaluatedRows,
    EvaluatedTable,
    PredictedRow,
    PredictedTable,
    PredictedValue,
    Relation,
    SearchedTable,
    UsedModel,
)

M = "CREATE MODEL m (u BIGINT, v STRING, y INT) WITH (model = 'test.rank', label_columns = 'y');"
T = (
    "CREATE TABLE t (u INT, v STRING NOT NULL, y INT, e ARRAY<FLOAT>, f ARRAY<INT>)"
    " WITH (connector = 'parquet', path = 't');"
)
SERVED = (
    f"{M}{T}TRAIN MODEL m CHECKPOINT = 'v1' ON t; EXPORT MODEL m CHECKPOINT = 'v1';"
    "CREATE SERVICE s ON MODEL m CHECKPOINT = 'v1_export';"
)
P = "SELECT * FROM ML_PREDICT({})"
E = "SELECT * FROM ML_EVALUATE({})"
V = "SELECT * FROM VECTOR_SEARCH({})"
SIZE = "does not match model input size (2): model m takes u BIGINT, v STRING"

JUDGED = [
    (P.format("TABLE t, MODEL m, DESCRIPTOR(u, v)"), []),
    (P.format("TABLE t, MODEL m, DESCRIPTOR(y, v), MAP['service', 's']"), []),
    (P.format("TABLE unknown, MODEL m, DESCRIPTOR(a, b)"), []),
    (P.format("(SELECT 1 AS a), MODEL m, DESCRIPTOR(a, b)"), []),
    (P.format("TABLE t, MODEL `m$1`, DESCRIPTOR(u, v)"), []),
    ("SELECT ML_PREDICT(MODEL m, 1, 'x')", []),
    (
        P.format("TABLE t, MODEL n, DESCRIPTOR(u)"),
        ["SR205 `n` model not exists: n | models: m; CREATE MODEL first"],
    ),
    (
        P.format("TABLE t, MODEL `m$all`, DESCRIPTOR(u, v)"),
        [
            "SR139 ``m$all`` a call of all versions of a model parses, but cannot be run yet"
            " | call one version at a time: `m$1`, `m$2`"
        ],
    ),
    (
        P.format("TABLE t, MODEL m, DESCRIPTOR(u, v), MAP['service', 'r']"),
        ["SR206 `'r'` service 'r' does not exist | services: s"],
    ),
    (
        P.format("TABLE t, MODEL m, DESCRIPTOR(u)"),
        [f"SR430 `DESCRIPTOR(u)` Number of descriptor input columns (1) {SIZE} | given: u"],
    ),
    (
        "SELECT ML_PREDICT(MODEL m, u, v, 1 + 1) FROM t",
        [
            f"SR430 `ML_PREDICT(MODEL m, u, v, 1 + 1)` Number of descriptor input columns (3) {SIZE}"
            " | given: u, v, 1 + 1"
        ],
    ),
    (
        P.format("TABLE t, MODEL m, DESCRIPTOR(uu, v)"),
        ["SR402 `uu` Unknown identifier 'uu': the input has no such column | it has: u, v, y, e, f"],
    ),
    (
        P.format("TABLE t, MODEL m, DESCRIPTOR(v, u)"),
        [
            "SR431 `v` Descriptor column type STRING NOT NULL cannot be assigned to model input type BIGINT"
            " at position 0 | CAST(v AS BIGINT) in a query: ML_PREDICT((SELECT …), …)",
            "SR431 `u` Descriptor column type INT cannot be assigned to model input type STRING at position 1"
            " | CAST(u AS STRING) in a query: ML_PREDICT((SELECT …), …)",
        ],
    ),
    ("ASSERT SELECT result['F1'] > 0 FROM ML_EVALUATE(TABLE t, MODEL m, DESCRIPTOR(u, v))", []),
    (
        "CREATE VIEW w AS SELECT * FROM ML_PREDICT(TABLE t, MODEL n, DESCRIPTOR(u))",
        ["SR205 `n` model not exists: n | models: m; CREATE MODEL first"],
    ),
    (
        "TRAIN MODEL m CHECKPOINT = 'v2' ON (SELECT * FROM ML_PREDICT(TABLE t, MODEL n, DESCRIPTOR(u)))",
        ["SR205 `n` model not exists: n | models: m; CREATE MODEL first"],
    ),
    # evaluations
    (E.format("TABLE t, MODEL m, DESCRIPTOR(y), DESCRIPTOR(u, v), 'regression'"), []),
    (E.format("TABLE t, MODEL m, DESCRIPTOR(u, v)"), []),
    (
        E.format("TABLE t, MODEL m, DESCRIPTOR(z), DESCRIPTOR(u, v)"),
        ["SR402 `z` Unknown identifier 'z': the input has no such column | it has: u, v, y, e, f"],
    ),
    (
        E.format("TABLE t, MODEL m, DESCRIPTOR(v), DESCRIPTOR(u, v)"),
        [
            "SR431 `v` Label descriptor column type STRING NOT NULL cannot be assigned to model output"
            " type FLOAT"
            " for evaluation. | CAST(v AS FLOAT) in a query: ML_PREDICT((SELECT …), …)"
        ],
    ),
    (E.format("TABLE x, MODEL m, DESCRIPTOR(z), DESCRIPTOR(u, v)"), []),
    (E.format("TABLE t, MODEL m, DESCRIPTOR(v), DESCRIPTOR(u, v), 'clustering'"), []),
    ("SELECT ML_EVALUATE(m, y, u, v) FROM t", []),
    (
        "SELECT ML_EVALUATE(m, y, u) FROM t",
        [f"SR430 `ML_EVALUATE(m, y, u)` Number of descriptor input columns (1) {SIZE} | given: u"],
    ),
    # searches
    (V.format("TABLE t, DESCRIPTOR(e), [1.0], 3"), []),
    (V.format("TABLE t, 3, [1.0]"), []),
    (V.format("TABLE x, 3, [1.0]"), []),
    (V.format("(SELECT * FROM t), DESCRIPTOR(zz), [1.0], 3"), []),
    (
        V.format("TABLE t, DESCRIPTOR(f), [1.0], 3"),
        [
            "SR433 `f` Expect search column `f` type is ARRAY<FLOAT> or ARRAY<DOUBLE>, but its"
            " type is ARRAY<INT> | search a column of numbers with a fraction, or CAST it in a query"
        ],
    ),
    (
        V.format("TABLE t, DESCRIPTOR(ee), [1.0], 3"),
        ["SR402 `ee` column 'ee' to search does not exist | columns: u, v, y, e, f"],
    ),
]


@pytest.mark.parametrize(("query", "expected"), JUDGED)
def test_calls_are_judged(findings: Any, catalog: Any, query: str, expected: list[str]) -> None:
    assert findings(SERVED + query, catalog) == expected


def test_not_null_inputs_take_no_nullable_columns(findings: Any) -> None:
    model = M.replace("v STRING", "v STRING NOT NULL").replace("u BIGINT", "u BIGINT NOT NULL")
    assert findings(SERVED.replace(M, model) + P.format("TABLE t, MODEL m, DESCRIPTOR(u, v)")) == [
        "SR431 `u` Descriptor column type INT cannot be assigned to model input type BIGINT NOT NULL"
        " at position 0 | CAST(u AS BIGINT) in a query: ML_PREDICT((SELECT …), …)"
    ]


def test_a_service_is_needed_where_all_are_known(findings: Any, catalog: Any) -> None:
    query = P.format("TABLE t, MODEL m, DESCRIPTOR(u, v)")
    assert findings(M + T + query) == []
    assert findings(M + T + query, catalog) == [
        "SR631 `m` model m has no service that could be asked"
        " | CREATE SERVICE … ON MODEL m CHECKPOINT = '…' first"
    ]
    assert findings(M + T + query + "; CREATE SERVCE s ON MODEL m", catalog)[-1].startswith("SR111")


def test_one_of_several_services_is_named(findings: Any) -> None:
    two = SERVED + "CREATE SERVICE r ON MODEL m CHECKPOINT = 'v1_export';"
    assert findings(two + P.format("TABLE t, MODEL m, DESCRIPTOR(u, v)")) == [
        "SR632 `m` model m has 2 services: s, r | choose one: CONFIG => MAP['service', 's']"
    ]
    assert findings(two + P.format("TABLE t, MODEL m, DESCRIPTOR(u, v), MAP['service', 'r']")) == []
    assert findings(two + P.format("TABLE t, MODEL `m$2`, DESCRIPTOR(u, v)")) == []


def test_a_service_of_another_model(findings: Any) -> None:
    other = SERVED + M.replace("MODEL m", "MODEL n")
    assert findings(other + P.format("TABLE t, MODEL n, DESCRIPTOR(u, v), MAP['service', 's']")) == [
        "SR633 `'s'` service s serves model m, not model n | services of n: none"
    ]


def test_a_registered_model_and_its_service(findings: Any, known: Any) -> None:
    known.put("v1_export", CheckpointKind.EXPORT, service="live")
    assert findings("SELECT ML_PREDICT(MODEL m, u) FROM t", known) == []


def test_a_temporary_model_cannot_be_served(findings: Any) -> None:
    script = M.replace("CREATE MODEL", "CREATE TEMPORARY MODEL") + "SELECT ML_PREDICT(MODEL m, 1, 'x')"
    assert findings(script) == [
        "SR225 `m` Model m is a temporary model."
        " | it is known to this script alone: create it without TEMPORARY"
    ]


def test_a_value_needs_one_output(findings: Any, known: Any) -> None:
    spec = known.specs[0]
    two = Schema(tuple(Field(name=n, type=DataType.parse("FLOAT")) for n in ("a", "b")))
    known.specs[0] = replace(spec, outputs=two)
    known.put("v1_export", CheckpointKind.EXPORT, service="live")
    (found,) = findings("SELECT ML_PREDICT(MODEL m, u) FROM t", known)
    assert found.startswith("SR432 `ML_PREDICT(MODEL m, u)` Model output must have exactly one field")
    (found,) = findings("SELECT ML_EVALUATE(m, y, u) FROM t", known)
    assert found.startswith("SR432 `ML_EVALUATE(m, y, u)` Model output must have exactly one field")
    assert findings("SELECT * FROM LATERAL TABLE(ML_PREDICT('m', 1))", known) == []
    known.specs[0] = replace(spec, options={})
    (found,) = findings("SELECT ML_EVALUATE(m, y, u, y) FROM t", known)
    assert found.startswith("SR435 `ML_EVALUATE(m, y, u, y)` model m does not say what it is for")
    regression = E.format("TABLE x, MODEL m, DESCRIPTOR(u, y), 'regression'")
    (found,) = findings(regression, known)
    assert found.startswith("SR432 `ML_EVALUATE(")
    assert "ML_EVALUATE needs one" in found


# What the plan holds

OF_M = UsedModel(name=ModelName.of("m"), awaited=("s",))


def step(compiled: Any, query: str) -> Any:
    return compiled(SERVED + query).steps[-1]


def test_what_the_plan_holds_of_calls(compiled: Any) -> None:
    made = step(
        compiled,
        "SET 'score.batch_size' = '10';"
        "SELECT ML_PREDICT(MODEL m, 1, 'x', MAP['async', false]), p.* FROM t, u,"
        " LATERAL TABLE(ML_PREDICT('m', u, v)) x,"
        " ML_PREDICT(VALUES (1, '{{ ds }}'), MODEL m, DESCRIPTOR(a, b)) y,"
        " ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(u, v),"
        "  MAP['service', 's', 'max_parallelism', 8, 'retry_count', 2, 'timeout', '5s']) p,"
        " ML_EVALUATE(TABLE t, MODEL `m$1`, DESCRIPTOR(y), DESCRIPTOR(u, v), 'regression') q,"
        " VECTOR_SEARCH(TABLE t, DESCRIPTOR(e), [1.0], 2, MAP['metric', 'dot']) v",
    )
    assert isinstance(made, QueryStep)
    by_name = {call.name: call for call in made.query.calls}
    t = made.query.sources["t"]
    whole = Relation(query='SELECT * FROM "t"', sources={"t": t}, parameters={"p1": "{{ ds }}"})
    size = {"batch_size": "10"}
    assert by_name == {
        "ml_predict_1": PredictedValue(
            name="ml_predict_1",
            model=UsedModel(name=OF_M.name, awaited=("s",), options={**size, "concurrency": 1}),
            arity=2,
        ),
        "ml_predict_2": PredictedRow(
            name="ml_predict_2", model=UsedModel(name=OF_M.name, awaited=("s",), options=size), arity=2
        ),
        "ml_predict_3": PredictedRow(
            name="ml_predict_3",
            model=UsedModel(name=OF_M.name, awaited=("s",), options=size),
            arity=2,
            columns=("a", "b"),
        ),
        "ml_predict_4": PredictedTable(
            name="ml_predict_4",
            model=UsedModel(
                name=OF_M.name,
                service="s",
                awaited=("s",),
                options={**size, "concurrency": 8, "attempts": 3, "timeout": 5.0},
            ),
            inputs=whole,
            columns=("u", "v"),
        ),
        "ml_evaluate_5": EvaluatedTable(
            name="ml_evaluate_5",
            model=UsedModel(name=OF_M.name, version="1", awaited=("s",), options=size),
            inputs=whole,
            columns=("u", "v"),
            label="y",
            task="regression",
        ),
        "vector_search_6": SearchedTable(
            name="vector_search_6", inputs=whole, top_k=2, column="e", metric="dot"
        ),
    }
    assert codec.loads(QueryStep, codec.dumps(made)) == made


def test_what_a_step_with_calls_reads_and_waits_for(compiled: Any) -> None:
    made = step(
        compiled, "ASSERT SELECT result IS NOT NULL FROM ML_EVALUATE(TABLE x, MODEL m, DESCRIPTOR(u, v))"
    )
    assert isinstance(made, AssertStep)
    assert {str(ref) for ref in made.reads} == {"table x", "model sqlrec.default.m", "service s"}
    assert "deploy_s" in made.upstream
    made = step(compiled, "TRAIN MODEL m CHECKPOINT = 'v2' ON t WHERE ML_PREDICT(MODEL m, u, v) > 0.5")
    assert isinstance(made, TrainStep)
    assert [type(call) for call in made.data.calls] == [PredictedValue]
    assert "deploy_s" in made.upstream
    made = step(compiled, "SELECT * FROM VECTOR_SEARCH(TABLE items, 3, [1.0])")
    assert [str(ref) for ref in made.reads] == ["table items"]
    made = step(compiled, "SELECT ML_EVALUATE(m, y, u, v) FROM t")
    assert [type(call) for call in made.query.calls] == [EvaluatedRows]


def test_spelling_makes_no_other_plan(compiled: Any) -> None:
    forms = (
        "SELECT * FROM ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(u, v))",
        "SELECT * FROM ML_PREDICT(ARGS => DESCRIPTOR(u, v), INPUT => t, MODEL => 'm')",
    )
    first, second = (step(compiled, form) for form in forms)
    assert (first.id, first.query, first.sql) == (second.id, second.query, second.sql)


WORDS = [
    ("SELECT ML_PREDICT(MODEL m, u, v) FROM t", "run a query, shown; it calls model m"),
    (
        "INSERT INTO w SELECT * FROM ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(u, v)),"
        " ML_PREDICT(TABLE t, MODEL `m$2`, DESCRIPTOR(u, v))",
        "add the rows of a query to w; it calls models m, m$2",
    ),
    ("SELECT * FROM VECTOR_SEARCH(TABLE t, DESCRIPTOR(e), [1.0], 3)", "run a query, shown"),
    (
        "ASSERT SELECT result IS NOT NULL FROM ML_EVALUATE(TABLE x, MODEL m, DESCRIPTOR(u, v))",
        "stop unless the query over x gives true alone",
    ),
]


@pytest.mark.parametrize(("query", "words"), WORDS)
def test_what_a_step_with_calls_does_in_words(compiled: Any, query: str, words: str) -> None:
    assert does(step(compiled, query)) == words
