from __future__ import annotations

from typing import Any

import pytest

from sqlrec.plan.script_options import SCHEDULES, effective_settings
from sqlrec.spec.model import CheckpointKind
from sqlrec.spec.options import Effective


@pytest.mark.parametrize(
    "schedule",
    [
        *SCHEDULES,
        "None",
        "0 4 * * *",
        "*/15 0-6,22 1,15 jan-mar mon-fri",
        "0 0 l * *",
        "0 0 * * 5#2",
        "59 23 31 12 7",
    ],
)
def test_schedules(findings: Any, schedule: str) -> None:
    assert findings(f"SET 'dag.schedule' = '{schedule}'") == []


@pytest.mark.parametrize(
    "schedule",
    [
        *("@dayly", "0 4 * *", "60 4 * * *", "0 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8"),
        *("*/0 * * * *", "a * * * *", "* * * foo *", "1- * * * *", "", "hourly"),
    ],
)
def test_what_is_no_schedule(findings: Any, schedule: str) -> None:
    (found,) = findings(f"SET 'dag.schedule' = '{schedule}'")
    assert found.startswith(f"SR303 `'{schedule}'` option 'dag.schedule': ")
    assert ("Did you mean '@daily'?" in found) == (schedule == "@dayly")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("SET 'dag.schedul' = '@daily'", "SR301 `'dag.schedul'` unknown option 'dag.schedul'"),
        ("SET 'dag.start_date' = 'soon'", "SR303 `'soon'` option 'dag.start_date': 'soon' is no date"),
        ("SET 'dag.retries' = -1", "SR303 `-1` option 'dag.retries' is between 0 and 100, not -1"),
        ("SET 'dag.catchup' = 'maybe'", "SR302 `'maybe'` option 'dag.catchup' takes a boolean"),
        ("SET 'dag.retry_delay' = 'soon'", "SR302 `'soon'` option 'dag.retry_delay' takes a duration"),
        ("SET 'runtime' = 'cluster'", "SR303 `'cluster'` option 'runtime' is one of local, kubernetes"),
        ("SET 'dag.owner' = '{{ ds }}'", "SR310 `'{{ ds }}'` a setting is read when the script is compiled"),
        ("SET 'dag.pool' = '{{ secret.x }}'", "SR310 `'{{ secret.x }}'` a setting is read when"),
    ],
)
def test_bad_settings(findings: Any, script: str, expected: str) -> None:
    (found,) = findings(script)
    assert found.startswith(expected)


def test_the_last_value_holds_and_is_warned_of(compiled: Any) -> None:
    plan = compiled("SET 'dag.retries' = 1; SET dag.retries = 2; SET 'dag.start-date' = '2026-02-01'")
    assert plan.settings == {"dag.retries": 2, "dag.start_date": "2026-02-01"}
    assert [(w.code, w.severity) for w in plan.warnings] == [("SR311", "warning")]


def test_settings_of_scoring_reach_its_steps(compiled: Any, findings: Any) -> None:
    plan = compiled("SET 'score.batch-size' = 100; SET 'dag.retries' = 1; CALL call_service('s', t)")
    assert plan.steps[0].options == {"batch_size": 100}
    assert findings("SET 'score.concurrency' = 0")[0].startswith("SR303")


def test_a_missing_feature_may_be_null(findings: Any, known: Any) -> None:
    known.put("v1_export", CheckpointKind.EXPORT, service="s")
    script = "CREATE TABLE t (x INT) WITH (connector = 'parquet', path = 't'); CALL call_service('s', t);"
    assert [f[:5] for f in findings(script, known)] == ["SR402"]
    assert findings("SET 'score.missing_features' = 'NULL';" + script, known) == []


def test_settings_in_force() -> None:
    settings = effective_settings({"dag.tags": "a, b", "dag.retry_delay": "5min"})
    assert settings["dag.tags"] == Effective(("a", "b"), "script")
    assert settings["dag.retry_delay"] == Effective(300.0, "script")
    assert settings["dag.catchup"] == Effective(False, "default")
    assert settings["dag.schedule"] == Effective(None, "default")
