"""``sqlrec checkpoints compare``: a table, JSON, a picture, and what is no such command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sqlrec.artifacts.folder import publish, staging
from sqlrec.errors import EXIT_FAILED, EXIT_USAGE
from sqlrec.registry.registry import ModelRegistry
from sqlrec.spec.job import JobResult
from sqlrec.spec.model import CheckpointKind
from tests.cli.conftest import Command
from tests.registries import RANK, model, open_registry

ROC = {"fpr": [0.0, 0.5, 1.0], "tpr": [0.0, 0.8, 1.0]}


@pytest.fixture
def registry(project: Path) -> ModelRegistry:
    """Two training checkpoints with reports."""
    state = project / ".sqlrec"
    state.mkdir()
    opened = open_registry(state)
    opened.put_model(model())
    for number, auc in ((1, 0.75), (2, 0.8)):
        folder = state / "jobs" / str(number)
        draft = staging(folder)
        (draft / "evaluation.json").write_text(json.dumps({"validation": {"curves": {"roc": ROC}}}))
        result = publish(
            draft, folder, JobResult(rows=1000, seconds=2.5, metrics={"auc": auc, "logloss": 0.5})
        )
        opened.register(
            model=RANK,
            name=f"v{number}",
            kind=CheckpointKind.ORIGIN,
            folder=folder,
            result=result,
            key=str(number),
            statement=f"TRAIN MODEL rank_model CHECKPOINT = 'v' ON t WITH (num_epochs = {number})",
        )
    return opened


def test_a_comparison_as_table_json_and_picture(
    sqlrec: Command, registry: ModelRegistry, tmp_path: Path
) -> None:
    lines = sqlrec("checkpoints", "compare", "rank_model", "v2", "v1").out.splitlines()
    assert lines[2].split() == ["v2", "v1", "change"]
    cells = {line.split()[0]: line.split()[1:] for line in lines[4:] if line.strip()}
    assert cells["auc"] == ["0.8", "0.75", "-0.05", "▼"]
    assert cells["logloss"] == ["0.5", "0.5", "="]
    assert cells["rows"] == ["1,000", "1,000", "="]
    assert cells["num_epochs"] == ["2", "1"]
    picture = tmp_path / "new" / "both.png"
    told = sqlrec("checkpoints", "compare", "rank_model", "1", "v2", "--json", "--plot", picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    document = json.loads(told.out)
    assert (document["model"], document["checkpoints"]) == ("rank_model", ["v1", "v2"])
    auc = next(row for row in document["rows"] if row["name"] == "auc")
    assert (auc["values"], auc["better"]) == ([0.75, 0.8], [None, True])


def test_what_does_not_exist_and_what_cannot_be_drawn(
    sqlrec: Command, registry: ModelRegistry, tmp_path: Path
) -> None:
    told = sqlrec("checkpoints", "compare", "rank_modle", "v1", "v2")
    assert told.status == EXIT_FAILED
    assert "SR205" in told.err
    assert "Did you mean 'rank_model'?" in told.err
    first = registry.checkpoint(RANK, "v1")
    assert first is not None
    picture = tmp_path / "x.png"
    (Path(first.uri) / "evaluation.json").write_text(json.dumps({"validation": None, "curves": []}))
    told = sqlrec("checkpoints", "compare", "rank_model", "v1", "v2", "--plot", picture)
    assert "error[SR563]: checkpoints v1, v2 have no curve in common" in told.err
    (Path(first.uri) / "evaluation.json").unlink()
    told = sqlrec("checkpoints", "compare", "rank_model", "v1", "v2", "--plot", picture)
    assert "error[SR563]: checkpoint v1 has no curves" in told.err
    assert not picture.exists()


@pytest.mark.parametrize(
    "words",
    [
        ("compare", "rank_model"),
        ("compare", "rank_model", "v1"),
        ("rank_model", "v1", "v2"),
        ("rank_model", "--plot", "x.png"),
        ("compare", "a.b.c.d", "v1", "v2"),
    ],
)
def test_words_that_make_no_command(sqlrec: Command, words: tuple[str, ...]) -> None:
    told = sqlrec("checkpoints", *words)
    assert told.status == EXIT_USAGE
    assert told.err.startswith("usage: sqlrec checkpoints")
