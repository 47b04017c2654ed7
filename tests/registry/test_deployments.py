"""Two machines that record a deployment on one server at the same moment."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlrec.registry.registry import DeployAction, Deployment, ModelRegistry
from sqlrec.spec.model import Checkpoint
from tests.mortal import two_machines
from tests.registries import model, open_registry, register


def begin(registry: ModelRegistry, checkpoint: Checkpoint, key: str) -> Deployment:
    return registry.begin(
        service="rank", action=DeployAction.DEPLOY, checkpoint=checkpoint, key=key, options={}
    )


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    registry = open_registry(tmp_path)
    registry.put_model(model())
    return register(registry, tmp_path)


def test_the_one_who_comes_late_takes_the_next_revision(tmp_path: Path, checkpoint: Checkpoint) -> None:
    slow, rival = two_machines(tmp_path, lambda rival: begin(rival, checkpoint, "theirs"))
    assert begin(slow, checkpoint, "mine").revision == 2
    assert [(d.revision, d.key) for d in rival.history("rank")] == [(1, "theirs"), (2, "mine")]


def test_the_same_work_is_recorded_once(tmp_path: Path, checkpoint: Checkpoint) -> None:
    slow, rival = two_machines(tmp_path, lambda rival: begin(rival, checkpoint, "same"))
    entry = begin(slow, checkpoint, "same")
    assert rival.history("rank") == (entry,)
