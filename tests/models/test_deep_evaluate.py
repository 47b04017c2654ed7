"""Evaluating a checkpoint: the trained model and its export are measured alike, and as training measured."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

from sqlrec.errors import DataError, SchemaError, StateError
from sqlrec.models.deep import checkpoint
from sqlrec.models.deep.evaluate import evaluate
from sqlrec.models.deep.export import export
from sqlrec.models.deep.train import train
from sqlrec.models.measuring import evaluation as program
from sqlrec.spec.job import EvaluateWork, ExportWork, JobResult, TrainWork
from sqlrec.spec.model import CheckpointKind
from sqlrec.spec.options import Parsed
from sqlrec.spec.table import Relation

pytestmark = pytest.mark.ml
MakeWork = Callable[..., TrainWork]


def silent(message: str, *, done: float | None = None) -> None:
    del message, done


@dataclass(frozen=True)
class Made:
    """A trained model, where its export goes, and what training said of the rows it is evaluated on."""

    work: TrainWork
    origin: Path
    exported: Path
    result: JobResult
    held_out: pa.Table

    def measure(
        self,
        output: Path,
        options: Mapping[str, Parsed] | None = None,
        *,
        kind: CheckpointKind = CheckpointKind.ORIGIN,
        data: Relation | None = None,
    ) -> JobResult:
        """Evaluate into a new folder."""
        output.mkdir()
        assert self.work.validation is not None
        work = EvaluateWork(
            model=self.work.model,
            checkpoint="v1",
            kind=kind,
            source_uri=str(self.origin if kind is CheckpointKind.ORIGIN else self.exported),
            data=data or self.work.validation,
            options=options or {"metrics": ("auc", "logloss", "accuracy")},
        )
        return evaluate(work, output, silent)


@pytest.fixture
def made(tmp_path: Path, clicks: Callable[..., pa.Table], make_work: MakeWork) -> Made:
    held_out = clicks(300, seed=1)
    work = make_work(clicks(600), validation=held_out)
    origin = tmp_path / "v1"
    origin.mkdir()
    return Made(work, origin, tmp_path / "v1_export", train(work, origin, silent), held_out)


@pytest.fixture
def exported(made: Made) -> Made:
    """The same, with its export."""
    made.exported.mkdir()
    source = ExportWork(model=made.work.model, checkpoint="v1", source_uri=str(made.origin))
    export(source, made.exported, silent)
    return made


def test_both_kinds_of_checkpoint_measure_what_training_did(exported: Made, tmp_path: Path) -> None:
    origin = exported.measure(tmp_path / "a")
    after = exported.measure(tmp_path / "b", kind=CheckpointKind.EXPORT)
    assert (origin.rows, list(origin.metrics)) == (300, ["auc", "logloss", "accuracy"])
    for name in ("auc", "logloss"):
        assert origin.metrics[name] == exported.result.metrics[name]
        assert after.metrics[name] == pytest.approx(origin.metrics[name], abs=1e-4)
    labels = exported.held_out["label"].to_numpy()
    scores = checkpoint.load(exported.origin).predict(exported.held_out)[0]
    assert origin.metrics["auc"] == pytest.approx(roc_auc_score(labels, scores))
    assert origin.metrics["accuracy"] == np.mean((scores >= 0.5) == labels)


def test_it_leaves_numbers_and_plots(exported: Made, tmp_path: Path) -> None:
    exported.measure(tmp_path / "a", kind=CheckpointKind.EXPORT)
    assert json.loads((tmp_path / "a" / "evaluation.json").read_text())["validation"]["rows"] == 300
    plots = {path.stem for path in (tmp_path / "a" / "plots").iterdir()}
    assert plots == {"roc", "precision_recall", "calibration", "scores"}


def test_int8_is_measured_when_asked_for(exported: Made, tmp_path: Path) -> None:
    made_of = {
        v: exported.measure(tmp_path / v, {"metrics": ("logloss",), "variant": v}, kind=CheckpointKind.EXPORT)
        for v in ("fp32", "int8")
    }
    assert made_of["fp32"].metrics["logloss"] != made_of["int8"].metrics["logloss"]
    (exported.exported / "signature.json").write_text(
        (exported.exported / "signature.json").read_text().replace('"int8"', '"int4"')
    )
    with pytest.raises(StateError, match=r"SR672.*no variant 'int8'.*Did you mean 'int4'"):
        exported.measure(tmp_path / "c", {"variant": "int8"}, kind=CheckpointKind.EXPORT)


def test_rows_come_in_blocks_and_groups_keep_their_numbers(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Parsed] = {"metrics": ("auc", "gauc"), "group_column": "USER"}
    whole = made.measure(tmp_path / "a", options)
    blocks = program._blocks
    monkeypatch.setattr(
        program,
        "_blocks",
        lambda engine, chosen: (t.slice(i, 7) for t in blocks(engine, chosen) for i in range(0, len(t), 7)),
    )
    assert made.measure(tmp_path / "b", options).metrics == whole.metrics
    users, labels = made.held_out["user"].to_numpy(), made.held_out["label"].to_numpy()
    scores = checkpoint.load(made.origin).predict(made.held_out)[0]
    parts = [(users == user) for user in set(users.tolist())]
    ranked = [part for part in parts if len(set(labels[part].tolist())) == 2]
    expected = np.average(
        [roc_auc_score(labels[part], scores[part]) for part in ranked],
        weights=[part.sum() for part in ranked],
    )
    assert whole.metrics["gauc"] == pytest.approx(float(expected))


def test_what_one_class_does_not_define_is_told(made: Made, tmp_path: Path) -> None:
    assert made.work.validation is not None
    ones = replace(made.work.validation, query="SELECT * FROM held_out WHERE label = 1")
    result = made.measure(tmp_path / "a", data=ones)
    assert list(result.metrics) == ["logloss", "accuracy"]
    assert result.warnings == ("AUC is undefined on these rows",)


@pytest.mark.parametrize(
    ("query", "options", "kind", "says"),
    [
        ("SELECT * FROM held_out WHERE user < 0 -- none", {}, DataError, r"SR451.*held_out has no rows"),
        ("SELECT * EXCLUDE (shop) FROM held_out", {}, SchemaError, r"SR450.*no column 'shop'"),
        ("SELECT * EXCLUDE (label), 2 AS label FROM held_out", {}, DataError, "SR454.*holds 2"),
        (
            "SELECT * FROM held_out",
            {"group_column": "usr"},
            SchemaError,
            r"SR450.*'usr'.*Did you mean 'user'",
        ),
        ("SELECT * FROM held_out", {"group_column": "tags"}, SchemaError, r"SR534.*'tags' is list<"),
    ],
)
def test_rows_that_cannot_be_measured(
    made: Made, tmp_path: Path, query: str, options: dict[str, Parsed], kind: type[Exception], says: str
) -> None:
    assert made.work.validation is not None
    data = replace(made.work.validation, query=query)
    with pytest.raises(kind, match=says):
        made.measure(tmp_path / "a", {"metrics": ("auc",), **options}, data=data)
