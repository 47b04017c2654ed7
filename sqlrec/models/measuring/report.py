"""What a training or an evaluation leaves for people: ``evaluation.json`` and pictures of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from sqlrec.models.measuring import plots
from sqlrec.models.measuring.objectives import Report
from sqlrec.spec.job import CurvePoint

EVALUATION = "evaluation.json"
PLOTS = "plots"


def write_report(
    output: Path,
    report: Report | None,
    curves: Sequence[CurvePoint],
    importance: Mapping[str, float] | None = None,
    importance_is: str = plots.SHARE,
) -> None:
    """Write ``evaluation.json`` and ``plots/*.png`` into an existing folder.

    ``report`` is None when nothing was measured, ``curves`` empty when nothing was trained. ``importance`` is
    that of features by name, the larger the more, and ``importance_is`` its unit.
    """
    numbers = {
        "validation": asdict(report) if report else None,
        "curves": [asdict(point) for point in curves],
        "importance": dict(importance or {}),
    }
    text = json.dumps(numbers, indent=1, allow_nan=False)
    (output / EVALUATION).write_text(text + "\n", encoding="utf-8")
    plots.draw(output / PLOTS, curves, report, importance, importance_is)
