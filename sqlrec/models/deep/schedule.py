"""Learning rates over a training: a warm-up, then a curve down to a final share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never


class Curve(StrEnum):
    """How the rates fall after the warm-up."""

    CONSTANT = "constant"
    LINEAR = "linear"
    COSINE = "cosine"
    STEP = "step"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The share of the configured rates that each of ``steps`` optimiser steps uses.

    The first ``warmup`` steps rise in equal parts to 1. ``LINEAR`` and ``COSINE`` (half a period, Loshchilov
    and Hutter 2017) fall from there to ``final`` in the last step, ``STEP`` by ``decay`` after every
    ``epoch_steps`` steps but not below ``final``.
    """

    curve: Curve
    steps: int
    epoch_steps: int
    warmup: int = 0
    final: float = 0.0
    decay: float = 1.0

    def factor(self, step: int) -> float:
        """The share in the step after ``step`` others."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        done = min((step - self.warmup) / max(self.steps - self.warmup - 1, 1), 1.0)
        match self.curve:
            case Curve.CONSTANT:
                return 1.0
            case Curve.LINEAR:
                return 1.0 - (1.0 - self.final) * done
            case Curve.COSINE:
                return self.final + (1.0 - self.final) * (1.0 + math.cos(math.pi * done)) / 2
            case Curve.STEP:
                return max(self.decay ** (step // self.epoch_steps), self.final)
            case _:
                assert_never(self.curve)
