"""Plots are real PNG files, the same bytes each time, and only those that mean something."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sqlrec.models.measuring import plots
from sqlrec.models.measuring.objectives import Report, report_of
from sqlrec.models.measuring.report import write_report
from sqlrec.models.objective import Objective
from sqlrec.spec.job import CurvePoint

STEPS = [CurvePoint(name="loss", step=s, value=1 / s) for s in range(1, 30)] + [
    CurvePoint(name="logloss", step=1, value=0.4)
]
ROUNDS = [
    CurvePoint(name=name, step=s, value=1 / s)
    for s in range(1, 30)
    for name in ("train_logloss", "logloss", "auc")
]
OF_LABELS = {"roc", "precision_recall", "calibration", "scores"}


def _report(labels: list[int]) -> Report:
    return report_of(Objective.BINARY, labels, (np.linspace(0, 1, len(labels)),))


def _names(folder: Path) -> set[str]:
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in folder.iterdir())
    return {path.stem for path in folder.iterdir()}


def test_draws_every_plot_of_a_full_report(tmp_path: Path) -> None:
    plots.draw(tmp_path, STEPS, _report([0, 1, 0, 1, 1]))
    assert _names(tmp_path) == {"loss", *OF_LABELS}


def test_several_labels_have_plots_each(tmp_path: Path) -> None:
    scores = np.linspace(0, 1, 4)
    labels = np.array([[0, 1], [1, 1], [0, 1], [1, 1]])
    plots.draw(tmp_path, (), report_of(Objective.BINARY, labels, (scores, scores), label_names=("a", "b")))
    assert _names(tmp_path) == {*(f"{n}.a" for n in OF_LABELS), "calibration.b", "scores.b"}


def test_same_numbers_give_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        plots.draw(tmp_path / name, STEPS, _report([0, 1, 0, 1, 1]))
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_one_class_has_no_ranking_plots(tmp_path: Path) -> None:
    plots.draw(tmp_path, STEPS, _report([0, 0, 0]))
    assert _names(tmp_path) == {"loss", "calibration", "scores"}


def test_without_report_there_is_only_the_loss(tmp_path: Path) -> None:
    plots.draw(tmp_path, STEPS[:1], None)
    assert _names(tmp_path) == {"loss"}


def test_rounds_of_a_training_are_drawn_with_the_metric_that_decides(tmp_path: Path) -> None:
    plots.draw(tmp_path / "a", ROUNDS, _report([0, 1]))
    assert {"loss", "validation"} <= _names(tmp_path / "a")
    plots.draw(
        tmp_path / "c",
        [CurvePoint(name=n, step=s, value=s) for s in (1, 2) for n in ("ndcg", "train_ndcg")],
        None,
    )
    assert _names(tmp_path / "c") == {"validation"}
    plots.draw(tmp_path / "b", [p for p in ROUNDS if p.name == "auc"][:1], _report([0, 1]))
    assert not {"loss", "validation"} & _names(tmp_path / "b")


def test_importance_is_drawn_when_anything_matters(tmp_path: Path) -> None:
    plots.draw(tmp_path / "a", (), None, {f"feature {i}": 1 / (i + 1) for i in range(40)})
    plots.draw(tmp_path / "b", (), None, {"a": 0.0})
    assert (_names(tmp_path / "a"), _names(tmp_path / "b")) == ({"importance"}, set())


@pytest.mark.parametrize(
    ("objective", "drawn"),
    [
        (Objective.MULTICLASS, {"confusion"}),
        (Objective.REGRESSION, {"residuals", "predicted"}),
        (Objective.RANKING, {"ndcg_at_k"}),
        (Objective.RETRIEVAL, {"recall_at_k"}),
        (Objective.CLUSTERING, {"cluster_sizes"}),
        (Objective.TRANSFORM, {"components"}),
    ],
)
@pytest.mark.parametrize("rows", [1, 90])
def test_every_objective_has_its_plots(
    tmp_path: Path, objective: Objective, drawn: set[str], rows: int
) -> None:
    rng = np.random.default_rng(0)
    wide = rng.random((rows, 4)).astype(np.float32)
    codes = np.ones(rows, int)
    outputs = {
        Objective.RETRIEVAL: (wide, wide),
        Objective.CLUSTERING: (codes, wide[:, 0]),
        Objective.MULTICLASS: (wide,),
        Objective.TRANSFORM: (wide,),
    }.get(objective, (wide[:, 0],))
    report = report_of(objective, codes, outputs, groups=np.arange(rows) // 3)
    write_report(tmp_path, report, ())
    assert _names(tmp_path / "plots") == drawn
    assert json.loads((tmp_path / "evaluation.json").read_text())["validation"]["objective"] == objective
