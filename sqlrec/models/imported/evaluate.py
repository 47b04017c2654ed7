"""EVALUATE MODEL of an imported model: an export like any other, without a training checkpoint."""

from __future__ import annotations

from pathlib import Path

from sqlrec.errors import OptionError, StateError
from sqlrec.models.controller import Progress
from sqlrec.models.measuring import evaluation
from sqlrec.spec.job import EvaluateWork, JobResult


def evaluate(work: EvaluateWork, output: Path, progress: Progress) -> JobResult:
    """Measure the export; raises what :func:`sqlrec.models.measuring.evaluation.evaluate` does.

    A file does not tell what its numbers are, so SR560 says how to state it.
    """
    try:
        return evaluation.evaluate(work, output, progress, open_origin=_no_origin)
    except OptionError as error:
        if error.code != "SR560" or work.model.options.get("task"):
            raise
        hint = f"{error.hint}; probabilities are stated by task = 'classification' in CREATE OR REPLACE MODEL"
        raise OptionError(error.code, error.message, hint=hint) from error


def _no_origin(folder: Path) -> evaluation.Opened:
    """An imported model is never trained here, so that only damaged files lead to this."""
    raise StateError("SR521", f"{folder} is no training checkpoint", hint="evaluate checkpoint 'imported'")
