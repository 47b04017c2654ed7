"""Registration cut short before each of its calls, then retried: always one version, and nothing besides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sqlrec.registry.client import client_of
from sqlrec.registry.registry import DeployAction, DeployState
from tests.mortal import Killed, Mortal, connect
from tests.registries import RANK, model, open_registry, register, uri

CALLS = 13
"""Writing calls of a registration; a test holds the number."""


def traces(folder: Path) -> tuple[int, int, int, int]:
    """Versions, logged models, active runs and file folders of logged models that exist."""
    client = client_of(uri(folder))
    experiment = client.get_experiment_by_name("sqlrec/sqlrec.default.rank_model").experiment_id
    return (
        len(client.search_model_versions("name = 'sqlrec.default.rank_model'")),
        len(client.search_logged_models([experiment])),
        len(client.search_runs([experiment])),
        len(list((folder / "models").glob("sqlrec/default/rank_model/models/*/artifacts/MLmodel"))),
    )


def test_the_number_of_calls(tmp_path: Path) -> None:
    open_registry(tmp_path).put_model(model())
    clients: list[Mortal] = []
    register(open_registry(tmp_path, connect(clients, 1000)), tmp_path)
    assert len(clients[0].calls) == CALLS
    assert clients[0].calls[-1] == "create_model_version", "what makes it visible comes last"


@pytest.mark.parametrize("at", range(CALLS))
def test_a_killed_registration_is_completed_by_the_retry(tmp_path: Path, at: int) -> None:
    registry = open_registry(tmp_path)
    registry.put_model(model())
    with pytest.raises(Killed):
        register(open_registry(tmp_path, connect([], at)), tmp_path)
    assert registry.checkpoints(RANK) == (), "nothing is visible before it is complete"
    made = register(registry, tmp_path)
    assert registry.checkpoints(RANK) == (made,)
    assert traces(tmp_path) == (1, 1, 1, 1)
    assert register(registry, tmp_path) == made


def test_killed_at_every_call_one_after_the_other(tmp_path: Path) -> None:
    registry = open_registry(tmp_path)
    registry.put_model(model())
    for at in range(CALLS):
        try:
            register(open_registry(tmp_path, connect([], at)), tmp_path)
        except Killed:
            continue
        break
    made = register(registry, tmp_path)
    assert registry.checkpoints(RANK) == (made,)
    assert traces(tmp_path) == (1, 1, 1, 1)


def test_a_rerun_job_replaces_what_a_killed_registration_left(tmp_path: Path) -> None:
    registry = open_registry(tmp_path)
    registry.put_model(model())
    with pytest.raises(Killed):
        register(open_registry(tmp_path, connect([], CALLS - 1)), tmp_path / "first", key="k")
    made = register(registry, tmp_path / "second", "v1b", key="k")
    assert (Path(made.uri) / "weights.bin").read_text() == "v1b"
    assert traces(tmp_path) == (1, 1, 1, 1)


@pytest.mark.parametrize("at", range(4))
def test_a_killed_deployment_is_completed_by_the_retry(tmp_path: Path, at: int) -> None:
    registry = open_registry(tmp_path)
    registry.put_model(model())
    first = register(registry, tmp_path, "v1")
    second = register(registry, tmp_path, "v2")

    def deploy(through: Any, checkpoint: Any, key: str) -> None:
        entry = through.begin(
            service="rank", action=DeployAction.DEPLOY, checkpoint=checkpoint, key=key, options={}
        )
        through.finish(entry, url="u")

    deploy(registry, first, "run1")
    with pytest.raises(Killed):
        deploy(open_registry(tmp_path, connect([], at)), second, "run2")
    assert registry.service("rank") in (first, second)
    deploy(registry, second, "run2")
    assert registry.service("rank") == second
    assert [d.state for d in registry.history("rank")] == [DeployState.FINISHED] * 2


@pytest.mark.parametrize("at", range(3))
def test_a_killed_replacement_keeps_one_whole_definition(tmp_path: Path, at: int) -> None:
    old, new = model(), model(embedding_dim=8)
    registry = open_registry(tmp_path)
    registry.put_model(old)
    with pytest.raises(Killed):
        open_registry(tmp_path, connect([], at)).put_model(new, replace=True)
    assert registry.model(RANK) in (old, new)
    registry.put_model(new, replace=True)
    assert registry.model(RANK) == new
