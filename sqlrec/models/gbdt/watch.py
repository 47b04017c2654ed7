"""What happens between the rounds of boosting: curves of the metric, and lines of progress."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlrec.models.controller import Progress
from sqlrec.spec.job import CurvePoint

LINES = 20
"""Lines of progress, and values of the training rows' metric, of one training."""
POINTS = 200
"""Points of one curve."""


@dataclass(slots=True)
class Watch:
    """Called after each round with its number (from 1) and the metric of the validation rows, if any.

    ``train_metric`` is the name of what is measured on the training rows.
    """

    metric: str
    train_metric: str
    rounds: int
    rows: int
    progress: Progress
    done: int = 0
    curves: list[CurvePoint] = field(default_factory=list)
    _started: float = field(default_factory=time.perf_counter)

    def __call__(self, done: int, validation: float | None, train: Callable[[], float]) -> None:
        """Record the round; ``train`` computes the metric of the training rows, which is asked for rarely."""
        self.done = done
        tells = done % max(1, self.rounds // LINES) == 0 or done in (1, self.rounds)
        if validation is not None and (tells or done % max(1, self.rounds // POINTS) == 0):
            self._add(self.metric, done, validation)
        if not tells:
            return
        on_train = train()
        self._add(f"train_{self.train_metric}", done, on_train)
        shown = f"validation {self.metric} {validation:.5f}" if validation is not None else ""
        speed = done * self.rows / max(time.perf_counter() - self._started, 1e-9)
        parts = [f"round {done}/{self.rounds}", f"training {self.train_metric} {on_train:.5f}", shown]
        self.progress(
            "  ".join([*filter(None, parts), f"{speed:,.0f} rows/s"]), done=min(done / self.rounds, 1.0)
        )

    def _add(self, name: str, step: int, value: float) -> None:
        if math.isfinite(value):
            self.curves.append(CurvePoint(name=name, step=step, value=value))
