"""Which run is taken up again, and which part of a plan it runs with which parameters."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sqlrec.errors import NameNotFoundError, OptionError, SetupError
from sqlrec.execution.key import RunKey
from sqlrec.execution.outcome import Journal, Outcome, Preview
from sqlrec.execution.params import bind_params
from sqlrec.execution.runs import Run, RunState, held_run, save
from sqlrec.execution.select import select_steps
from sqlrec.plan.build import build_plan
from sqlrec.plan.plan import Param, Plan

SCRIPT = """
CACHE TABLE a AS SELECT 1 AS x;
CACHE TABLE b AS SELECT x FROM a;
INSERT INTO out SELECT x FROM b;
CACHE TABLE c AS SELECT 2 AS x;
SELECT b.x FROM b, c;
"""


@pytest.fixture
def plan() -> Plan:
    return build_plan(SCRIPT, path="s.sql", name="s")


def finish(plan: Plan, runs: Path, state: RunState, **options: object) -> Run:
    with held_run(plan, {"p": 1}, runs, fresh=bool(options.get("fresh"))) as run:
        save(replace(run, state=state), runs)
    return run


def test_a_run_that_succeeded_is_followed_by_a_new_one(plan: Plan, tmp_path: Path) -> None:
    first = finish(plan, tmp_path, RunState.SUCCEEDED)
    second = finish(plan, tmp_path, RunState.SUCCEEDED)
    assert first.run_id != second.run_id
    assert (first.resumed, second.resumed) == (0, 0)


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.RUNNING])
def test_an_unfinished_run_is_taken_up_again(plan: Plan, tmp_path: Path, state: RunState) -> None:
    first = finish(plan, tmp_path, state)
    second = finish(plan, tmp_path, RunState.SUCCEEDED)
    assert (second.run_id, second.logical_date, second.resumed) == (first.run_id, first.logical_date, 1)


def test_fresh_and_other_work_and_newer_success_begin_anew(plan: Plan, tmp_path: Path) -> None:
    first = finish(plan, tmp_path, RunState.FAILED)
    assert finish(plan, tmp_path, RunState.SUCCEEDED, fresh=True).run_id != first.run_id
    assert finish(plan, tmp_path, RunState.FAILED).run_id != first.run_id, "a newer run has succeeded"
    with held_run(plan, {"p": 2}, tmp_path, fresh=False) as run:
        assert run.resumed == 0
    with held_run(replace(plan, settings={"dag.retries": 1}), {"p": 1}, tmp_path, fresh=False) as run:
        assert run.resumed == 0


def test_a_run_at_work_is_left_alone_and_a_new_one_starts_beside_it(plan: Plan, tmp_path: Path) -> None:
    with (
        held_run(plan, {}, tmp_path, fresh=False) as first,
        held_run(plan, {}, tmp_path, fresh=False) as second,
    ):
        assert first.run_id != second.run_id


def test_a_run_of_a_killed_process_is_taken_up_again(plan: Plan, tmp_path: Path) -> None:
    code = f"""
import sys, time
from pathlib import Path
from sqlrec.execution.runs import held_run
from sqlrec.plan.build import build_plan
plan = build_plan({SCRIPT!r}, path="s.sql", name="s")
with held_run(plan, {{}}, Path({str(tmp_path)!r}), fresh=False) as run:
    print(run.run_id, flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        run_id = process.stdout.readline().strip()
        with held_run(plan, {}, tmp_path, fresh=False) as beside:
            assert beside.run_id != run_id
        (beside.folder(tmp_path) / "run.json").unlink()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with held_run(plan, {}, tmp_path, fresh=False) as again:
            assert (again.run_id, again.resumed) == (run_id, 1)


def test_a_place_that_cannot_be_written_is_told(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("in the way")
    with (
        pytest.raises(SetupError, match="SR703"),
        held_run(plan, {}, tmp_path / "runs", fresh=False),
    ):
        raise AssertionError("no run may start")


def test_an_outcome_is_read_back_and_a_damaged_one_counts_as_none(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "run")
    outcome = Outcome(
        message="m", rows=1, metrics={"auc": 0.5}, preview=Preview(columns=("x",), rows=(("1",),), total=1)
    )
    assert journal.read("t") is None
    journal.write("t", outcome)
    assert journal.read("t") == outcome
    (tmp_path / "run" / "t.json").write_text('{"version": 1')
    assert journal.read("t") is None


def test_keys_of_other_tasks_runs_and_map_indexes_differ() -> None:
    key = RunKey(dag_id="s", run_id="manual__2026-01-01T00:00:00+00:00", task_id="t")
    others = [key.of("u"), replace(key, run_id="r"), replace(key, map_index=0), replace(key, dag_id="x")]
    assert len({k.text for k in (key, *others)}) == len({k.job for k in (key, *others)}) == 5
    assert all(len(k.job) <= 63 for k in others)


def ids(plan: Plan) -> list[str]:
    return [step.id for step in plan.steps]


def test_steps_between_two_and_the_cached_tables_they_need(plan: Plan) -> None:
    assert select_steps(plan) == plan
    assert ids(select_steps(plan, to_step="cache_b")) == ["cache_a", "cache_b"]
    last = plan.steps[-1].id
    part = select_steps(plan, from_step=last)
    assert ids(part) == ["cache_a", "cache_b", "cache_c", last]
    assert set(part.steps[-1].upstream) == {"cache_b", "cache_c"}
    assert ids(select_steps(plan, from_step="cache_c", to_step="cache_c")) == ["cache_c"]


def test_an_unknown_step_or_a_wrong_order_is_told(plan: Plan) -> None:
    with pytest.raises(NameNotFoundError, match=r"SR720.*Did you mean 'cache_b'"):
        select_steps(plan, from_step="cach_b")
    with pytest.raises(NameNotFoundError, match="comes after"):
        select_steps(plan, from_step="cache_c", to_step="cache_a")


PARAMS = (
    Param(name="rows", type="INT", default=10),
    Param(name="rate", type="DOUBLE", default=0.5),
    Param(name="dry", type="BOOLEAN", default=False),
    Param(name="day", type="DATE"),
)


def test_parameters_are_read_as_their_types() -> None:
    assert bind_params(PARAMS, {"rows": "3", "rate": "1e-3", "dry": "TRUE", "day": "2026-01-31"}) == {
        "rows": 3,
        "rate": 0.001,
        "dry": True,
        "day": "2026-01-31",
    }
    assert bind_params(PARAMS, {"day": "2026-01-31"})["rows"] == 10


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"'day' has no value.*--param day="),
        ({"days": "2026-01-31"}, r"unknown parameter 'days'.*Did you mean 'day'"),
        ({"day": "yesterday"}, "is DATE, not 'yesterday'"),
        ({"day": "2026-01-31", "rows": "1.5"}, r"is INT, not '1\.5'"),
        ({"day": "2026-01-31", "dry": "yes"}, "is BOOLEAN, not 'yes'"),
    ],
)
def test_wrong_parameters_are_told(given: dict[str, str], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        bind_params(PARAMS, given)
