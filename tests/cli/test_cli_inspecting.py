"""``sqlrec models`` and ``sqlrec checkpoints``: what is registered, as tables and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sqlrec.errors import EXIT_FAILED, EXIT_USAGE
from sqlrec.registry.registry import DeployAction
from sqlrec.spec.model import CheckpointKind
from tests.cli.conftest import Command
from tests.registries import RANK, model, open_registry, register

ROW = 4
"""Line of a table's first row, below title and head."""


@pytest.fixture
def registered(project: Path) -> Path:
    """A model with a training checkpoint and an export, which a service serves."""
    state = project / ".sqlrec"
    state.mkdir()
    registry = open_registry(state)
    registry.put_model(model())
    origin = register(registry, state, "v1")
    export = register(registry, state, "v1_export", kind=CheckpointKind.EXPORT, parent=origin)
    entry = registry.begin(service="rank", action=DeployAction.DEPLOY, checkpoint=export, key="k", options={})
    registry.finish(entry, url="http://127.0.0.1:1/predict")
    return project


def test_an_empty_project(sqlrec: Command, project: Path) -> None:
    assert json.loads(sqlrec("models", "--json").out) == []
    told = sqlrec("models")
    assert (told.status, told.out) == (0, f"no models in the project {project}\n")
    assert not (project / ".sqlrec").exists()


def test_models(sqlrec: Command, registered: Path) -> None:
    (found,) = json.loads(sqlrec("models", "--json").out)
    assert found["type"] == "tzrec.wide_and_deep"
    row = sqlrec("models").out.splitlines()[ROW].split()
    assert row == ["rank_model", "tzrec.wide_and_deep", "1", "clicked", "2"]


def test_checkpoints(sqlrec: Command, registered: Path) -> None:
    found = json.loads(sqlrec("checkpoints", "rank_model", "--json").out)
    assert [(c["version"], c["name"], c["kind"]) for c in found] == [
        (1, "v1", "origin"),
        (2, "v1_export", "export"),
    ]
    first, second = sqlrec("checkpoints", "RANK_MODEL").out.splitlines()[ROW : ROW + 2]
    assert first.split()[:6] == ["1", "v1", "origin", "succeeded", "AUC", "0.75"]
    assert second.split()[-1] == "rank"


def test_what_is_shown_has_no_secrets_and_names_aliases(sqlrec: Command, registered: Path) -> None:
    registry = open_registry(registered / ".sqlrec")
    secret = model(RANK)
    registry.put_model(replace(secret, options={**secret.options, "api_key": "secret:k"}), replace=True)
    export = registry.checkpoint(RANK, "v1_export")
    assert export is not None
    registry.set_alias("Prod", export)
    (found,) = json.loads(sqlrec("models", "--json").out)
    assert (found["options"]["api_key"], found["options"]["label_columns"]) == ("******", "clicked")
    assert "@prod" in sqlrec("checkpoints", "rank_model").out
    (origin, _) = json.loads(sqlrec("checkpoints", "rank_model", "--json").out)
    assert (origin["statement"], origin["rows"]) == ("TRAIN MODEL rank_model", 1000)


def test_a_model_that_does_not_exist(sqlrec: Command, registered: Path) -> None:
    told = sqlrec("checkpoints", "rank_modle")
    assert told.status == EXIT_FAILED
    assert told.err.startswith(
        "error[SR205]: model rank_modle does not exist\n  = help: Did you mean 'rank_model'?\n"
    )


@pytest.mark.parametrize("name", ["a.b.c.d", ""])
def test_a_name_that_can_be_none(sqlrec: Command, project: Path, name: str) -> None:
    told = sqlrec("checkpoints", name)
    assert told.status == EXIT_USAGE
    assert f"a model name has one to three parts, not '{name}'" in told.err
