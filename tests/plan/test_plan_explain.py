from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sqlrec.plan.catalog import OpenCatalog
from sqlrec.plan.explain import explain, render_explanation
from sqlrec.plan.explanation import Explanation, value_text
from sqlrec.plan.scope import GetController
from sqlrec.spec import codec
from sqlrec.spec.model import CheckpointKind
from sqlrec.spec.names import ModelName

M = "CREATE MODEL m (u INT, y INT) WITH (model = 'test.rank', label_columns = 'y', layers = '8,4');"


@pytest.fixture
def changes(compiled: Any, fake_types: GetController) -> Any:
    def of(script: str, catalog: Any) -> list[str]:
        steps = explain(compiled(script, catalog), catalog, fake_types).steps
        return [f"{s.change} {s.detail}".strip() for s in steps]

    return of


@pytest.mark.parametrize(
    ("script", "empty", "existing", "opened"),
    [
        ("CREATE OR REPLACE MODEL m (u INT, y INT) WITH (model = 'test.rank', label_columns = 'y')",
         "new", "unchanged the same definition is registered", "known when it runs"),
        ("CREATE OR REPLACE MODEL m (v INT, y INT) WITH (model = 'test.rank', label_columns = 'y')",
         "new", "changed another definition is registered", "known when it runs"),
        ("CREATE MODEL IF NOT EXISTS m (v INT, y INT) WITH (model = 'test.rank', label_columns = 'y')",
         "new", "unchanged another definition is registered and kept", "known when it runs"),
        ("DROP MODEL IF EXISTS m2",
         "unchanged does not exist", "unchanged does not exist", "known when it runs"),
        ("DROP SERVICE IF EXISTS s", "unchanged does not exist", "dropped", "known when it runs"),
        ("INSERT INTO t SELECT 1", "changed", "changed", "changed"),
        ("SELECT 1", "unchanged", "unchanged", "unchanged"),
        ("CACHE TABLE t AS SELECT 1", "new", "new", "new"),
    ],
)  # fmt: skip
def test_what_becomes_of_things(
    changes: Any, catalog: Any, known: Any, script: str, empty: str, existing: str, opened: str
) -> None:
    known.put("v1_export", CheckpointKind.EXPORT, service="s")
    assert changes(script, catalog) == [empty]
    assert changes(script, known) == [existing]
    assert changes(script, OpenCatalog()) == [opened]


def test_checkpoints_are_always_new_versions(changes: Any, known: Any) -> None:
    known.put("v1").put("v1_export", CheckpointKind.EXPORT).put("v1")
    assert changes(
        "TRAIN MODEL m CHECKPOINT = 'v1' ON t; EXPORT MODEL m CHECKPOINT = 'v1';"
        "TRAIN MODEL m CHECKPOINT = 'v2' ON t; TRAIN MODEL m CHECKPOINT = '{{ ds }}' ON t",
        known,
    ) == [
        "new version 3 bears the name now",
        "new version 2 bears the name now",
        "new",
        "new named when it runs",
    ]


def test_a_dropped_model_takes_its_checkpoints_along(changes: Any, known: Any) -> None:
    known.put("v1")
    assert changes("DROP MODEL m;" + M + "TRAIN MODEL m CHECKPOINT = 'v1' ON t", known) == [
        "dropped",
        "new",
        "new",
    ]


def test_a_service_changes_when_its_checkpoint_does(changes: Any, known: Any) -> None:
    known.put("v1").put("v1_export", CheckpointKind.EXPORT, service="s")
    known.put("v2_export", CheckpointKind.EXPORT)
    now = "serves v1_export, version 2, now"
    deploy = "CREATE OR REPLACE SERVICE s ON MODEL m CHECKPOINT = 'v1_export'"
    assert changes(deploy, known) == [f"unchanged {now}"]
    assert changes(deploy.replace("v1", "v2"), known) == [f"changed {now}"]
    assert changes("EXPORT MODEL m CHECKPOINT = 'v1';" + deploy, known)[1] == f"changed {now}"
    kept = "CREATE SERVICE IF NOT EXISTS s ON MODEL m CHECKPOINT = 'v2_export'"
    assert changes(kept, known) == [f"unchanged {now}"]
    assert changes(deploy.replace("SERVICE s", "SERVICE z"), known) == ["new"]


def test_options_and_their_origin(compiled: Any, fake_types: GetController) -> None:
    plan = compiled(
        M.replace("'8,4'", "'8,4', rate = 0.5")
        + "TRAIN MODEL m CHECKPOINT = 'v1' ON t WITH (epochs = '{{ params.n }}', api_key = '{{ secret.k }}');"
        "DECLARE n INT DEFAULT 2; TRAIN MODEL other CHECKPOINT = 'v1' ON t WITH (epochs = 3)"
    )
    explanation = explain(plan, OpenCatalog(), fake_types)
    define, train, other = explanation.steps
    assert {o.key: (o.value, o.origin) for o in train.options} == {
        "epochs": ("{{ params.n }}", "statement"),
        "rate": (0.5, "model"),
        "api_key": ("secret:k", "statement"),
    }
    assert {o.key: (o.value, o.origin) for o in define.options}["layers"] == ((8, 4), "model")
    assert [(o.key, o.value, o.origin) for o in other.options] == [("epochs", 3, "statement")]


def test_types_that_are_gone_are_passed_over(compiled: Any, fake_types: GetController) -> None:
    plan = compiled(M + "TRAIN MODEL m CHECKPOINT = 'v1' ON t WITH (epochs = 2)")

    def gone(model_type: str) -> Any:
        return fake_types("gone")

    define, train = explain(plan, OpenCatalog(), gone).steps
    assert define.options == ()
    assert [(o.key, o.value) for o in train.options] == [("epochs", 2)]


def test_partitions_and_row_filters(compiled: Any, fake_types: GetController) -> None:
    plan = compiled(
        "CREATE TABLE t (u INT, y INT, dt STRING, hr INT) PARTITIONED BY (dt, hr)"
        " WITH (connector = 'parquet', path = 't');" + M + "TRAIN MODEL m CHECKPOINT = 'v1' ON t"
        " WHERE DT = '{{ ds }}' AND (hr BETWEEN 1 AND 2 AND u > 3) AND (dt > 'a' OR u = 1) AND TRUE"
        " AND dt IN (SELECT dt FROM t) VALIDATE ON (SELECT * FROM t) WHERE dt = 'x';"
        "EXPORT MODEL m CHECKPOINT = 'v1'; EXPORT MODEL m CHECKPOINT = 'v1' ON t"
    )
    _, train, bare, export = explain(plan, OpenCatalog(), fake_types).steps
    data, validation = train.data
    assert data.pruning == ("DT = '{{ ds }}'", "hr BETWEEN 1 AND 2")
    assert data.filters == ("u > 3", "dt > 'a' OR u = 1", "TRUE", "dt IN (SELECT dt FROM t)")
    assert (validation.role, validation.pruning, validation.filters) == ("validation", (), ("dt = 'x'",))
    assert bare.data == ()
    assert [(d.role, d.tables, d.pruning, d.filters) for d in export.data] == [("sample", ("t",), (), ())]


def test_an_explanation_has_a_json_form(compiled: Any, fake_types: GetController) -> None:
    plan = compiled(
        "SET 'dag.tags' = 'a'; SET 'dag.tags' = 'b'; DECLARE n INT; DECLARE f BOOLEAN DEFAULT TRUE;"
        "CREATE TABLE t WITH (connector = 'parquet', path = 'p'); SELECT 1;" + M
    )
    explanation = explain(plan, OpenCatalog(), fake_types)
    assert codec.loads(Explanation, codec.dumps(explanation)) == explanation
    text = render_explanation(explanation)
    assert "settings   dag.tags = 'b'" in text
    assert "n INT, must be given" in text
    assert "f BOOLEAN, default TRUE" in text
    assert "t: parquet at p, columns of its files" in text
    assert "warning[SR311] line 1: option 'dag.tags' is set twice" in text
    assert "warning[SR496] line 1: own layers\n  help: none" in text


def test_a_warning_may_have_no_help(compiled: Any, fake_types: GetController) -> None:
    plan = compiled("SET 'dags.tags' = 'a'")
    bare = replace(plan, warnings=(replace(plan.warnings[0], hint=""),))
    assert render_explanation(explain(bare, OpenCatalog(), fake_types)).endswith("a variable for GET\n")


def test_one_step_and_unknown_outputs_read_well(compiled: Any, fake_types: GetController) -> None:
    plan = compiled(M)
    spec = replace(plan.steps[0].model, outputs=type(plan.steps[0].model.outputs)(), options={})
    bare = replace(plan, steps=(replace(plan.steps[0], model=replace(spec, name=ModelName.of("m"))),))
    text = render_explanation(explain(bare, OpenCatalog(), fake_types))
    assert "(x.sql): 1 step, plan" in text
    assert "test.rank, 2 features, answers nothing known" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "TRUE"), ((1, 2), "'1,2'"), ("it's", "'it''s'"), (0.5, "0.5"), (3, "3"), (None, "unset")],
)
def test_values_as_in_a_script(value: Any, text: str) -> None:
    assert value_text(value) == text
