"""What a training did so far: points of its curves, and the sums of the epoch that is under way."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from sqlrec.spec.job import CurvePoint


@dataclass(slots=True)
class History:
    """What a training run did.

    ``epochs`` are those finished, ``measurements`` those of the validation rows (the steps of their curves),
    ``best_epoch`` is the one whose weights are kept, and ``scores`` float32 [rows, …] are their answers for
    the validation rows. ``seconds`` and ``rows`` are those of optimiser steps.
    """

    curves: list[CurvePoint] = field(default_factory=list)
    epochs: int = 0
    best_epoch: int = 0
    measurements: int = 0
    seconds: float = 0.0
    rows: int = 0
    scores: npt.NDArray[np.float32] | None = None

    def add(self, name: str, step: int, value: float) -> None:
        """Append a point, unless the value is undefined (AUC of one class)."""
        if math.isfinite(value):
            self.curves.append(CurvePoint(name=name, step=step, value=value))

    @property
    def rows_per_second(self) -> float:
        """Training speed, without reading, encoding and measuring."""
        return self.rows / self.seconds if self.seconds > 0 else 0.0

    def last(self, name: str) -> float | None:
        """The newest value of a curve."""
        return next((p.value for p in reversed(self.curves) if p.name == name), None)

    def state(self) -> dict[str, Any]:
        """Plain values that :meth:`of` takes; without the scores, which the last measurement sets."""
        points = [(p.name, p.step, p.value) for p in self.curves]
        counts = {name: getattr(self, name) for name in ("epochs", "best_epoch", "measurements", "rows")}
        return {"curves": points, "seconds": self.seconds, **counts}

    @classmethod
    def of(cls, state: dict[str, Any]) -> History:
        """The history of a :meth:`state`."""
        points = [CurvePoint(name=name, step=step, value=value) for name, step, value in state["curves"]]
        return cls(**{**state, "curves": points})


@dataclass(slots=True)
class Sums:
    """Loss and rows of one epoch: ``loss`` and ``rows`` of what was told, the others since then.

    ``new_loss`` is this process's part of the loss; everything else is over all processes.
    """

    loss: float = 0.0
    rows: int = 0
    new_loss: float = 0.0
    new_rows: int = 0

    def add(self, loss: float, rows: int) -> None:
        """Count a step: this process's summed loss and the global batch's rows."""
        self.new_loss += loss
        self.new_rows += rows

    def told(self, total: float) -> float:
        """The mean loss of the rows since the last call; ``total`` is ``new_loss`` over all processes."""
        mean = total / self.new_rows
        self.loss, self.rows = self.loss + total, self.rows + self.new_rows
        self.new_loss, self.new_rows = 0.0, 0
        return mean

    @property
    def mean(self) -> float:
        """Mean loss of the rows that were told."""
        return self.loss / self.rows
