"""The metrics of EVALUATE MODEL, by name, of scored rows with labels 0 and 1."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sqlrec.models.measuring import metrics
from sqlrec.models.measuring.metrics import Evaluation
from sqlrec.scoring.quality import classification, regression


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """``labels`` (0 or 1), ``scores`` and, where rows have groups, their numbers (below 0: none); [rows]."""

    labels: npt.NDArray[np.uint8]
    scores: npt.NDArray[np.float32]
    groups: npt.NDArray[np.int32] | None = None


def measured(
    names: Iterable[str], scored: Scored, evaluation: Evaluation, *, threshold: float
) -> dict[str, float]:
    """The values of the named metrics, as far as they are defined; ``evaluation`` is that of the rows."""
    flink = {
        **classification(scored.labels, scored.scores >= threshold),
        **regression(scored.labels, scored.scores),
    }
    found = {**evaluation.numbers, **{name.casefold(): value for name, value in flink.items()}}
    if scored.groups is not None:
        found["gauc"] = metrics.gauc(scored.labels, scored.scores, scored.groups)
    return {name: found[name] for name in names if math.isfinite(found.get(name, math.nan))}
