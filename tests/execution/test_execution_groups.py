"""Services of several models: deployed, altered and rolled back with all their checkpoints, or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sqlrec.errors import JobError, OptionError, SqlRecError, StateError
from sqlrec.execution.call import Call
from sqlrec.execution.ddl import service_ddl
from sqlrec.execution.key import RunKey
from sqlrec.execution.predictor import predictor_at
from sqlrec.plan.changes import Member, ServeCheckpoint, SetOptions
from sqlrec.plan.plan import AlterServiceStep, DeployStep, RollbackStep
from sqlrec.spec.group import Group, Routing
from sqlrec.spec.model import with_members
from sqlrec.spec.options import OptionValue
from sqlrec.spec.schema import DataType, Field, Schema
from tests.execution.service_steps import BASE, CTR
from tests.execution.steps import World

INT = DataType.parse("INT")


def deploy(id_: str, *names: str, **options: OptionValue) -> DeployStep:
    first, *others = (Member(model=CTR, checkpoint=f"{name}_export") for name in names)
    return DeployStep(
        id=id_,
        service="jury",
        model=first.model,
        checkpoint=first.checkpoint,
        others=tuple(others),
        replace=True,
        options=options,
        **BASE,
    )


@pytest.fixture
def world(exported: World) -> World:
    return exported


def served(world: World) -> list[str]:
    """The checkpoints behind the service, in the registry; they are those that run."""
    entry = world.registry.history("jury")[-1]
    names = [entry.checkpoint, *(pin.checkpoint for pin in entry.others)]
    assert [model.checkpoint for model in world.services.applied[-1].models] == names
    return names


def test_all_models_are_deployed_with_their_group(world: World) -> None:
    outcome = world.run(deploy("d", "v1", "v2", decider="mean", timeout="80ms", replicas=2))
    assert "jury" in outcome.message
    assert served(world) == ["v1_export", "v2_export"]
    spec = world.services.applied[-1]
    assert spec.group == Group(decider="mean", timeout=0.08)
    assert spec.replicas == 2
    ddl = service_ddl(world.registry.history("jury")[-1])
    assert "ON MODELS (\n  ctr CHECKPOINT = 'v1_export',\n  ctr CHECKPOINT = 'v2_export'\n)" in ddl
    assert "'timeout' = '80ms'" in ddl


def test_one_model_has_no_group(world: World) -> None:
    world.run(deploy("d", "v1", "v2"))
    world.run(deploy("e", "v3"))
    assert served(world) == ["v3_export"]
    assert world.services.applied[-1].group is None


@pytest.mark.parametrize(
    ("names", "options", "code"),
    [
        (("v1", "v2"), {"routing": "split", "weights": "1,2,3"}, "SR363"),
        (("v1", "v2"), {"decider": "nobody"}, "SR364"),
        (("v1", "v2"), {"timeout": "soon"}, "SR302"),
        (("v1",), {"decider": "mean"}, "SR362"),
        (("v1", "gone"), {}, "SR207"),
    ],
)
def test_what_does_not_fit_changes_nothing(
    world: World, names: tuple[str, ...], options: dict[str, OptionValue], code: str
) -> None:
    with pytest.raises(SqlRecError) as caught:
        world.run(deploy("d", *names, **options))
    assert caught.value.code == code
    assert world.registry.history("jury") == ()
    assert world.registry.service("jury") is None


def test_options_are_altered_and_checkpoints_stay(world: World) -> None:
    world.run(deploy("d", "v1", "v2", routing="split", weights="90,10"))
    change = SetOptions(options={"weights": "1,1"})
    world.run(AlterServiceStep(id="a", service="jury", change=change, **BASE))
    assert served(world) == ["v1_export", "v2_export"]
    assert world.services.applied[-1].group == Group(routing=Routing.SPLIT, weights=(1, 1))
    change = SetOptions(options={"weights": "1,1,1"})
    with pytest.raises(OptionError, match="3 weights for 2 models"):
        world.run(AlterServiceStep(id="b", service="jury", change=change, **BASE))
    named = ServeCheckpoint(checkpoint="v3_export")
    with pytest.raises(StateError, match="does not say of which") as caught:
        world.run(AlterServiceStep(id="c", service="jury", change=named, **BASE))
    assert caught.value.code == "SR247"


def test_a_rollback_restores_every_checkpoint_and_option(world: World) -> None:
    world.run(deploy("d", "v1", "v2", decider="vote"))
    world.run(deploy("e", "v1", "v3", routing="shadow"))
    world.run(RollbackStep(id="back", service="jury", **BASE))
    assert served(world) == ["v1_export", "v2_export"]
    assert world.services.applied[-1].group == Group(decider="vote")


def test_a_member_that_does_not_answer_keeps_the_revision_before(world: World, good: list[bool]) -> None:
    world.run(deploy("d", "v1", "v2"))
    good[0] = False
    with pytest.raises((JobError, SqlRecError)):
        world.run(deploy("e", "v1", "v3"))
    good[0] = True
    current = world.registry.service("jury")
    assert current is not None
    assert current.name == "v1_export"


def test_who_asks_sends_the_features_of_all(world: World) -> None:
    world.run(deploy("d", "v1", "v2"))
    call = Call(env=world.env, key=RunKey(dag_id="s", run_id="r1", task_id="ask"), report=print)
    predictor = predictor_at("jury", call)
    assert predictor.checkpoint.name == "v1_export"
    other = replace(
        predictor.model, columns=Schema((Field(name="AGE", type=INT), Field(name="height", type=INT)))
    )
    joined = with_members(predictor.model, [other]).features
    assert joined.names == (*predictor.model.features.names, "height")


def test_several_models_follow_no_alias(world: World) -> None:
    world.run(deploy("d", "v1", "v2"))
    world.registry.set_alias("prod", world.registry.checkpoints(CTR)[-1])
    with pytest.raises(OptionError, match="a service of 2 models cannot follow @prod"):
        world.run(
            AlterServiceStep(id="a", service="jury", change=SetOptions(options={"follow": "@prod"}), **BASE)
        )
    assert served(world) == ["v1_export", "v2_export"]
