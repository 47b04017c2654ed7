"""A canary: begun beside what is served, promoted or aborted, once per task; nothing else changes then."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sqlrec.errors import JobError, OptionError, StateError
from sqlrec.plan.changes import Promote, ServeCheckpoint, SetOptions
from sqlrec.registry.registry import DeployAction, Deployment, DeployState
from sqlrec.registry.tags import running_canary
from tests.execution.service_steps import CTR, alter, deploy, forget, now, rollback
from tests.execution.steps import World

CANARY = ServeCheckpoint(checkpoint="v2_export", options={"canary": "25%", "pod_memory": "1Gi"})


@pytest.fixture
def world(exported: World) -> World:
    """The service ``rank`` of v1 with two replicas."""
    exported.run(deploy("v1_export", replicas=2))
    return exported


def canary(world: World) -> Deployment | None:
    return running_canary(world.registry.history("rank"))


def test_a_canary_gets_its_share_and_the_service_stays(world: World) -> None:
    outcome = world.run(alter(CANARY))
    assert outcome.message.startswith("gave a canary to rank: ctr v2_export at http://")
    spec, share = world.services.canaries["rank"]
    assert (spec.checkpoint, spec.replicas, share) == ("v2_export", 2, 0.25)
    assert "canary" not in spec.options
    assert now(world) == ("v1_export", 2)
    entry = canary(world)
    assert entry is not None
    assert (entry.action, entry.options["canary"]) == (DeployAction.CANARY, "25%")
    checkpoint = world.registry.checkpoint(CTR, "v2_export")
    assert checkpoint is not None
    with pytest.raises(StateError, match="SR203"):
        world.registry.drop_checkpoint(CTR, "v2_export")


def test_create_or_replace_begins_one_too(world: World) -> None:
    world.run(deploy("v3_export", canary="0.1", replicas=4))
    spec, share = world.services.canaries["rank"]
    assert (spec.checkpoint, share) == ("v3_export", 0.1)
    assert now(world) == ("v1_export", 2)


def test_promote_makes_it_the_whole_service(world: World) -> None:
    world.run(alter(CANARY))
    outcome = world.run(alter(Promote()), "r2")
    assert outcome.message.startswith("promoted the canary of rank: ctr v2_export")
    assert now(world) == ("v2_export", 2)
    assert world.services.canaries == {}
    entry = world.registry.history("rank")[-1]
    assert (entry.action, entry.options) == (DeployAction.PROMOTE, {"replicas": "2", "pod_memory": "1Gi"})
    assert canary(world) is None
    forget(world, alter(Promote()))
    world.run(alter(Promote()), "r2")
    assert len(world.registry.history("rank")) == 3, "the same task again promotes nothing anew"
    with pytest.raises(StateError, match=r"SR264.*no canary"):
        world.run(alter(Promote()), "r3")
    world.run(rollback(), "r4")
    assert now(world) == ("v1_export", 2)


def test_a_promotion_that_fails_leaves_both(world: World, good: list[bool]) -> None:
    world.run(alter(CANARY))
    good[0] = False
    with pytest.raises(JobError, match="leaves out 'probs'"):
        world.run(alter(Promote()), "r2")
    served = world.registry.service("rank")
    assert served is not None
    assert served.name == "v1_export"
    assert "rank" in world.services.canaries
    assert canary(world) is not None


def test_rollback_removes_the_canary_and_nothing_else(world: World) -> None:
    world.run(deploy("v3_export"))
    world.run(alter(CANARY))
    outcome = world.run(rollback(), "r2")
    assert outcome.message == "removed the canary of rank: ctr v2_export"
    assert world.services.canaries == {}
    assert now(world) == ("v3_export", 1)
    assert canary(world) is None
    forget(world, rollback())
    assert world.run(rollback(), "r2") == outcome, "a retry does not go back a revision"
    assert now(world) == ("v3_export", 1)
    world.run(rollback(), "r3")
    assert now(world) == ("v1_export", 2)


def test_an_abort_that_fails_is_an_entry_and_may_be_repeated(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run(alter(CANARY))

    def out_of_reach(name: str) -> None:
        raise JobError("SR506", "the cluster is out of reach")

    with monkeypatch.context() as patched:
        patched.setattr(world.services, "end_canary", out_of_reach)
        with pytest.raises(JobError, match="out of reach"):
            world.run(rollback(), "r2")
    assert world.registry.history("rank")[-1].state is DeployState.FAILED
    assert canary(world) is not None
    world.run(rollback(), "r3")
    assert canary(world) is None


def test_a_canary_whose_version_is_gone_is_removed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.run(alter(CANARY))
    begun = canary(world)
    assert begun is not None
    known = world.registry.version
    monkeypatch.setattr(
        world.registry, "version", lambda model, v: None if v == begun.version else known(model, v)
    )
    with pytest.raises(StateError, match="SR263"):
        world.run(alter(Promote()), "r2")
    outcome = world.run(rollback(), "r3")
    assert "v2_export" in outcome.message
    assert (canary(world), world.services.canaries) == (None, {})


def test_rollback_to_a_checkpoint_ends_the_canary_first(world: World) -> None:
    world.run(deploy("v3_export"))
    world.run(alter(CANARY))
    world.run(rollback("v1_export"), "r2")
    assert world.services.canaries == {}
    assert now(world) == ("v1_export", 2)


def test_a_canary_that_fails_is_an_entry_and_no_more(world: World, good: list[bool]) -> None:
    good[0] = False
    with pytest.raises(JobError, match="the canary of rank was not deployed"):
        world.run(alter(CANARY))
    assert world.services.canaries == {}
    assert canary(world) is None
    assert world.registry.history("rank")[-1].state is DeployState.FAILED
    served = world.registry.service("rank")
    assert served is not None
    assert served.name == "v1_export"


def test_nothing_else_changes_while_a_canary_runs(world: World) -> None:
    world.run(alter(CANARY))
    history = world.registry.history("rank")
    for step in (alter(SetOptions(options={"replicas": 3})), deploy("v3_export")):
        with pytest.raises(StateError, match=r"SR273.*has a canary, v2_export"):
            world.run(step, "r2")
    assert world.registry.history("rank") == history
    world.run(deploy("v1_export", replicas=2), "r3")
    assert now(world) == ("v1_export", 2), "what it is already may be said again"
    assert canary(world) is not None


def test_another_canary_takes_its_place(world: World) -> None:
    world.run(alter(CANARY))
    other = ServeCheckpoint(checkpoint="v3_export", options={"canary": "10%"})
    world.run(alter(other), "r2")
    assert world.services.canaries["rank"][0].checkpoint == "v3_export"
    entry = canary(world)
    assert entry is not None
    assert entry.checkpoint == "v3_export"


@pytest.mark.parametrize("share", ["0%", "95%", "none", "-5%", "10 percent"])
def test_a_share_that_is_none(world: World, share: str) -> None:
    change = ServeCheckpoint(checkpoint="v2_export", options={"canary": share})
    with pytest.raises(OptionError, match="SR270"):
        world.run(alter(change))


def test_a_canary_without_a_checkpoint_or_a_service(world: World) -> None:
    with pytest.raises(OptionError, match="SR274"):
        world.run(alter(SetOptions(options={"canary": "10%"})))
    step = deploy("v2_export", canary="10%")
    with pytest.raises(StateError, match=r"SR272.*fresh does not exist"):
        world.run(replace(step, service="fresh"))
