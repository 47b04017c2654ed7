"""What a registry and a predictions table hold, for comparison: without times, ids and places."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow import MlflowClient

from sqlrec.artifacts.folder import RESULT, digests
from sqlrec.registry.mlflow import MlflowRegistry
from sqlrec.spec import codec
from sqlrec.spec.model import Checkpoint
from sqlrec.spec.names import ModelName
from tests.e2e.whole_project import Project, rows_of

State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Finished:
    """A project in which ``rank.sql`` has run once, undisturbed, what that printed and left."""

    project: Project
    report: dict[str, Any]
    checkpoints: list[dict[str, Any]]
    state: State


def state_of(project: Project) -> State:
    """Models, checkpoints with their files, runs, the service with its history, and the scored rows."""
    uri = f"sqlite:///{project.state / 'mlflow.db'}"
    registry, client = MlflowRegistry(uri, str(project.state / "models")), MlflowClient(uri, uri)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    served = registry.service("rank")
    return {
        "models": [codec.encode(model) for model in registry.models()],
        "checkpoints": [_checkpoint(c) for c in registry.checkpoints(ModelName.of("rank_model"))],
        "runs": sorted((run.info.run_name, run.info.status) for run in client.search_runs(experiments)),
        "folders": len(list((project.state / "models").glob("**/artifacts"))),
        "served": served and (served.version, served.name),
        "deployments": [
            (d.revision, d.action, d.state, d.version, d.checkpoint, d.previous)
            for d in registry.history("rank")
        ],
        "predictions": rows_of(project.folder / "data" / "predictions").to_pylist(),
        "tables": sorted(path.name for path in (project.folder / "data").iterdir()),
    }


def _checkpoint(found: Checkpoint) -> dict[str, Any]:
    """A version and its files, all but those that tell when they were made."""
    files = digests(Path(found.uri))
    return {
        "version": found.version,
        "name": found.name,
        "kind": found.kind,
        "status": found.status,
        "parent": (found.parent, found.parent_version),
        "files": {name: files[name] for name in files if name not in (RESULT, "MLmodel")},
        "digest": found.digest,
    }
