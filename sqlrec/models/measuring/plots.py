"""Pictures of a training or an evaluation, as PNG files: one for each curve that was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sqlrec.models.measuring.canvas import BLUE, GREY, ORANGE, label, legend, save, short
from sqlrec.models.measuring.measures import LOWER_IS_BETTER, TITLES
from sqlrec.models.measuring.objectives import Curve, Report
from sqlrec.models.measuring.plots_classes import CLASS_PAINTERS, Painter
from sqlrec.models.measuring.plots_numbers import NUMBER_PAINTERS
from sqlrec.spec.job import CurvePoint

PAINTERS = {**CLASS_PAINTERS, **NUMBER_PAINTERS}
"""How a curve of a report is drawn, by its name."""
TRAIN = "train_"
"""What the name of a metric of training rows begins with."""
LOSSES = LOWER_IS_BETTER | {"multi_logloss"}
WATCHED = frozenset(TITLES) - LOWER_IS_BETTER | {"ndcg"}
"""Metrics of trainings, as trainers call them: those that fall, and those that rise."""
SHOWN_FEATURES, FEWEST_BARS = 20, 6
SHARE = "share of the importance of all features"


def draw(
    folder: Path,
    curves: Sequence[CurvePoint],
    report: Report | None,
    importance: Mapping[str, float] | None = None,
    importance_is: str = SHARE,
) -> None:
    """Write the pictures of a training and of what was measured; the folder is created.

    ``loss`` and ``validation`` of the training's curves, one of each curve of ``report`` (``roc``; of several
    labels ``roc.click``) and ``importance``, whose axis says what it is. What would show nothing is left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    points = _by_name(curves)
    if loss := _losses(points):
        save(folder / "loss.png", lambda axes: _loss(axes, points, loss))
    if watched := next((n for n in points if n in WATCHED and len(points[n]) > 1), ""):
        save(folder / "validation.png", lambda axes: _validation(axes, points, watched))
    if report is not None:
        _draw_report(folder, report)
    if importance and any(value > 0 for value in importance.values()):
        save(folder / "importance.png", lambda axes: _importance(axes, importance, importance_is))


def _draw_report(folder: Path, report: Report) -> None:
    for name, curve in report.curves.items():
        kind, _, of = name.partition(".")
        if kind in PAINTERS:
            save(folder / f"{name}.png", partial(_paint, PAINTERS[kind], curve, report, of))


def _paint(painter: Painter, curve: Curve, report: Report, of: str, axes: Any) -> None:
    painter(axes, curve, report, of)


def _by_name(curves: Sequence[CurvePoint]) -> dict[str, list[CurvePoint]]:
    found: dict[str, list[CurvePoint]] = {}
    for point in curves:
        found.setdefault(point.name, []).append(point)
    return found


def _losses(points: Mapping[str, Sequence[CurvePoint]]) -> tuple[str, str] | None:
    """Names of the curves of training and validation loss; an empty one where there is none.

    ``loss`` counts optimiser steps; ``train_logloss`` and ``logloss`` count epochs or trees.
    """
    measured = next((name for name in points if name in LOSSES), "")
    if "loss" in points:
        return "loss", measured
    trained = next((name for name in points if name.removeprefix(TRAIN) in LOSSES and name != measured), "")
    return (trained, measured) if trained or measured else None


def _loss(axes: Any, points: Mapping[str, Sequence[CurvePoint]], names: tuple[str, str]) -> None:
    trained, measured = (points.get(name, ()) for name in names)
    by_step = names[0] == "loss"
    title = _titled(names[1] or names[0].removeprefix(TRAIN))
    unit = "optimiser step" if by_step else "epoch or round"
    label(axes, "Training loss", unit, title)
    steps, values = [p.step for p in trained], [p.value for p in trained]
    per_round = 1.0
    if by_step:
        axes.plot(steps, values, color=GREY, linewidth=1, alpha=0.8, label="training, by step")
        axes.plot(steps, _smoothed(values), color=BLUE, linewidth=2, label="training, smoothed")
        per_round = steps[-1] / max(p.step for p in measured) if measured else 1.0
    elif trained:
        axes.plot(steps, values, color=BLUE, linewidth=2, label="training")
    if measured:
        axes.plot(
            [p.step * per_round for p in measured],
            [p.value for p in measured],
            color=ORANGE,
            marker="o" if len(measured) <= SHOWN_FEATURES else None,
            linewidth=1.5,
            label="validation, by epoch" if by_step else "validation",
            clip_on=False,
        )
    legend(axes)


def _smoothed(values: Sequence[float], weight: float = 0.8) -> list[float]:
    """Exponential moving average, corrected for its start."""
    smooth, total, out = 0.0, 0.0, []
    for value in values:
        smooth = weight * smooth + (1 - weight) * value
        total = weight * total + (1 - weight)
        out.append(smooth / total)
    return out


def _validation(axes: Any, points: Mapping[str, Sequence[CurvePoint]], metric: str) -> None:
    measured, trained = points[metric], points.get(TRAIN + metric, ())
    best = max(measured, key=lambda p: p.value)
    title = _titled(metric)
    label(axes, f"Validation {title} · best {best.value:.4f}", "epoch or round", title)
    if trained:
        steps, values = [p.step for p in trained], [p.value for p in trained]
        axes.plot(steps, values, color=GREY, linestyle="--", linewidth=1.5, label="training")
    axes.plot(
        [p.step for p in measured], [p.value for p in measured], color=BLUE, linewidth=2, label="validation"
    )
    axes.plot([best.step], [best.value], "o", color=ORANGE, label=f"best, at {best.step:,}", clip_on=False)
    axes.xaxis.get_major_locator().set_params(integer=True)
    legend(axes)


def _titled(metric: str) -> str:
    return TITLES.get(metric, {"loss": "loss", "ndcg": "NDCG"}.get(metric, "LogLoss"))


def _importance(axes: Any, importance: Mapping[str, float], unit: str) -> None:
    ranked = sorted(importance.items(), key=lambda item: -item[1])
    shown = ranked[:SHOWN_FEATURES][::-1]
    rest = f", the first {len(shown)} of {len(ranked)}" if len(ranked) > len(shown) else ""
    label(axes, f"Feature importance{rest}", unit, "")
    axes.barh([short(name) for name, _ in shown], [value for _, value in shown], color=BLUE, height=0.7)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", labelsize=8 if len(shown) > 12 else 9)
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set_ylim(min(0, len(shown) - FEWEST_BARS) - 0.6, len(shown) - 0.4)
