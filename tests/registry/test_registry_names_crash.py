"""Renaming, dropping and defining, cut short before each write, then retried: done once, nothing left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sqlrec.registry.mlflow import MlflowRegistry
from sqlrec.registry.registry import DeployAction
from sqlrec.spec.function import FunctionSpec
from sqlrec.spec.names import ModelName
from tests.mortal import Killed, Mortal, connect
from tests.registries import RANK, model, open_registry, register

NEW = ModelName.of("Ranker")


def writes(folder: Path, work: Callable[[MlflowRegistry], object]) -> list[str]:
    """The writing calls that ``work`` makes."""
    clients: list[Mortal] = []
    work(open_registry(folder, connect(clients, 1000)))
    return clients[0].calls


def rename(registry: MlflowRegistry) -> None:
    registry.rename_model(RANK, NEW)


def drop(registry: MlflowRegistry) -> None:
    registry.drop_checkpoint(RANK, "v1", if_exists=True)


def served(folder: Path) -> MlflowRegistry:
    """A model with two checkpoints of one name, of which an alias and a service use a third."""
    registry = open_registry(folder)
    registry.put_model(model())
    register(registry, folder, "v1", key="run1")
    register(registry, folder, "v1", key="run2")
    export = register(registry, folder, "v1_export")
    registry.set_alias("prod", export)
    entry = registry.begin(service="rank", action=DeployAction.DEPLOY, checkpoint=export, key="k", options={})
    registry.finish(entry, url="u")
    return registry


RENAME_CALLS = 6
DROP_CALLS = 10


def test_the_number_of_calls(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        served(tmp_path / folder)
    assert len(writes(tmp_path / "a", rename)) == RENAME_CALLS
    assert len(writes(tmp_path / "b", drop)) == DROP_CALLS


@pytest.mark.parametrize("at", range(RENAME_CALLS))
def test_a_killed_renaming_leaves_one_whole_model_and_is_completed(tmp_path: Path, at: int) -> None:
    registry = served(tmp_path)
    with pytest.raises(Killed):
        rename(open_registry(tmp_path, connect([], at)))
    (found,) = registry.models()
    assert found.name in (RANK, NEW)
    assert [c.name for c in registry.checkpoints(found.name)] == ["v1", "v1", "v1_export"]
    export = registry.checkpoint(found.name, "v1_export")
    assert registry.service("rank") == registry.aliases(found.name)["prod"] == export
    work = register(registry, tmp_path, "between", of=found.name)
    if found.name == NEW:
        registry.put_model(model())
        register(registry, tmp_path, "v1", key="meanwhile")
        registry.drop_model(RANK)
    rename(registry)
    assert [str(m.name) for m in registry.models()] == ["Ranker"]
    assert registry.service("rank") == registry.checkpoint(NEW, "v1_export")
    assert registry.put_model(model()), "the old name is free"
    register(registry, tmp_path, "v1", key="new")
    registry.drop_model(RANK)
    assert all((Path(c.uri) / "weights.bin").is_file() for c in registry.checkpoints(NEW))
    assert registry.checkpoint(NEW, "between") == replace(work, model=NEW)


@pytest.mark.parametrize("at", range(DROP_CALLS))
def test_a_killed_drop_of_a_checkpoint_is_completed(tmp_path: Path, at: int) -> None:
    registry = served(tmp_path)
    with pytest.raises(Killed):
        drop(open_registry(tmp_path, connect([], at)))
    assert all((Path(c.uri) / "weights.bin").is_file() for c in registry.checkpoints(RANK))
    drop(registry)
    (kept,) = registry.checkpoints(RANK)
    assert kept.name == "v1_export"
    assert list((tmp_path / "models").rglob("weights.bin")) == [Path(kept.uri) / "weights.bin"]
    client = open_registry(tmp_path)._store.client
    experiment = client.get_experiment_by_name("sqlrec/sqlrec.default.rank_model").experiment_id
    assert len(client.search_runs([experiment])) == 1


@pytest.mark.parametrize("at", range(DROP_CALLS))
def test_work_that_comes_back_after_a_killed_drop_is_whole(tmp_path: Path, at: int) -> None:
    registry = served(tmp_path)
    with pytest.raises(Killed):
        drop(open_registry(tmp_path, connect([], at)))
    again = register(registry, tmp_path, "v1", key="run1")
    assert (Path(again.uri) / "weights.bin").read_text() == "v1"
    drop(registry)
    assert [c.name for c in registry.checkpoints(RANK)] == ["v1_export"]


@pytest.mark.parametrize("at", range(3))
def test_a_killed_replacement_of_a_function_keeps_one(tmp_path: Path, at: int) -> None:
    old = FunctionSpec(name="recall", inputs=(), returns="t", source="RETURN t")
    new = replace(old, returns="u", source="RETURN u")
    registry = open_registry(tmp_path)
    registry.put_function(old)
    with pytest.raises(Killed):
        open_registry(tmp_path, connect([], at)).put_function(new, replace=True)
    assert registry.functions() in ((old,), (new,))
    registry.put_function(new, replace=True)
    assert registry.functions() == (new,)
    registry.drop_function("recall")
    assert registry.functions() == (), "nothing older comes back"
