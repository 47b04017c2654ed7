"""A call that a rule passes on to a model, to see its answer on the way back."""

from __future__ import annotations

from typing import Any

from sqlrec.serving.batching import Call, Wires
from sqlrec.serving.frame import Outputs
from sqlrec.serving.wire import Reading


class PassedOn:
    """Asks and answers as ``call`` does. See :class:`sqlrec.serving.batching.Call`."""

    __slots__ = ("answered_by", "body", "call")

    def __init__(self, call: Call) -> None:
        self.call = call
        self.body = call.body
        self.answered_by = call.answered_by

    @property
    def abandoned(self) -> bool:
        """Whether nobody waits any more."""
        return self.call.abandoned

    @property
    def started(self) -> float:
        """When it came."""
        return self.call.started

    def header(self, name: bytes) -> str:
        """A header of it."""
        return self.call.header(name)

    def read(self, wires: Wires) -> Reading:
        """The request."""
        return self.call.read(wires)

    def write(self, reading: Reading, outputs: Outputs) -> Any:
        """The answer."""
        return self.call.write(reading, outputs)
