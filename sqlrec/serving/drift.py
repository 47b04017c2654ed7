"""How requests differ from what the model was trained on: values it does not know, quantities out of range.

Looking costs about as much as decoding, so not every batch is looked at: after each look the next one
waits a hundred times as long as it took. The counts are therefore of ``rows`` that were looked at, and mean
something as shares of these. NULL is neither unseen nor out of range; missing values are counted of every
request.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sqlrec.serving.frame import Array
from sqlrec.spec.profile import InputProfile, Profile
from sqlrec.spec.signature import MISSING_INT, InputColumn

REST = 100
"""Times as long as a look took until the next one: one percent of a processor at most."""
Outside = Callable[[Array], int]
"""How many values of a flat array are not what training saw."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What is looked for in an input: ``unseen`` or ``out_of_range``."""

    column: str
    what: str
    outside: Outside


class Drift:
    """Counts of one loaded model. :meth:`look` may be called by one thread at a time."""

    def __init__(
        self,
        inputs: Sequence[InputColumn],
        profile: Profile,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._watches = tuple(filter(None, (_watch(c, profile.inputs.get(c.name)) for c in inputs)))
        self._clock = clock
        self._due = 0.0
        self.rows = 0
        self.unseen: Counter[str] = Counter()
        self.out_of_range: Counter[str] = Counter()

    def look(self, tensors: Mapping[str, Array], rows: int) -> None:
        """Look at a batch, unless it is too early again."""
        started = self._clock()
        if started < self._due or not self._watches:
            return
        for watch in self._watches:
            if count := watch.outside(tensors[watch.column].reshape(-1)):
                counts = self.unseen if watch.what == "unseen" else self.out_of_range
                counts[watch.column] += count
        self.rows += rows
        ended = self._clock()
        self._due = ended + REST * (ended - started)


def _watch(column: InputColumn, profile: InputProfile | None) -> Watch | None:
    if profile is None:
        return None
    if profile.values is not None:
        known = _Texts(profile.values) if column.tensor == "string" else _Integers(profile.values)
        return Watch(column.name, "unseen", known)
    if profile.low is not None and profile.high is not None:
        return Watch(column.name, "out_of_range", _Range(profile.low, profile.high, column.tensor))
    return None


class _Integers:
    def __init__(self, known: Sequence[int | str]) -> None:
        self._known = np.array([*known, MISSING_INT], dtype=np.int64)
        self._known.sort()

    def __call__(self, values: Array) -> int:
        places = np.searchsorted(self._known, values).clip(max=len(self._known) - 1)
        return int(np.count_nonzero(self._known[places] != values))


class _Texts:
    def __init__(self, known: Sequence[int | str]) -> None:
        self._known = frozenset((*known, ""))

    def __call__(self, values: Array) -> int:
        known = self._known
        return sum(value not in known for value in values.tolist())


class _Range:
    def __init__(self, low: float, high: float, tensor: str) -> None:
        self._low, self._high = low, high
        self._is_integer = tensor == "int64"

    def __call__(self, values: Array) -> int:
        outside = (values < self._low) | (values > self._high)  # NaN is neither
        if self._is_integer:
            outside &= values != MISSING_INT
        return int(np.count_nonzero(outside))
