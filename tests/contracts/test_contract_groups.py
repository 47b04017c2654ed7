"""Services of several models, as every registry keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from sqlrec.errors import StateError
from sqlrec.registry.registry import DeployAction, Deployment, ModelRegistry, Pinned
from sqlrec.spec.model import Checkpoint
from sqlrec.spec.names import ModelName
from tests.fakes import FakeRegistry
from tests.registries import RANK, model, open_registry, register

OTHER = ModelName.of("other_model")


@pytest.fixture(params=["fake", "mlflow"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> ModelRegistry:
    made: ModelRegistry = FakeRegistry() if request.param == "fake" else open_registry(tmp_path)
    made.put_model(model())
    made.put_model(model(OTHER))
    return made


def begin(registry: ModelRegistry, key: str, first: Checkpoint, others: Sequence[Checkpoint]) -> Deployment:
    return registry.begin(
        service="rank", action=DeployAction.DEPLOY, checkpoint=first, key=key, options={}, others=others
    )


def deploy(registry: ModelRegistry, key: str, *checkpoints: Checkpoint) -> Deployment:
    first, *others = checkpoints
    return registry.finish(begin(registry, key, first, others), url="u")


def pinned(*checkpoints: Checkpoint) -> tuple[Pinned, ...]:
    return tuple(Pinned(model=c.model, version=c.version, checkpoint=c.name) for c in checkpoints)


def test_all_members_are_kept_and_in_use(registry: ModelRegistry, tmp_path: Path) -> None:
    first, second = register(registry, tmp_path, "v1"), register(registry, tmp_path, "v2")
    other = register(registry, tmp_path, "w1", of=OTHER)
    deploy(registry, "k", first, second, other)
    (entry,) = registry.history("rank")
    assert entry.others == pinned(second, other)
    assert registry.service("rank") == first
    with pytest.raises(StateError, match="rank") as caught:
        registry.drop_model(OTHER)
    assert caught.value.code == "SR203"
    for of, name in ((OTHER, "w1"), (RANK, "v2")):
        with pytest.raises(StateError, match="rank") as caught:
            registry.drop_checkpoint(of, name)
        assert caught.value.code == "SR203"


def test_who_is_in_use_no_more_can_go(registry: ModelRegistry, tmp_path: Path) -> None:
    first, second = register(registry, tmp_path, "v1"), register(registry, tmp_path, "v2")
    other = register(registry, tmp_path, "w1", of=OTHER)
    deploy(registry, "k1", other, first)
    deploy(registry, "k2", second)
    assert registry.service("rank") == second
    assert registry.drop_model(OTHER)
    assert registry.drop_checkpoint(RANK, "v1")
    drop = registry.begin(service="rank", action=DeployAction.DROP, checkpoint=second, key="d", options={})
    registry.finish(drop, url="")
    assert registry.drop_model(RANK)


def test_other_members_are_another_deployment(registry: ModelRegistry, tmp_path: Path) -> None:
    first, other = register(registry, tmp_path, "v1"), register(registry, tmp_path, "w1", of=OTHER)
    one = begin(registry, "k", first, [other])
    assert begin(registry, "k", first, [other]).id == one.id
    assert begin(registry, "k", first, []).id != one.id


def test_members_of_a_renamed_model_have_its_new_name(registry: ModelRegistry, tmp_path: Path) -> None:
    first, other = register(registry, tmp_path, "v1"), register(registry, tmp_path, "w1", of=OTHER)
    deploy(registry, "k", first, other)
    new = ModelName.of("renamed")
    registry.rename_model(OTHER, new)
    (entry,) = registry.history("rank")
    assert [(pin.model, pin.version) for pin in entry.others] == [(new, other.version)]
    with pytest.raises(StateError):
        registry.drop_model(new)
