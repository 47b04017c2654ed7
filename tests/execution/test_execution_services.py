"""Services: deploying is a transaction, dropping is done once, scoring needs a live one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlrec.errors import JobError, NameNotFoundError, StateError
from sqlrec.plan.plan import DeployStep, DropServiceStep
from sqlrec.registry.registry import DeployState
from sqlrec.spec.service import ServiceState
from tests.execution.steps import MODEL, World, make_world, probabilities, server, steps_of

SCRIPT = f"""{MODEL}
TRAIN MODEL ctr CHECKPOINT = 'v1' ON samples;
EXPORT MODEL ctr CHECKPOINT = 'v1' ON samples;
CREATE SERVICE rank ON MODEL ctr CHECKPOINT = 'v1_export' WITH (replicas = 2);
CACHE TABLE scored AS CALL call_service('rank', samples);
SELECT * FROM scored;
DROP SERVICE rank;
"""
STEPS = steps_of(SCRIPT)
World_ = Callable[..., World]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[World_]:
    """Makes a world with an export of ``ctr``, whose services answer as told."""
    (tmp_path / "data").mkdir()
    table = pa.table({"user_id": [1, 2], "age": [2, None], "is_click": [0, 1]})
    pq.write_table(table, tmp_path / "data" / "samples.parquet")
    servers = []

    def build(answer: Callable[[list[dict[str, Any]]], object] = probabilities) -> World:
        open_server = server(answer)
        servers.append(open_server)
        world = make_world(tmp_path, open_server.__enter__())
        for name in ("define_ctr", "train_ctr", "export_ctr"):
            world.run(STEPS[name])
        return world

    yield build
    for open_server in servers:
        open_server.__exit__(None, None, None)


def deploy_step(**changes: object) -> DeployStep:
    step = STEPS["deploy_rank"]
    assert isinstance(step, DeployStep)
    return replace(step, **changes)  # type: ignore[arg-type]


def states(world: World) -> list[DeployState]:
    return [entry.state for entry in world.registry.history("rank")]


def test_a_deployment_proves_the_service_and_moves_the_alias(make: World_) -> None:
    asked: list[int] = []

    def answer(rows: list[dict[str, Any]]) -> object:
        asked.append(len(rows))
        return probabilities(rows)

    world = make(answer)
    outcome = world.run(deploy_step())
    served = world.registry.service("rank")
    assert served is not None
    assert (served.name, outcome.facts["url"]) == ("v1_export", world.services.url)
    assert (states(world), asked) == ([DeployState.FINISHED], [2])
    (spec,) = world.services.applied
    assert (spec.replicas, spec.own.variant, spec.version) == (2, "fp32", 2)


def test_a_secret_reaches_the_service_and_nothing_that_is_kept(
    make: World_, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make()
    monkeypatch.setenv("SQLREC_SECRET_TOKEN", "hush")
    outcome = world.run(deploy_step(options={"kubernetes.env.TOKEN": "secret:token"}))
    (spec,) = world.services.applied
    assert spec.env == {"TOKEN": "secret:token"}, "the runtime gives its processes the value"
    (entry,) = world.registry.history("rank")
    assert entry.options == {"kubernetes.env.TOKEN": "secret:token"}
    assert "hush" not in str(outcome)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda rows: {}, "leaves out 'probs'"),
        (lambda rows: {"probs": [0.5] * (len(rows) + 1)}, "3 values for 2 rows"),
        (lambda rows: {"probs": [None] * len(rows)}, "leaves out 'probs'"),
        (lambda rows: {"probs": ["high"] * len(rows)}, "'high' is no float"),
        (lambda rows: {"probs": [float("nan")] * len(rows)}, "invalid JSON"),
    ],
)
def test_a_service_that_fails_its_proof_changes_nothing(
    make: World_, answer: Callable[[list[dict[str, Any]]], object], why: str
) -> None:
    world = make(answer)
    with pytest.raises(JobError, match=why):
        world.run(deploy_step())
    assert world.registry.service("rank") is None
    assert states(world) == [DeployState.FAILED]
    assert why in world.registry.history("rank")[0].error


def test_a_failed_deployment_leaves_the_old_one_in_force(make: World_) -> None:
    good = [True]
    world = make(lambda rows: probabilities(rows) if good[0] else {})
    world.run(deploy_step())
    world.run(STEPS["export_ctr"], "r2")
    good[0] = False
    with pytest.raises(JobError):
        world.run(deploy_step(replace=True), "r2")
    served = world.registry.service("rank")
    assert served is not None
    assert served.version == 2
    assert states(world) == [DeployState.FINISHED, DeployState.FAILED]


def test_an_existing_service_is_replaced_only_when_asked(make: World_) -> None:
    world = make()
    world.run(deploy_step())
    with pytest.raises(StateError, match=r"SR201.*OR REPLACE"):
        world.run(deploy_step(), "r2")
    assert "kept rank" in world.run(deploy_step(if_not_exists=True), "r2").message
    world.run(STEPS["export_ctr"], "r3")
    assert world.run(deploy_step(replace=True), "r3").facts["version"] == "3"


def test_a_retry_after_a_kill_finds_its_own_service(make: World_) -> None:
    world = make()
    world.run(deploy_step())
    for file in world.env.runs.rglob("deploy_rank.json"):
        file.unlink()
    world.run(deploy_step())
    assert states(world) == [DeployState.FINISHED]


def test_a_dead_service_is_started_again_by_the_run_that_made_it_and_by_if_not_exists(make: World_) -> None:
    world = make()
    world.run(deploy_step())
    for step, run in ((deploy_step(), "r1"), (deploy_step(if_not_exists=True), "r2")):
        world.services.running["rank"] = replace(world.services.running["rank"], state=ServiceState.DEAD)
        world.run(step, run)
        assert world.services.running["rank"].state is ServiceState.READY


def test_only_a_finished_export_can_be_served(make: World_) -> None:
    world = make()
    with pytest.raises(StateError, match=r"only supports export checkpoint.*CHECKPOINT='v1_export'"):
        world.run(deploy_step(checkpoint="v1"))
    with pytest.raises(NameNotFoundError, match=r"SR210.*exported checkpoints of ctr: v1_export"):
        world.run(deploy_step(checkpoint=""))
    with pytest.raises(NameNotFoundError, match=r"SR207.*Did you mean 'v1_export'"):
        world.run(deploy_step(checkpoint="v2_export"))
    assert world.services.applied == []


def test_scoring_adds_the_outputs_to_every_row(make: World_) -> None:
    world = make()
    world.run(deploy_step())
    outcome = world.run(STEPS["score_scored"])
    assert outcome.rows == 2
    preview = world.run(STEPS["select_scored"]).preview
    assert preview is not None
    assert preview.columns == ("user_id", "age", "is_click", "probs")
    assert [row[3] for row in preview.rows] == ["0.25", "0.25"]


def test_scoring_needs_a_service_that_runs(make: World_) -> None:
    world = make()
    with pytest.raises(NameNotFoundError, match="SR206"):
        world.run(STEPS["score_scored"])
    world.run(deploy_step())
    world.services.running["rank"] = replace(
        world.services.running["rank"], state=ServiceState.DEAD, detail="killed by signal 9"
    )
    with pytest.raises(StateError, match=r"SR630.*dead: killed by signal 9"):
        world.run(STEPS["score_scored"])


def drop(if_exists: bool = False) -> DropServiceStep:
    step = STEPS["drop_service_rank"]
    assert isinstance(step, DropServiceStep)
    return replace(step, if_exists=if_exists)


def test_dropping_stops_the_service_and_takes_its_name_back(make: World_) -> None:
    world = make()
    world.run(deploy_step())
    dropped = world.run(drop())
    assert (dropped.message, dropped.facts) == ("dropped service rank", {"gone_service": "rank"})
    assert world.registry.service("rank") is None
    assert world.services.running == {}
    for file in world.env.runs.rglob("drop_service_rank.json"):
        file.unlink()
    world.run(drop())
    with pytest.raises(NameNotFoundError, match="SR206"):
        world.run(drop(), "r2")
    assert world.run(drop(if_exists=True), "r2").message == "no service rank to drop"
