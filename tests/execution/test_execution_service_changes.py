"""ALTER and ROLLBACK SERVICE: the deploy transaction over what is there, once per task, however cut short."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sqlrec.errors import JobError, NameNotFoundError, OptionError, StateError
from sqlrec.plan.changes import Promote, ResetOptions, ServeCheckpoint, ServiceChange, SetOptions
from sqlrec.registry.registry import DeployAction, Deployment
from sqlrec.spec.service import ServiceState
from tests.execution.service_steps import CTR, alter, deploy, export, forget, now, rollback, train
from tests.execution.steps import World


@pytest.fixture
def world(exported: World) -> World:
    """The service ``rank`` of v1 with two replicas."""
    exported.run(deploy("v1_export", replicas=2))
    return exported


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
    world.run(deploy("v2_export", replicas=3))
    world.run(deploy("v3_export"))
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
        world.run(deploy(f"{name}_export"))
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
    world.run(deploy("v1_export"), "r2")
    newest = world.registry.service("rank")
    world.run(rollback("v1_export"), "r3")
    first = world.registry.service("rank")
    assert newest is not None
    assert first is not None
    assert (newest.name, newest.version > first.version) == (first.name, True)


def test_an_alias_means_the_version_it_names(world: World) -> None:
    world.run(deploy("v2_export"))
    first = world.registry.checkpoint(CTR, "v1_export")
    assert first is not None
    world.registry.set_alias("stable", first)
    world.run(rollback("@stable"))
    assert now(world) == ("v1_export", 2)


def test_a_killed_rollback_goes_back_no_further(world: World) -> None:
    world.run(deploy("v2_export"))
    world.run(deploy("v3_export"))
    world.run(rollback())
    forget(world, rollback())
    world.run(rollback())
    assert now(world) == ("v2_export", 1)
    assert [e.action for e in world.registry.history("rank")].count(DeployAction.ROLLBACK) == 1


def test_a_failed_rollback_is_tried_again_to_the_same_revision(world: World, good: list[bool]) -> None:
    world.run(deploy("v2_export"))
    good[0] = False
    with pytest.raises(JobError):
        world.run(rollback())
    good[0] = True
    world.run(rollback())
    assert now(world) == ("v1_export", 2)


def test_a_version_that_is_gone_is_told(world: World) -> None:
    world.run(deploy("v2_export"))
    world.registry.drop_checkpoint(CTR, "v1_export")
    with pytest.raises(StateError, match=r"SR263.*revision 1 of service rank served v1_export.*gone"):
        world.run(rollback())
    assert now(world) == ("v2_export", 1)


def test_a_run_that_is_taken_up_again_leaves_a_service_to_the_last_step_that_changed_it(world: World) -> None:
    world.run(alter(ServeCheckpoint(checkpoint="v2_export")))
    world.services.running["rank"] = replace(world.services.running["rank"], state=ServiceState.DEAD)
    applied = len(world.services.applied)
    world.run(deploy("v1_export", replicas=2))
    assert len(world.services.applied) == applied, "an earlier step of the run starts nothing"
    world.run(alter(ServeCheckpoint(checkpoint="v2_export")))
    assert world.services.running["rank"].state is ServiceState.READY
    assert now(world) == ("v2_export", 2)
