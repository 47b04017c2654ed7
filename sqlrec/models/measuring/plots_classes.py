"""Pictures of models that tell classes apart: ROC, precision-recall, calibration, scores, confusion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from sqlrec.models.measuring.canvas import BLUE, GREY, INK, label, legend, short, thousands, unit_square
from sqlrec.models.measuring.objectives import Curve, Report

Painter = Callable[[Any, Curve, Report, str], None]
"""Draws a curve of a report on an axes; the last argument is the label it is of, where there are several."""

LONGEST_LABEL, LONGEST_CLASS = 20, 16
WRITTEN_CLASSES = 12
"""Most classes whose counts are written into the fields of a confusion matrix."""


def _number(report: Report, metric: str, of: str) -> float:
    return report.numbers[f"{metric}.{of}" if of else metric]


def _title(text: str, of: str) -> str:
    return f"{short(of, LONGEST_LABEL)} · {text}" if of else text


def _roc(axes: Any, curve: Curve, report: Report, of: str) -> None:
    title = _title(f"ROC curve · AUC {_number(report, 'auc', of):.4f}", of)
    label(axes, title, "false positive rate", "true positive rate")
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="chance")
    axes.plot(curve["fpr"], curve["tpr"], color=BLUE, linewidth=2, label="model")
    axes.fill_between(curve["fpr"], curve["tpr"], color=BLUE, alpha=0.08, linewidth=0)
    unit_square(axes)
    legend(axes, "lower right")


def _precision_recall(axes: Any, curve: Curve, report: Report, of: str) -> None:
    base = curve["precision"][-1]
    found = _number(report, "average_precision", of)
    label(axes, _title(f"Precision and recall · average precision {found:.4f}", of), "recall", "precision")
    axes.axhline(base, color=GREY, linestyle="--", linewidth=1, label=f"share of positives {base:.3f}")
    axes.plot(curve["recall"], curve["precision"], color=BLUE, linewidth=2, label="model")
    unit_square(axes)
    legend(axes, "lower left" if base < 0.6 else "best")


def _calibration(axes: Any, curve: Curve, report: Report, of: str) -> None:
    title = _title(f"Calibration · mean error {_number(report, 'calibration_error', of):.4f}", of)
    label(axes, title, "predicted probability", "observed share of positives")
    top = max(*curve["predicted"], *curve["observed"]) * 1.05 or 1.0
    axes.plot([0, top], [0, top], color=GREY, linestyle="--", linewidth=1, label="perfect")
    axes.plot(
        curve["predicted"],
        curve["observed"],
        color=BLUE,
        marker="o",
        markersize=4,
        linewidth=1.5,
        label="model",
    )
    axes.set_xlim(0, top)
    axes.set_ylim(0, top)
    legend(axes, "upper left")


def _scores(axes: Any, curve: Curve, report: Report, of: str) -> None:
    rows = round(sum(curve["negatives"]) + sum(curve["positives"]))
    label(axes, _title(f"Scores of {rows:,} rows", of), "predicted probability", "rows")
    for name, colour, number in (("negatives", GREY, 0), ("positives", BLUE, 1)):
        axes.stairs(curve[name], curve["edges"], fill=True, color=colour, alpha=0.45)
        axes.stairs(curve[name], curve["edges"], color=colour, linewidth=1.5, label=f"label {number}")
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom=0)
    thousands(axes.yaxis)
    legend(axes)


def _confusion(axes: Any, curve: Curve, report: Report, of: str) -> None:
    del of
    counts, names = (
        np.asarray(curve["counts"], np.float64),
        [short(str(c), LONGEST_CLASS) for c in curve["classes"]],
    )
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    title = f"Confusion · accuracy {report.numbers['accuracy']:.4f} · {report.rows:,} rows"
    label(axes, title, "predicted class", "true class")
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    size = 9 if len(names) <= WRITTEN_CLASSES else 6
    is_long = max(map(len, names)) * len(names) > 60
    axes.set_xticks(range(len(names)), names, fontsize=size, rotation=90 if is_long else 0)
    axes.set_yticks(range(len(names)), names, fontsize=size)
    axes.grid(visible=False)
    if len(names) <= WRITTEN_CLASSES:
        for row, column in np.ndindex(*counts.shape):
            colour = "white" if share[row, column] > 0.55 else INK
            text = f"{counts[row, column]:,.0f}"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.9)
    bar.set_label("share of the true class", color=INK, fontsize=9)
    bar.ax.tick_params(labelsize=8, colors=INK)
    bar.outline.set_visible(False)


CLASS_PAINTERS: Mapping[str, Painter] = {
    "roc": _roc,
    "precision_recall": _precision_recall,
    "calibration": _calibration,
    "scores": _scores,
    "confusion": _confusion,
}
