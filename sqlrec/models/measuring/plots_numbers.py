"""Pictures of models that give numbers, orders, neighbours or clusters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sqlrec.models.measuring.canvas import BLUE, GREY, ORANGE, label, legend, thousands
from sqlrec.models.measuring.objectives import Curve, Report
from sqlrec.models.measuring.plots_classes import Painter

NAMED_CLUSTERS = 30
"""Most clusters whose numbers stand at the axis."""


def _residuals(axes: Any, curve: Curve, report: Report, of: str) -> None:
    del of
    title = f"Residuals of {report.rows:,} rows · RMSE {report.numbers['rmse']:.4g}"
    label(axes, title, "actual - predicted (the ends hold what lies beyond)", "rows")
    axes.stairs(curve["rows"], curve["edges"], fill=True, color=BLUE, alpha=0.45)
    axes.stairs(curve["rows"], curve["edges"], color=BLUE, linewidth=1.5)
    axes.axvline(0, color=GREY, linestyle="--", linewidth=1)
    axes.set_ylim(bottom=0)
    thousands(axes.yaxis)


def _predicted(axes: Any, curve: Curve, report: Report, of: str) -> None:
    del of
    actual, predicted = np.asarray(curve["actual"]), np.asarray(curve["predicted"])
    fit = f" · R2 {report.numbers['r2']:.4f}" if "r2" in report.numbers else ""
    label(axes, f"Predicted and actual{fit}", "actual", "predicted")
    ends = [min(actual.min(), predicted.min()), max(actual.max(), predicted.max())]
    axes.plot(ends, ends, color=ORANGE, linestyle="--", linewidth=1.5, label="perfect", zorder=3)
    name = (
        f"{len(actual):,} of {report.rows:,} rows" if len(actual) < report.rows else f"{len(actual):,} rows"
    )
    axes.scatter(actual, predicted, s=9, color=BLUE, alpha=0.35, linewidths=0, label=name)
    legend(axes, "upper left")


def _ndcg(axes: Any, curve: Curve, report: Report, of: str) -> None:
    del of
    title = f"Ranking within groups · NDCG@10 {report.numbers['ndcg_10']:.4f}"
    label(axes, title, "k, the first rows of a group", "mean over groups")
    axes.plot(curve["k"], curve["ndcg"], color=BLUE, marker="o", markersize=4, linewidth=2, label="NDCG@k")
    axes.plot(
        curve["k"], curve["recall"], color=ORANGE, marker="s", markersize=4, linestyle="--", label="recall@k"
    )
    axes.set_ylim(0, 1.02)
    _cuts(axes, curve["k"])
    legend(axes, "lower right")


def _recall(axes: Any, curve: Curve, report: Report, of: str) -> None:
    del of
    title = f"Retrieval among {curve['k'][-1]:,.0f} items · recall@100 {report.numbers['recall_100']:.4f}"
    label(axes, title, "k, the nearest items", "recall@k")
    axes.plot(curve["k"], curve["recall"], color=BLUE, linewidth=2, label="model")
    axes.plot(curve["k"], curve["chance"], color=GREY, linestyle="--", linewidth=1, label="chance")
    axes.set_ylim(0, 1.02)
    _cuts(axes, curve["k"])
    legend(axes, "upper left")


def _cuts(axes: Any, cuts: Any) -> None:
    """A logarithmic axis of k with plain numbers."""
    axes.set_xscale("log")
    marks = [k for p in range(7) for k in (10**p, 2 * 10**p, 5 * 10**p) if k <= cuts[-1]]
    axes.set_xticks(marks[:: max(1, len(marks) // 9)], minor=False)
    axes.xaxis.set_minor_locator(axes.xaxis.get_minor_locator().__class__(subs=()))
    thousands(axes.xaxis)
    axes.set_xlim(cuts[0] * 0.95, cuts[-1] * 1.05)


def _clusters(axes: Any, curve: Curve, report: Report, of: str) -> None:
    del of
    sizes = np.sort(np.asarray(curve["rows"]))[::-1]
    order = np.argsort(-np.asarray(curve["rows"]), kind="stable")
    label(axes, f"{len(sizes):,} clusters of {report.rows:,} rows", "cluster, largest first", "rows")
    axes.bar(range(len(sizes)), sizes, color=BLUE, width=0.8)
    if len(sizes) <= NAMED_CLUSTERS:
        axes.set_xticks(range(len(sizes)), [f"{curve['cluster'][i]:.0f}" for i in order], fontsize=8)
    axes.grid(visible=False, axis="x")
    thousands(axes.yaxis)


def _components(axes: Any, curve: Curve, report: Report, of: str) -> None:
    del of
    kept = report.numbers.get("explained_variance")
    title = "Components" if kept is None else f"Components · {kept:.1%} of the variance"
    label(axes, title, "component", "standard deviation")
    axes.bar(curve["component"], curve["deviation"], color=BLUE, width=0.8)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(visible=False, axis="x")


NUMBER_PAINTERS: Mapping[str, Painter] = {
    "residuals": _residuals,
    "predicted": _predicted,
    "ndcg_at_k": _ndcg,
    "recall_at_k": _recall,
    "cluster_sizes": _clusters,
    "components": _components,
}
