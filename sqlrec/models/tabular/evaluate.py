"""The evaluation program of tabular models."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sqlrec.models.controller import Progress
from sqlrec.models.measuring import evaluation
from sqlrec.models.measuring.evaluation import Opened
from sqlrec.models.tabular import checkpoint
from sqlrec.spec.job import EvaluateWork, JobResult


def evaluate(work: EvaluateWork, output: Path, progress: Progress) -> JobResult:
    """Measure a checkpoint of a tabular model; see :func:`sqlrec.models.measuring.evaluation.evaluate`."""
    return evaluation.evaluate(work, output, progress, open_origin=opened)


def opened(folder: Path) -> Opened:
    """The training checkpoint in ``folder``; ``StateError`` SR521 for a damaged one."""
    trained = checkpoint.load(folder)
    return Opened(
        objective=trained.objective,
        columns=tuple(column.name for column in trained.encoder.inputs),
        score=trained.predict,
        classes=trained.classes,
        matrix=None
        if trained.objective.has_label
        else lambda table: np.nan_to_num(trained.encoder.transform(table)),
    )
