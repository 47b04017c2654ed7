"""What a service of several models has done since it was started, as plain figures.

The names are those of FLIP-23's statistics; durations are in milliseconds from a request's first byte to the
decision. Everything is counted in the event loop's thread.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlrec.serving.slots import Slot
from sqlrec.spec.group import Group

Figures = dict[str, object]


@dataclass(slots=True)
class Durations:
    """Number, sum, least and greatest of some durations."""

    usage: int = 0
    total: float = 0.0
    least: float = math.inf
    greatest: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        milliseconds = seconds * 1000
        self.usage += 1
        self.total += milliseconds
        self.least = min(self.least, milliseconds)
        self.greatest = max(self.greatest, milliseconds)

    def figures(self) -> Figures:
        """``usage``, ``duration``, ``min``, ``max`` and ``mean``; the last three are None without any."""
        used = self.usage > 0
        return {
            "usage": self.usage,
            "duration": self.total,
            "min": self.least if used else None,
            "max": self.greatest if used else None,
            "mean": self.total / self.usage if used else None,
        }


@dataclass(slots=True)
class MemberCounts:
    """How often a model's answer was in time, late, an error, not begun, and part of the decision."""

    in_time: int = 0
    late: int = 0
    failed: int = 0
    skipped: int = 0
    chosen: int = 0


@dataclass(slots=True)
class SpeculativeExecutionStats:
    """Figures of all models asked at once. ``undecided`` counts requests that no model answered in time."""

    name: str
    group: Group
    slots: Sequence[Slot]
    since: float = field(default_factory=time.time)
    decided: Durations = field(default_factory=Durations)
    undecided: int = 0
    members: tuple[MemberCounts, ...] = ()

    def __post_init__(self) -> None:
        self.members = tuple(MemberCounts() for _ in self.slots)

    def figures(self) -> Figures:
        """All of it."""
        return {
            "name": self.name,
            "routing": str(self.group.routing),
            "decider": self.group.decider,
            "timeout": self.group.timeout * 1000,
            "since": self.since,
            **self.decided.figures(),
            "undecided": self.undecided,
            "models": [
                {
                    **served(slot),
                    "in_time": member.in_time,
                    "late": member.late,
                    "failed": member.failed,
                    "skipped": member.skipped,
                    "chosen": member.chosen,
                }
                for slot, member in zip(self.slots, self.members, strict=True)
            ],
        }


def served(slot: Slot) -> Figures:
    """What a slot serves now."""
    model = slot.lane.model
    return {"model": slot.name, "checkpoint": model.checkpoint, "version": model.version}
