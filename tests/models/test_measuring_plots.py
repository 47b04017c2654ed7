"""Plots are real PNG files, the same bytes each time, and only those that mean something."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sqlrec.models.measuring import plots
from sqlrec.models.measuring.metrics import Evaluation, evaluate
from sqlrec.spec.job import CurvePoint

CURVES = [CurvePoint(name="loss", step=s, value=1 / s) for s in range(1, 30)] + [
    CurvePoint(name="logloss", step=1, value=0.4)
]


def _evaluation(labels: list[int]) -> Evaluation:
    return evaluate(labels, np.linspace(0, 1, len(labels)))


def _names(folder: Path) -> set[str]:
    return {path.stem for path in folder.iterdir()}


def test_draws_every_plot_of_a_full_evaluation(tmp_path: Path) -> None:
    plots.draw(tmp_path / "a", CURVES, _evaluation([0, 1, 0, 1, 1]))
    assert _names(tmp_path / "a") == {"loss", "roc", "precision_recall", "calibration", "scores"}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in (tmp_path / "a").iterdir())


def test_same_numbers_give_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        plots.draw(tmp_path / name, CURVES, _evaluation([0, 1, 0, 1, 1]))
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_one_class_has_no_ranking_plots(tmp_path: Path) -> None:
    plots.draw(tmp_path, CURVES, _evaluation([0, 0, 0]))
    assert _names(tmp_path) == {"loss", "calibration", "scores"}


def test_without_evaluation_there_is_only_the_loss(tmp_path: Path) -> None:
    plots.draw(tmp_path, CURVES[:1], None)
    assert _names(tmp_path) == {"loss"}
