"""The evaluation program of ``tzrec.*`` types."""

from __future__ import annotations

from pathlib import Path

from sqlrec.models.controller import Progress
from sqlrec.models.measuring import evaluation
from sqlrec.models.measuring.evaluation import Opened
from sqlrec.models.objective import Objective
from sqlrec.spec.job import EvaluateWork, JobResult


def evaluate(work: EvaluateWork, output: Path, progress: Progress) -> JobResult:
    """See :func:`sqlrec.models.measuring.evaluation.evaluate`."""
    return evaluation.evaluate(work, output, progress, open_origin=_opened)


def _opened(folder: Path) -> Opened:
    from sqlrec.models.deep import checkpoint  # torch, which the evaluation of an export does without

    trained = checkpoint.load(folder)
    columns = tuple(column.name for column in trained.encoder.inputs)
    return Opened(objective=Objective.BINARY, columns=columns, score=trained.predict)
