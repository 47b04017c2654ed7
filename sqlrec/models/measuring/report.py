"""What a training or an evaluation leaves for people: ``evaluation.json`` and pictures of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from sqlrec.models.measuring import plots
from sqlrec.models.measuring.metrics import Evaluation
from sqlrec.spec.job import CurvePoint

EVALUATION = "evaluation.json"
PLOTS = "plots"


def write_report(output: Path, evaluation: Evaluation | None, curves: Sequence[CurvePoint]) -> None:
    """Write ``evaluation.json`` and ``plots/*.png`` into an existing folder.

    ``evaluation`` is None when nothing was measured, ``curves`` empty when nothing was trained.
    """
    numbers = {
        "validation": asdict(evaluation) if evaluation else None,
        "curves": [asdict(point) for point in curves],
    }
    text = json.dumps(numbers, indent=1, allow_nan=False)
    (output / EVALUATION).write_text(text + "\n", encoding="utf-8")
    plots.draw(output / PLOTS, curves, evaluation)
