"""Two machines that record a deployment on one server at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlrec.registry.client import client_of
from sqlrec.registry.mlflow import MlflowRegistry
from sqlrec.registry.registry import DeployAction, Deployment, ModelRegistry
from sqlrec.spec.model import Checkpoint
from tests.registries import model, open_registry, register


class Overtaken:
    """A client before whose first new run something else happens."""

    def __init__(self, inner: Any, first: Callable[[], object]) -> None:
        self._inner = inner
        self._first: Callable[[], object] | None = first

    def __getattr__(self, name: str) -> Any:
        if name == "create_run" and self._first is not None:
            first, self._first = self._first, None
            first()
        return getattr(self._inner, name)


def begin(registry: ModelRegistry, checkpoint: Checkpoint, key: str) -> Deployment:
    return registry.begin(
        service="rank", action=DeployAction.DEPLOY, checkpoint=checkpoint, key=key, options={}
    )


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    registry = open_registry(tmp_path)
    registry.put_model(model())
    return register(registry, tmp_path)


def two_machines(
    folder: Path, first: Callable[[ModelRegistry], object]
) -> tuple[ModelRegistry, ModelRegistry]:
    """Registries that share a database but no lock, as machines share a server."""
    place, files = f"sqlite+pysqlite:///{folder / 'mlflow.db'}", str(folder / "models")
    rival = MlflowRegistry(place, files)
    slow = MlflowRegistry(place, files, connect=lambda uri: Overtaken(client_of(uri), lambda: first(rival)))
    return slow, rival


def test_the_one_who_comes_late_takes_the_next_revision(tmp_path: Path, checkpoint: Checkpoint) -> None:
    slow, rival = two_machines(tmp_path, lambda rival: begin(rival, checkpoint, "theirs"))
    assert begin(slow, checkpoint, "mine").revision == 2
    assert [(d.revision, d.key) for d in rival.history("rank")] == [(1, "theirs"), (2, "mine")]


def test_the_same_work_is_recorded_once(tmp_path: Path, checkpoint: Checkpoint) -> None:
    slow, rival = two_machines(tmp_path, lambda rival: begin(rival, checkpoint, "same"))
    entry = begin(slow, checkpoint, "same")
    assert rival.history("rank") == (entry,)
