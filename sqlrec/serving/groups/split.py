"""Weighted A/B: each request goes to one model, and the same key always to the same one.

The key is the header ``X-Sqlrec-Key``, without it ``X-Request-Id``, without it the body. It is hashed to a
place between 0 and 1, which the weights divide; so a changed weight moves only the keys at the borders.
"""

from __future__ import annotations

import hashlib
import time
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from sqlrec.serving.batching import Call
from sqlrec.serving.errors import RequestError
from sqlrec.serving.groups.label import label
from sqlrec.serving.groups.passed_on import PassedOn
from sqlrec.serving.groups.stats import Durations, Figures, served
from sqlrec.serving.slots import Slot
from sqlrec.spec.group import Group

HASHED_BYTES = 256 * 1024
"""Of a body without a key, so much is hashed, and its length."""


@dataclass(slots=True)
class Arm:
    """A model and what it was asked. ``answered`` are the durations of its answers."""

    slot: Slot
    weight: int
    answered: Durations = field(default_factory=Durations)
    failed: int = 0


class Split:
    """See :class:`sqlrec.serving.lane.Target`. Belongs to the event loop's thread."""

    def __init__(self, name: str, slots: Sequence[Slot], group: Group) -> None:
        self.slots = slots
        weights = group.weights or (1,) * len(slots)
        self._name = name
        self._arms = tuple(map(Arm, slots, weights))
        self._borders = [total / sum(weights) for total in accumulate(weights)]
        self._since = time.time()

    def submit(self, call: Call) -> None:
        """See :class:`sqlrec.serving.lane.Target`."""
        key = call.header(b"x-sqlrec-key") or call.header(b"x-request-id") or call.body
        place = place_of(key, self._name)
        arm = self._arms[bisect_right(self._borders, place)]
        lane = arm.slot.lane
        call.answered_by = label(lane)
        try:
            lane.submit(Counted(call, arm))
        except RequestError:
            arm.failed += 1
            raise

    def figures(self) -> Figures:
        """What each model was asked so far."""
        total = sum(arm.weight for arm in self._arms)
        return {
            "name": self._name,
            "routing": "split",
            "since": self._since,
            "models": [
                {
                    **served(arm.slot),
                    "weight": arm.weight / total,
                    **arm.answered.figures(),
                    "failed": arm.failed,
                }
                for arm in self._arms
            ],
        }

    def close(self) -> None:
        """Nothing is held."""


class Counted(PassedOn):
    """A call whose answer is counted."""

    __slots__ = ("_arm",)

    def __init__(self, call: Call, arm: Arm) -> None:
        super().__init__(call)
        self._arm = arm

    def answer(self, answer: Any, rows: int) -> None:
        """Count it and pass it on."""
        if isinstance(answer, RequestError):
            self._arm.failed += 1
        elif answer is not None:
            self._arm.answered.add(time.monotonic() - self.call.started)
        self.call.answer(answer, rows)


def place_of(key: str | bytes, salt: str) -> float:
    """Where a key stands between 0 and 1, the same in every process; ``salt`` is the service."""
    data = key.encode() if isinstance(key, str) else key[:HASHED_BYTES] + len(key).to_bytes(8, "big")
    person = hashlib.blake2b(salt.encode(), digest_size=16).digest()
    digest = hashlib.blake2b(data, digest_size=8, person=person).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53
