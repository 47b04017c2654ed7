"""Shadow models: the first one answers; the others get the same requests, and their answers are compared.

A shadow is asked when the answer is on its way, in a thread of its own, and never answers anybody. When it
lags, requests are skipped: few wait for it, so it cannot use up memory. It does use the machine's cores.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlrec.serving.batching import Call, Wires
from sqlrec.serving.errors import RequestError
from sqlrec.serving.frame import Array, Outputs
from sqlrec.serving.groups.differences import Difference, Differences, compare
from sqlrec.serving.groups.label import label
from sqlrec.serving.groups.passed_on import PassedOn
from sqlrec.serving.groups.stats import Durations, Figures, served
from sqlrec.serving.lane import Lane
from sqlrec.serving.slots import Slot
from sqlrec.serving.wire import Reading
from sqlrec.spec.group import Group

WAITING_CALLS = 64
WAITING_BYTES = 16 * 1024 * 1024
"""Requests, and bytes of their bodies, that may wait for one shadow."""


class Follower:
    """One shadow and its figures."""

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self.compared = Durations()
        self.differences = Differences()
        self.failed = 0
        self.skipped = 0
        self._waiting = 0
        self._bytes = 0

    def mirror(self, call: Call, answered: dict[str, Array]) -> None:
        """Ask the shadow, too, unless too much waits for it."""
        size = len(call.body)
        if self._waiting >= WAITING_CALLS or (self._waiting and self._bytes + size > WAITING_BYTES):
            self.skipped += 1
            return
        lane = self.slot.lane
        try:
            lane.apart.submit(Mirrored(call, answered, lane, self))
        except RequestError:
            self.skipped += 1
        else:
            self._waiting += 1
            self._bytes += size

    def take(self, size: int, answer: list[Difference] | RequestError | None, seconds: float) -> None:
        """The shadow has answered."""
        self._waiting -= 1
        self._bytes -= size
        if isinstance(answer, RequestError):
            self.failed += 1
        elif answer is not None:
            self.compared.add(seconds)
            self.differences.add(answer)

    def figures(self) -> Figures:
        """How the shadow did, and how far its answers are from those of the first model."""
        return {
            **served(self.slot),
            **self.compared.figures(),
            "failed": self.failed,
            "skipped": self.skipped,
            "outputs": self.differences.figures(),
        }


class Shadow:
    """See :class:`sqlrec.serving.lane.Target`. Belongs to the event loop's thread."""

    def __init__(self, name: str, slots: Sequence[Slot], group: Group) -> None:
        self.slots = slots
        self.followers = [Follower(slot) for slot in slots[1:]]
        self._name = name
        self._since = time.time()
        self.answered = Durations()
        self.failed = 0

    def submit(self, call: Call) -> None:
        """See :class:`sqlrec.serving.lane.Target`."""
        lane = self.slots[0].lane
        call.answered_by = label(lane)
        try:
            lane.submit(Watched(call, lane, self))
        except RequestError:
            self.failed += 1
            raise

    def figures(self) -> Figures:
        """What was answered and compared so far."""
        answered = {**served(self.slots[0]), **self.answered.figures(), "failed": self.failed}
        shadows = [follower.figures() for follower in self.followers]
        return {
            "name": self._name,
            "routing": "shadow",
            "since": self._since,
            "models": [answered],
            "shadows": shadows,
        }

    def close(self) -> None:
        """Nothing is held."""


class Watched(PassedOn):
    """The call that the first model answers."""

    __slots__ = ("_lane", "_outputs", "_shadow")

    def __init__(self, call: Call, lane: Lane, shadow: Shadow) -> None:
        super().__init__(call)
        self._lane = lane
        self._shadow = shadow
        self._outputs: Outputs = ()

    def write(self, reading: Reading, outputs: Outputs) -> Any:
        """The answer; its numbers are kept to compare with."""
        self._outputs = outputs
        return self.call.write(reading, outputs)

    def answer(self, answer: Any, rows: int) -> None:
        """Answer first, then ask the shadows."""
        self.call.answer(answer, rows)
        if isinstance(answer, RequestError):
            self._shadow.failed += 1
        elif answer is not None:
            self._shadow.answered.add(time.monotonic() - self.call.started)
            named = named_outputs(self._lane, self._outputs)
            for follower in self._shadow.followers:
                follower.mirror(self.call, named)


class Mirrored:
    """The call that a shadow gets. See :class:`sqlrec.serving.batching.Call`."""

    __slots__ = ("_answered", "_begun", "_call", "_follower", "_lane", "answered_by", "body")

    def __init__(self, call: Call, answered: dict[str, Array], lane: Lane, follower: Follower) -> None:
        self._call = call
        self._answered = answered
        self._lane = lane
        self._follower = follower
        self._begun = time.monotonic()
        self.body = call.body
        self.answered_by = ""

    @property
    def abandoned(self) -> bool:
        """Never: the comparison is wanted even when the client has gone."""
        return False

    @property
    def started(self) -> float:
        """When the shadow was asked."""
        return self._begun

    def header(self, name: bytes) -> str:
        """A header of the request."""
        return self._call.header(name)

    def read(self, wires: Wires) -> Reading:
        """The request as the shadow reads it."""
        return self._call.read(wires)

    def write(self, reading: Reading, outputs: Outputs) -> list[Difference]:
        """How far the answers are from each other."""
        return compare(self._answered, named_outputs(self._lane, outputs))

    def answer(self, answer: list[Difference] | RequestError | None, rows: int) -> None:
        """Count it."""
        self._follower.take(len(self.body), answer, time.monotonic() - self._begun)


def named_outputs(lane: Lane, outputs: Outputs) -> dict[str, Array]:
    """Arrays by the names of a lane's outputs, folded."""
    names = (output.name.casefold() for output in lane.signature.outputs)
    return dict(zip(names, outputs, strict=True))
