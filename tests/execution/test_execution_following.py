"""Services that follow an alias: moved before it, caught up afterwards, let go by whoever names another."""

from __future__ import annotations

import pytest

from sqlrec.errors import JobError, NameNotFoundError, OptionError, StateError
from sqlrec.execution.call import Call
from sqlrec.execution.following import catch_up, followers
from sqlrec.execution.key import RunKey
from sqlrec.execution.outcome import Outcome
from sqlrec.plan.changes import ResetOptions, ServeCheckpoint, SetAlias, SetOptions
from sqlrec.plan.plan import AlterModelStep, AlterServiceStep, DeployStep
from tests.execution.service_steps import CTR, alter, deploy, rollback
from tests.execution.steps import World


def point(alias: str, checkpoint: str) -> AlterModelStep:
    change = SetAlias(alias=alias, checkpoint=checkpoint)
    return AlterModelStep(id=f"point_{alias}_{checkpoint}", model=CTR, change=change, line=1, sql="SET ALIAS")


@pytest.fixture
def world(exported: World) -> World:
    """``@prod`` is v1, and ``rank`` follows it."""
    exported.run(point("prod", "v1_export"))
    exported.run(deploy(follow="@Prod"))
    return exported


def serves(world: World, service: str = "rank") -> str:
    """What the service serves, in the registry and as it runs."""
    served = world.registry.service(service)
    assert served is not None
    assert world.services.running[service].version == served.version
    return served.name


def alias(world: World, name: str = "prod") -> str:
    return world.registry.aliases(CTR)[name].name


def sync(world: World) -> list[str]:
    """Catch up with all; the checkpoints that services were moved to."""
    call = Call(env=world.env, key=RunKey(dag_id="s", run_id="sync", task_id="t"), report=world.said.append)
    found = [catch_up(follower, call, "sync") for follower in list(followers(world.registry))]
    return [target.name for target in found if target]


def test_a_service_moves_with_its_alias(world: World) -> None:
    world.run(deploy("v1_export", service="other"))
    assert serves(world) == "v1_export"
    outcome: Outcome = world.run(point("prod", "v2_export"))
    assert "and so serves rank" in outcome.message
    assert (serves(world), serves(world, "other"), alias(world)) == ("v2_export", "v1_export", "v2_export")
    entry = world.registry.history("rank")[-1]
    assert (entry.reason, entry.options) == ("SET ALIAS", {"follow": "@Prod"})
    assert "follow" not in world.services.applied[-1].options, "it is no option of the server"


def test_a_service_that_cannot_serve_it_keeps_the_alias_where_it_was(world: World, good: list[bool]) -> None:
    good[0] = False
    with pytest.raises(JobError, match="leaves out 'probs'"):
        world.run(point("prod", "v2_export"))
    assert (serves(world), alias(world)) == ("v1_export", "v1_export")
    good[0] = True
    world.run(point("prod", "v2_export"))
    assert (serves(world), alias(world)) == ("v2_export", "v2_export")


def test_a_repetition_of_a_move_that_was_cut_short(world: World) -> None:
    """The service was moved, the alias was not: the retry deploys nothing again."""
    world.run(alter(ServeCheckpoint(checkpoint="v2_export")))
    world.run(alter(SetOptions(options={"follow": "@prod"})), "r2")
    assert serves(world) == "v1_export", "following begins at once"
    world.run(point("prod", "v2_export"))
    count = len(world.services.applied)
    world.run(point("prod", "v2_export"), "r3")
    assert len(world.services.applied) == count


def test_a_training_checkpoint_is_nothing_to_follow(world: World) -> None:
    with pytest.raises(StateError, match=r"SR209.*v2 of model ctr.*followed by rank"):
        world.run(point("prod", "v2"))
    assert alias(world) == "v1_export"
    world.run(point("beta", "v2"))
    assert alias(world, "beta") == "v2", "nobody follows that one"


def test_an_alias_that_was_moved_elsewhere_is_caught_up_with(world: World) -> None:
    target = world.registry.checkpoint(CTR, "v3_export")
    assert target is not None
    assert sync(world) == []
    world.registry.set_alias("prod", target)
    assert serves(world) == "v1_export"
    assert sync(world) == ["v3_export"]
    assert (serves(world), sync(world)) == ("v3_export", [])
    world.registry.drop_alias(CTR, "prod")
    with pytest.raises(NameNotFoundError, match="SR207"):
        sync(world)
    assert serves(world) == "v3_export"


def test_naming_another_checkpoint_ends_it(world: World) -> None:
    world.run(alter(ServeCheckpoint(checkpoint="v2_export")))
    assert any("rank does not follow @prod any more" in line for line in world.said)
    assert list(followers(world.registry)) == []
    world.run(point("prod", "v3_export"))
    assert serves(world) == "v2_export"
    world.run(alter(SetOptions(options={"follow": "prod"})), "r2")
    assert serves(world) == "v3_export"
    world.run(alter(ServeCheckpoint(checkpoint="@PROD")), "r3")
    assert [f.alias for f in followers(world.registry)] == ["@prod"], "it is what it follows"
    world.run(alter(ResetOptions(keys=("follow",))), "r4")
    assert list(followers(world.registry)) == []


def test_a_rollback_ends_it_and_can_be_repeated(world: World) -> None:
    for name in ("v2_export", "v3_export"):
        world.run(point("prod", name))
    world.run(rollback())
    assert serves(world) == "v2_export"
    assert list(followers(world.registry)) == []
    assert sync(world) == [], "an alias takes nothing back that was rolled back"
    world.run(rollback(), "r2")
    assert serves(world) == "v1_export", "two rollbacks go two steps back"


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (deploy("v2_export", follow="@prod"), r"SR368.*follows @prod.*v2_export"),
        (deploy("", "v2_export", follow="@prod"), r"SR368.*2 models"),
        (
            alter(ServeCheckpoint(checkpoint="v2_export", options={"follow": "@prod"})),
            r"SR368.*CHECKPOINT = '@prod'",
        ),
    ],
)
def test_what_contradicts_itself(world: World, step: DeployStep | AlterServiceStep, says: str) -> None:
    before = world.registry.history("rank")
    with pytest.raises(OptionError, match=says):
        world.run(step, "r2")
    assert world.registry.history("rank") == before


def test_a_service_of_several_models_follows_nothing(world: World) -> None:
    world.run(deploy("v1_export", "v2_export", service="pair"))
    with pytest.raises(OptionError, match=r"SR368.*2 models"):
        world.run(alter(SetOptions(options={"follow": "@prod"}), service="pair"))
    assert [f.service for f in followers(world.registry)] == ["rank"]


def test_an_alias_that_names_nothing(world: World) -> None:
    with pytest.raises(NameNotFoundError, match=r"SR207.*prdo"):
        world.run(deploy(follow="@prdo", service="other"))
    assert world.registry.services() == ("rank",)
