"""ALTER and ROLLBACK SERVICE: the deploy transaction over what is there, once per task, however cut short."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sqlrec.errors import JobError, NameNotFoundError, OptionError, StateError
from sqlrec.plan.changes import Promote, ResetOptions, ServeCheckpoint, ServiceChange, SetOptions
from sqlrec.plan.plan import AlterServiceStep, DeployStep, ExportStep, RollbackStep, TrainStep
from sqlrec.registry.registry import DeployAction, Deployment
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import OptionValue
from sqlrec.spec.service import ServiceState
from sqlrec.spec.table import Relation
from tests.execution.steps import MODEL, World, make_world, probabilities, server, steps_of

CTR = ModelName.of("ctr")
BASE: Mapping[str, Any] = {"line": 1, "sql": ""}


def train(name: str) -> TrainStep:
    return TrainStep(id=f"train_{name}", model=CTR, checkpoint=name, data=Relation(query="SELECT 1"), **BASE)


def export(name: str) -> ExportStep:
    return ExportStep(id=f"export_{name}", model=CTR, checkpoint=name, exports=(f"{name}_export",), **BASE)


def deploy(name: str, **options: OptionValue) -> DeployStep:
    return DeployStep(
        id=f"deploy_{name}",
        service="rank",
        model=CTR,
        checkpoint=f"{name}_export",
        replace=True,
        options=options,
        **BASE,
    )


def alter(change: ServiceChange, *, service: str = "rank", if_exists: bool = False) -> AlterServiceStep:
    return AlterServiceStep(id="alter", service=service, change=change, if_exists=if_exists, **BASE)


def rollback(checkpoint: str = "", service: str = "rank") -> RollbackStep:
    return RollbackStep(id="back", service=service, checkpoint=checkpoint, **BASE)


@pytest.fixture
def good() -> list[bool]:
    """Whether services answer as they should, while the one value is True."""
    return [True]


@pytest.fixture
def world(tmp_path: Path, good: list[bool]) -> Iterator[World]:
    """``ctr`` with exports of v1, v2 and v3, and the service ``rank`` of v1 with two replicas."""
    answer: Callable[[list[dict[str, Any]]], object] = lambda rows: probabilities(rows) if good[0] else {}  # noqa: E731
    with server(answer) as url:
        made = make_world(tmp_path, url)
        made.run(steps_of(MODEL)["define_ctr"])
        for name in ("v1", "v2", "v3"):
            made.run(train(name))
            made.run(export(name))
        made.run(deploy("v1", replicas=2))
        yield made


def now(world: World) -> tuple[str, int]:
    """Checkpoint and replicas of the service, in the registry and as it runs."""
    served, spec = world.registry.service("rank"), world.services.applied[-1]
    assert served is not None
    assert (served.name, served.version) == (spec.checkpoint, spec.version)
    return served.name, spec.replicas


def forget(world: World, task: str) -> None:
    """Leave the run as a kill before the outcome was written leaves it."""
    for file in world.env.runs.rglob(f"{task}.json"):
        file.unlink()


def last(world: World) -> Deployment:
    return world.registry.history("rank")[-1]


def test_a_checkpoint_is_changed_and_options_stay(world: World) -> None:
    outcome = world.run(alter(ServeCheckpoint(checkpoint="v2_export", options={"pod_memory": "1Gi"})))
    assert outcome.message.startswith("altered rank: ctr v2_export at http://")
    assert now(world) == ("v2_export", 2)
    assert last(world).options == {"replicas": "2", "pod_memory": "1Gi"}


def test_options_are_set_over_those_in_force_and_reset_to_their_defaults(world: World) -> None:
    world.run(alter(SetOptions(options={"replicas": 3, "kubernetes.env.a": "1"})))
    assert now(world) == ("v1_export", 3)
    world.run(alter(ResetOptions(keys=("replicas", "never_set"))), "r2")
    assert now(world) == ("v1_export", 1)
    assert last(world).options == {"kubernetes.env.a": "1"}
    assert world.services.applied[-1].env == {"a": "1"}


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (SetOptions(options={"replcias": 3}), OptionError, r"SR301.*Did you mean 'replicas'"),
        (SetOptions(options={"replicas": "many"}), OptionError, r"SR302.*'many'"),
        (SetOptions(options={"num_epochs": 3}), OptionError, r"SR304.*TRAIN MODEL"),
        (ServeCheckpoint(checkpoint="v2"), StateError, r"SR209.*CHECKPOINT='v2_export'"),
        (ServeCheckpoint(checkpoint="v9_export"), NameNotFoundError, "SR207"),
        (Promote(), StateError, r"SR264.*no canary"),
    ],
)
def test_what_cannot_be_changed_changes_nothing(
    world: World, change: ServiceChange, error: type[Exception], says: str
) -> None:
    before = world.registry.history("rank")
    with pytest.raises(error, match=says):
        world.run(alter(change))
    assert world.registry.history("rank") == before
    assert now(world) == ("v1_export", 2)


def test_a_revision_that_fails_its_proof_leaves_the_old_one(world: World, good: list[bool]) -> None:
    good[0] = False
    with pytest.raises(JobError, match="leaves out 'probs'"):
        world.run(alter(ServeCheckpoint(checkpoint="v2_export")))
    served = world.registry.service("rank")
    assert served is not None
    assert served.name == "v1_export"
    good[0] = True
    world.run(alter(ServeCheckpoint(checkpoint="v2_export")))
    assert now(world) == ("v2_export", 2)
    assert len(world.registry.history("rank")) == 2, "the retry opens its own entry again"


def test_a_service_that_does_not_exist(world: World) -> None:
    change = SetOptions(options={"replicas": 1})
    with pytest.raises(NameNotFoundError, match=r"SR206.*Did you mean 'rank'"):
        world.run(alter(change, service="rnak"))
    with pytest.raises(NameNotFoundError, match="SR206"):
        world.run(rollback(service="other"))
    assert world.run(alter(change, service="other", if_exists=True)).message == "no service other to alter"


def test_rollback_goes_back_step_by_step_with_the_options_of_then(world: World) -> None:
    world.run(deploy("v2", replicas=3))
    world.run(deploy("v3"))
    assert world.run(rollback()).message.startswith("rolled back rank: ctr v2_export")
    assert (now(world), last(world).action) == (("v2_export", 3), DeployAction.ROLLBACK)
    world.run(rollback(), "r2")
    assert now(world) == ("v1_export", 2)
    with pytest.raises(StateError, match=r"SR261.*no earlier revision.*serves v1_export"):
        world.run(rollback(), "r3")


def test_rollback_undoes_a_change_of_options(world: World) -> None:
    world.run(alter(SetOptions(options={"replicas": 5})))
    world.run(rollback())
    assert now(world) == ("v1_export", 2)


def test_rollback_to_a_checkpoint_that_was_served(world: World) -> None:
    for name in ("v2", "v3"):
        world.run(deploy(name))
    world.run(rollback("V1_export"))
    assert now(world) == ("v1_export", 2)
    with pytest.raises(
        StateError, match=r"SR262.*not served v1_export before.*it served v3_export, v2_export"
    ):
        world.run(rollback("v1_export"), "r2")
    world.run(rollback("v3_export"), "r3")
    assert now(world) == ("v3_export", 1)


def test_a_name_means_the_version_that_was_served_under_it(world: World) -> None:
    world.run(train("v1"), "r2")
    world.run(export("v1"), "r2")
    world.run(deploy("v1"), "r2")
    newest = world.registry.service("rank")
    world.run(rollback("v1_export"), "r3")
    first = world.registry.service("rank")
    assert newest is not None
    assert first is not None
    assert (newest.name, newest.version > first.version) == (first.name, True)


def test_an_alias_means_the_version_it_names(world: World) -> None:
    world.run(deploy("v2"))
    first = world.registry.checkpoint(CTR, "v1_export")
    assert first is not None
    world.registry.set_alias("stable", first)
    world.run(rollback("@stable"))
    assert now(world) == ("v1_export", 2)


def test_a_killed_rollback_goes_back_no_further(world: World) -> None:
    world.run(deploy("v2"))
    world.run(deploy("v3"))
    world.run(rollback())
    forget(world, "back")
    world.run(rollback())
    assert now(world) == ("v2_export", 1)
    assert [e.action for e in world.registry.history("rank")].count(DeployAction.ROLLBACK) == 1


def test_a_failed_rollback_is_tried_again_to_the_same_revision(world: World, good: list[bool]) -> None:
    world.run(deploy("v2"))
    good[0] = False
    with pytest.raises(JobError):
        world.run(rollback())
    good[0] = True
    world.run(rollback())
    assert now(world) == ("v1_export", 2)


def test_a_version_that_is_gone_is_told(world: World) -> None:
    world.run(deploy("v2"))
    world.registry.drop_checkpoint(CTR, "v1_export")
    with pytest.raises(StateError, match=r"SR263.*revision 1 of service rank served v1_export.*gone"):
        world.run(rollback())
    assert now(world) == ("v2_export", 1)


def test_a_run_that_is_taken_up_again_leaves_a_service_to_the_last_step_that_changed_it(world: World) -> None:
    world.run(alter(ServeCheckpoint(checkpoint="v2_export")))
    world.services.running["rank"] = replace(world.services.running["rank"], state=ServiceState.DEAD)
    applied = len(world.services.applied)
    world.run(deploy("v1", replicas=2))
    assert len(world.services.applied) == applied, "an earlier step of the run starts nothing"
    world.run(alter(ServeCheckpoint(checkpoint="v2_export")))
    assert world.services.running["rank"].state is ServiceState.READY
    assert now(world) == ("v2_export", 2)
