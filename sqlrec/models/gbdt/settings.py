"""The options of a gbdt training as typed values, for the learners."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from sqlrec.models.gbdt.metrics import metric_of
from sqlrec.models.objective import Objective
from sqlrec.spec.options import Parsed


@dataclass(frozen=True, slots=True)
class Settings:
    """Effective options of one training, by canonical key."""

    options: Mapping[str, Parsed]
    objective: Objective

    def whole(self, key: str) -> int:
        """An integer."""
        return int(cast(int, self.options[key]))

    def number(self, key: str) -> float:
        """A number."""
        return float(cast(float, self.options[key]))

    @property
    def metric(self) -> str:
        """The metric of rounds that fits the objective."""
        return metric_of(self.objective, str(self.options["metric"]))

    @property
    def stopping(self) -> int:
        """Rounds without a better metric after which training stops; 0: never."""
        return self.whole("early_stopping_rounds")

    @property
    def seed(self) -> int:
        """Seed of all that is random."""
        return self.whole("seed")
