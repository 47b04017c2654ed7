"""Templates of a session's steps: what they may name, and what they may not touch."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sqlrec.errors import StateError
from sqlrec.execution.rendering import rendered, run_values
from sqlrec.plan.build import build_plan
from sqlrec.plan.plan import QueryStep, Step, TrainStep

VALUES = run_values(datetime(2026, 3, 4, 5, 6, tzinfo=UTC), "session-1", {"day": "2026-01-31", "n": 3})
MODEL = "CREATE MODEL m (a INT, y INT) WITH (model = 'tzrec.wide_and_deep', label_columns = 'y');"


def last(text: str) -> Step:
    return build_plan(f"DECLARE day STRING; DECLARE n INT; {MODEL} {text}", path="x", name="x").steps[-1]


def test_names_of_a_run() -> None:
    name = "{{ ds_nodash }}_{{ params.n + 1 }}"
    train = f"TRAIN MODEL m CHECKPOINT = '{name}' ON t WHERE d = '{{{{ params.day }}}}'"
    step = rendered(last(train), VALUES)
    assert isinstance(step, TrainStep)
    assert step.checkpoint == "20260304_4"
    assert list(step.data.parameters.values()) == ["2026-01-31"]
    assert "{{" not in step.data.query


def test_a_step_without_templates_is_the_same() -> None:
    step = last("SELECT 1 AS a")
    assert rendered(step, VALUES) is step


def test_text_of_the_statement_keeps_its_templates() -> None:
    step = rendered(last("SELECT '{{ ts }}' AS t, '{{ run_id }}' AS r, '{{ ts_nodash }}' AS s"), VALUES)
    assert isinstance(step, QueryStep)
    assert "{{ ts }}" in step.sql
    assert set(step.query.parameters.values()) == {
        "2026-03-04T05:06:00+00:00",
        "session-1",
        "20260304T050600",
    }


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ macros.ds_add(ds, -7) }}", "'macros' is undefined"),
        ("{{ logical_date.nothing }}", "nothing"),
        ("{{ params.n / 0 }}", "zero"),
        ("{{ ds | nosuch }}", "nosuch"),
        ("{{ logical_date.__class__.__mro__ }}", "unsafe"),
    ],
)
def test_what_a_session_does_not_know(template: str, says: str) -> None:
    step = last(f"SELECT '{template}' AS a")
    with pytest.raises(StateError) as caught:
        rendered(step, VALUES)
    assert caught.value.code == "SR724"
    assert says in caught.value.message
    assert "ds, ds_nodash, ts" in caught.value.hint
