"""One picture of several checkpoints: the same curve of each, as their reports hold it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sqlrec.artifacts.durable import writing
from sqlrec.errors import DataError
from sqlrec.models.measuring.canvas import GREY, LINES, STYLES, label, legend, save, short
from sqlrec.models.measuring.report import EVALUATION

DRAWN = (
    ("roc", "fpr", "tpr", "ROC curves", "false positive rate", "true positive rate"),
    ("recall_at_k", "k", "recall", "Recall@k", "k, the nearest items", "recall@k"),
    ("ndcg_at_k", "k", "ndcg", "NDCG@k within groups", "k, the first rows of a group", "NDCG@k"),
)
"""Curves of reports that are drawn, the first that all have: name, its columns, title and axes."""
LOSSES = ("loss", "logloss", "rmse", "ndcg_10")
"""Curves of trainings that are drawn where reports have none in common."""

Document = Mapping[str, Any]


def overlay(folders: Mapping[str, Path], path: Path) -> None:
    """Draw the same curve of the checkpoints in ``folders``, by name, into the PNG file ``path``.

    Raises ``DataError`` SR563 when a checkpoint has no ``evaluation.json`` or they have no curve in common,
    and ``SetupError`` SR703 for a file that cannot be written.
    """
    documents = {name: _read(name, folder) for name, folder in folders.items()}
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        save(path, partial(_paint, documents))


def _read(name: str, folder: Path) -> Document:
    try:
        document: Document = json.loads((folder / EVALUATION).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            "SR563",
            f"checkpoint {name} has no curves: {EVALUATION} cannot be read",
            hint="training checkpoints have them, exports do not; compare without --plot",
        ) from error
    return document


def _paint(documents: Mapping[str, Document], axes: Any) -> None:
    for curve, x, y, *texts in DRAWN:
        found = {name: _curve(document, curve) for name, document in documents.items()}
        if all(found.values()):
            label(axes, *texts)
            _lines(axes, {name: (values[x], values[y]) for name, values in found.items()})
            if curve == "roc":
                axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1)
            else:
                axes.set_xscale("log")
            axes.set_ylim(0, 1.02)
            return
    for metric in LOSSES:
        trained = {name: _points(document, metric) for name, document in documents.items()}
        if all(steps for steps, _ in trained.values()):
            label(axes, "Training", "optimiser step or round", metric)
            _lines(axes, trained)
            return
    raise DataError(
        "SR563",
        f"checkpoints {', '.join(documents)} have no curve in common",
        hint="compare checkpoints trained for the same objective, or without --plot",
    )


def _curve(document: Document, name: str) -> Mapping[str, Sequence[float]]:
    curves: Mapping[str, Mapping[str, Sequence[float]]] = (document.get("validation") or {}).get("curves", {})
    return curves.get(name, {})


def _points(document: Document, name: str) -> tuple[list[float], list[float]]:
    found = [point for point in document.get("curves", ()) if point["name"] == name]
    return [point["step"] for point in found], [point["value"] for point in found]


def _lines(axes: Any, lines: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> None:
    for number, (name, (x, y)) in enumerate(lines.items()):
        colour, style = LINES[number % len(LINES)], STYLES[number % len(STYLES)]
        axes.plot(x, y, color=colour, linestyle=style, linewidth=2, label=short(name))
    legend(axes)
