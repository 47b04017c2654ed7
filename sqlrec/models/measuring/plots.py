"""Pictures of a training or an evaluation: loss, ROC, precision-recall, calibration and scores, as PNG files.

Drawn on bare figures with the Agg canvas: no display, no global pyplot state, the same bytes each time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from sqlrec.models.measuring.metrics import Evaluation
from sqlrec.spec.job import CurvePoint

BLUE, ORANGE, GREY, INK = "#2f6fb0", "#d9772b", "#9aa3ad", "#2b3138"
SIZE, DPI = (6.4, 4.2), 120


def draw(folder: Path, curves: Sequence[CurvePoint], evaluation: Evaluation | None) -> None:
    """Write ``loss`` of curves; of an evaluation ``roc``, ``precision_recall``, ``calibration``, ``scores``.

    ROC and precision-recall are left out when all labels are equal. The folder is created.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if curves:
        _save(folder / "loss.png", lambda axes: _loss(axes, curves))
    if evaluation is None:
        return
    _save(folder / "calibration.png", lambda axes: _calibration(axes, evaluation))
    _save(folder / "scores.png", lambda axes: _scores(axes, evaluation))
    if evaluation.roc is not None and evaluation.precision_recall is not None:
        _save(folder / "roc.png", lambda axes: _roc(axes, evaluation))
        _save(folder / "precision_recall.png", lambda axes: _precision_recall(axes, evaluation))


def _save(path: Path, paint: Callable[[Any], None]) -> None:
    figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    paint(axes)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.tick_params(colors=INK, labelsize=9)
    axes.grid(visible=True, color="#e6e9ec", linewidth=0.8)
    axes.set_axisbelow(True)
    figure.savefig(path, metadata={"Software": None})


def _label(axes: Any, title: str, x: str, y: str) -> None:
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold", color=INK)
    axes.set_xlabel(x, color=INK)
    axes.set_ylabel(y, color=INK)


def _unit_square(axes: Any) -> None:
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.005)


def _loss(axes: Any, curves: Sequence[CurvePoint]) -> None:
    loss = [p for p in curves if p.name == "loss"]
    measured = [p for p in curves if p.name == "logloss"]
    _label(axes, "Training loss", "optimiser step", "log-loss")
    steps = [p.step for p in loss]
    axes.plot(steps, [p.value for p in loss], color=GREY, linewidth=1, alpha=0.8, label="training, by step")
    axes.plot(steps, _smoothed([p.value for p in loss]), color=BLUE, linewidth=2, label="training, smoothed")
    if measured:
        per_epoch = steps[-1] / max(p.step for p in measured) if steps else 1
        axes.plot(
            [p.step * per_epoch for p in measured],
            [p.value for p in measured],
            color=ORANGE,
            marker="o",
            linewidth=1.5,
            label="validation, by epoch",
            clip_on=False,
        )
    axes.legend(frameon=False, fontsize=9)


def _smoothed(values: Sequence[float], weight: float = 0.8) -> list[float]:
    """Exponential moving average, corrected for its start."""
    smooth, total, out = 0.0, 0.0, []
    for value in values:
        smooth = weight * smooth + (1 - weight) * value
        total = weight * total + (1 - weight)
        out.append(smooth / total)
    return out


def _roc(axes: Any, evaluation: Evaluation) -> None:
    curve = evaluation.roc or {}
    _label(axes, f"ROC curve · AUC {evaluation.auc:.4f}", "false positive rate", "true positive rate")
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="chance")
    axes.plot(curve["fpr"], curve["tpr"], color=BLUE, linewidth=2, label="model")
    axes.fill_between(curve["fpr"], curve["tpr"], color=BLUE, alpha=0.08, linewidth=0)
    _unit_square(axes)
    axes.legend(frameon=False, fontsize=9, loc="lower right")


def _precision_recall(axes: Any, evaluation: Evaluation) -> None:
    curve = evaluation.precision_recall or {}
    base = evaluation.positives / evaluation.rows
    title = f"Precision and recall · average precision {evaluation.average_precision:.4f}"
    _label(axes, title, "recall", "precision")
    axes.axhline(base, color=GREY, linestyle="--", linewidth=1, label=f"share of positives {base:.3f}")
    axes.plot(curve["recall"], curve["precision"], color=BLUE, linewidth=2, label="model")
    _unit_square(axes)
    axes.legend(frameon=False, fontsize=9, loc="lower left")


def _calibration(axes: Any, evaluation: Evaluation) -> None:
    bins = evaluation.calibration
    title = f"Calibration · mean error {evaluation.calibration_error:.4f}"
    _label(axes, title, "predicted probability", "observed share of positives")
    top = max(*bins["predicted"], *bins["observed"]) * 1.05 or 1.0
    axes.plot([0, top], [0, top], color=GREY, linestyle="--", linewidth=1, label="perfect")
    axes.plot(
        bins["predicted"],
        bins["observed"],
        color=BLUE,
        marker="o",
        markersize=4,
        linewidth=1.5,
        label="model",
    )
    axes.set_xlim(0, top)
    axes.set_ylim(0, top)
    axes.legend(frameon=False, fontsize=9, loc="upper left")


def _scores(axes: Any, evaluation: Evaluation) -> None:
    counts = evaluation.histogram
    edges = counts["edges"]
    _label(axes, f"Scores of {evaluation.rows:,} rows", "predicted probability", "rows")
    for name, colour in (("negatives", GREY), ("positives", BLUE)):
        axes.stairs(counts[name], edges, fill=True, color=colour, alpha=0.45)
        axes.stairs(
            counts[name], edges, color=colour, linewidth=1.5, label=f"label {int(name == 'positives')}"
        )
    axes.set_xlim(0, 1)
    axes.legend(frameon=False, fontsize=9)
