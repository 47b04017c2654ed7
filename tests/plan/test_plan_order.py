"""Which step waits for which: gates, renamed models, aliases, what is shown."""

from __future__ import annotations

from typing import Any

import pytest

M = "CREATE MODEL m (u INT, y INT) WITH (model = 'test.rank', label_columns = 'y');"
TRAIN = "TRAIN MODEL m CHECKPOINT = 'v1' ON t;"
EXPORT = "EXPORT MODEL m CHECKPOINT = 'v1';"
SERVE = "CREATE SERVICE s ON MODEL m CHECKPOINT = 'v1_export';"
EVALUATE = "EVALUATE MODEL m CHECKPOINT = 'v1' ON t WITH (min_auc = 0.75);"


def ancestors(plan: Any) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for step in plan.steps:
        found[step.id] = set(step.upstream).union(*(found[up] for up in step.upstream))
    return found


def test_an_evaluation_stops_what_brings_its_model_into_service(compiled: Any) -> None:
    plan = compiled(
        M
        + TRAIN
        + "TRAIN MODEL m CHECKPOINT = 'v2' ON t;"
        + EXPORT
        + EVALUATE
        + "EXPORT MODEL m CHECKPOINT = 'v2';"
        "EXPORT MODEL m CHECKPOINT = 'v1' WITH (api_key = '{{ secret.k }}');"
        "CREATE SERVICE s ON MODEL m CHECKPOINT = 'v2_export';"
        "ALTER MODEL m SET ALIAS 'prod' = 'v2_export'; ALTER SERVICE s SET CHECKPOINT = 'v1_export';"
        "ROLLBACK SERVICE s; ALTER SERVICE elsewhere SET CHECKPOINT = 'x'"
    )
    before = ancestors(plan)
    gated = {id_ for id_, up in before.items() if "evaluate_m" in up}
    assert gated == {
        next(s.id for s in plan.steps if s.id.startswith("export_m_v1_") and "evaluate_m" in before[s.id]),
        "deploy_s",
        "set_alias_m_prod",
        "alter_service_s",
        "rollback_s",
        "alter_service_elsewhere",
    }


def test_evaluations_do_not_wait_for_each_other(compiled: Any) -> None:
    plan = compiled(M + TRAIN + EVALUATE + EVALUATE.replace("ON t", "ON u") + EVALUATE.replace("0.75", "0.5"))
    assert [step.upstream for step in plan.steps[2:]] == [("train_m",)] * 3


def test_an_alias_that_the_script_sets_is_evaluated_under_its_checkpoint(compiled: Any) -> None:
    plan = compiled(
        M + TRAIN + "ALTER MODEL m SET ALIAS 'best' = 'v1';" + EVALUATE.replace("'v1'", "'@best'") + EXPORT
    )
    evaluate, export = plan.steps[3:]
    assert evaluate.checkpoint == "@best"
    assert evaluate.upstream == ("set_alias_m_best",)
    assert export.upstream == (evaluate.id,)


def test_everything_waits_for_the_last_assert(compiled: Any) -> None:
    plan = compiled(
        "SELECT 1; ASSERT SELECT count(*) > 0 FROM t; SELECT 2; ASSERT SELECT TRUE; SELECT 3; SHOW MODELS"
    )
    first, gate, second, other, third, show = plan.steps
    assert (first.upstream, gate.upstream) == ((), ())
    assert second.upstream == (gate.id,)
    assert other.upstream == (gate.id,)
    assert third.upstream == show.upstream == (other.id,)


def test_an_assert_put_before_a_step_gives_it_no_other_id(compiled: Any) -> None:
    script = "SELECT a FROM t; SELECT b FROM t;"
    assert {s.id for s in compiled(script).steps} < {
        s.id for s in compiled("ASSERT SELECT TRUE;" + script).steps
    }


def test_what_is_shown_comes_after_what_changes_it_and_before_later_changes(compiled: Any) -> None:
    other = M.replace("MODEL m", "MODEL n")
    plan = compiled(M + "SHOW MODELS; SHOW SERVICES;" + other + TRAIN + "SHOW CHECKPOINTS FROM m;" + EXPORT)
    define, models, services, later, train, checkpoints, export = plan.steps
    assert models.upstream == (define.id,)
    assert services.upstream == ()
    assert later.upstream == (models.id,)
    assert train.upstream == (define.id,)
    assert checkpoints.upstream == (train.id,)
    assert export.upstream == (checkpoints.id,)


def test_metrics_that_are_shown_were_measured_before(compiled: Any) -> None:
    plan = compiled(M + TRAIN + EVALUATE + "DESCRIBE MODEL m CHECKPOINT = 'v1'; SHOW TABLES; SET;")
    describe, tables, settings = plan.steps[3:]
    assert describe.upstream == ("evaluate_m",)
    assert tables.upstream == settings.upstream == ()


def test_a_renamed_model_was_trained_under_its_old_name(compiled: Any) -> None:
    plan = compiled(
        M
        + TRAIN
        + "ALTER MODEL m RENAME TO n; EXPORT MODEL n CHECKPOINT = 'v1'; "
        + M
        + "CREATE SERVICE s ON MODEL n CHECKPOINT = 'v1_export'"
    )
    _, train, rename, export, again, deploy = plan.steps
    assert rename.upstream == (train.id,)
    assert export.upstream == (rename.id,)
    assert again.upstream == (rename.id,)
    assert deploy.upstream == (export.id,)


def test_an_alias_is_set_before_it_is_used(compiled: Any) -> None:
    plan = compiled(
        M + TRAIN + EXPORT + "ALTER MODEL m SET ALIAS 'prod' = 'v1_export';"
        "CREATE SERVICE s ON MODEL m CHECKPOINT = '@prod'; ALTER MODEL m DROP ALIAS 'prod';"
        "TRAIN MODEL m CHECKPOINT = 'v2' ON t FROM 'v1'"
    )
    alias, deploy, drop, train = plan.steps[3:]
    assert alias.upstream == ("export_m",)
    assert deploy.upstream == (alias.id,)
    assert deploy.checkpoint == "@prod"
    assert drop.upstream == (deploy.id,)
    assert train.upstream == ("train_m_v1",)


def test_exports_of_an_alias_are_named_after_its_checkpoint(compiled: Any) -> None:
    plan = compiled(M + TRAIN + "ALTER MODEL m SET ALIAS 'best' = 'v1'; EXPORT MODEL m CHECKPOINT = '@best'")
    export = plan.steps[-1]
    assert (export.checkpoint, export.exports) == ("v1", ("v1_export",))
    assert export.upstream == ("set_alias_m_best",)


def test_a_checkpoint_is_dropped_after_the_services_moved_on(compiled: Any) -> None:
    plan = compiled(
        M + TRAIN + EXPORT + SERVE + "TRAIN MODEL m CHECKPOINT = 'v2' ON t; EXPORT MODEL m CHECKPOINT = 'v2';"
        "ALTER SERVICE s SET CHECKPOINT = 'v2_export'; ALTER MODEL m DROP CHECKPOINT = 'v1_export'"
    )
    assert plan.steps[-1].id == "drop_checkpoint_m_v1_export"
    assert plan.steps[-1].upstream == ("alter_service_s",)


def test_a_service_of_an_unknown_model_waits_for_checkpoints_of_the_name(compiled: Any) -> None:
    plan = compiled(
        M + TRAIN + EXPORT + "ALTER SERVICE old SET CHECKPOINT = 'v1_export'; ROLLBACK SERVICE o2"
    )
    assert plan.steps[-2].upstream == ("export_m",)
    assert plan.steps[-1].upstream == ()


def test_a_branch_reads_and_writes_for_the_whole_if(compiled: Any) -> None:
    plan = compiled(
        M
        + TRAIN
        + EXPORT
        + EVALUATE
        + "IF (SELECT a FROM c) THEN ("
        + SERVE.rstrip(";")
        + ") ELSE (DROP SERVICE s);"
        "CALL call_service('s', t); EXPLAIN CREATE OR REPLACE SERVICE s ON MODEL m CHECKPOINT = 'v1_export'"
    )
    choice, score, explain = plan.steps[-3:]
    assert set(choice.upstream) == {"export_m", "evaluate_m"}
    assert {str(ref) for ref in choice.writes} == {"service s"}
    assert "table c" in {str(ref) for ref in choice.reads}
    assert score.upstream == (choice.id,)
    assert explain.writes == ()
    assert explain.upstream == (choice.id,)


def test_an_assert_in_a_branch_is_a_gate(compiled: Any) -> None:
    plan = compiled("IF (SELECT TRUE) THEN (ASSERT SELECT a FROM t); SELECT 1")
    assert plan.steps[1].upstream == (plan.steps[0].id,)


def test_temporary_models_order_nothing(compiled: Any) -> None:
    plan = compiled(
        M
        + M.replace("CREATE", "CREATE TEMPORARY")
        + "DESCRIBE MODEL m; DROP TEMPORARY MODEL m; DESCRIBE MODEL m"
    )
    assert [step.upstream for step in plan.steps] == [(), (), (), (), ("define_m",)] or [
        step.upstream for step in plan.steps
    ][1:4] == [(), (), ()]
    shadowing, registered = plan.steps[2], plan.steps[4]
    assert [spec.name.full for spec in shadowing.temporary] == ["sqlrec.default.m"]
    assert registered.temporary == ()


@pytest.mark.parametrize("statement", ["SHOW SQL FUNCTIONS", "SHOW APIS", "SHOW DATABASES", "SHOW CATALOGS"])
def test_other_things_are_shown(compiled: Any, statement: str) -> None:
    plan = compiled(
        "DROP SQL FUNCTION IF EXISTS f; DROP API IF EXISTS a; DROP MODEL IF EXISTS m;" + statement
    )
    function, api, model, show = plan.steps
    waits = {"FUNCTIONS": function.id, "APIS": api.id}.get(statement.split()[-1], model.id)
    assert show.upstream == (waits,)
