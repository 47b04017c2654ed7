"""Speculative execution: all models of a service are asked at once, and a decider picks the answer.

The time runs from a request's first byte. What comes later than the option ``timeout`` is dropped; what was
not begun when the decision was made is not begun any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from sqlrec.serving.batching import Call
from sqlrec.serving.groups.deciders import decider_of
from sqlrec.serving.groups.race import Race
from sqlrec.serving.groups.stats import Figures, SpeculativeExecutionStats
from sqlrec.serving.slots import Slot
from sqlrec.spec.group import Decider, Group


class Speculative:
    """See :class:`sqlrec.serving.lane.Target`. Belongs to the event loop's thread."""

    def __init__(self, name: str, slots: Sequence[Slot], group: Group) -> None:
        """Raises ``StateError`` SR682 for a decider that cannot be loaded."""
        outputs = slots[0].lane.signature.outputs
        self.slots = slots
        self.timeout = group.timeout
        self.decider = group.decider
        self.eager = group.decider == Decider.FIRST
        """Whether the first answer decides."""
        self.decide = decider_of(group, outputs)
        self.stats = SpeculativeExecutionStats(name, group, slots)
        self.worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="decide")
        """Where large answers are put together."""
        self._spellings = {output.name.casefold(): output.name for output in outputs}

    def submit(self, call: Call) -> None:
        """See :class:`sqlrec.serving.lane.Target`."""
        Race(call, self).start()

    def spelling(self, name: str) -> str:
        """An output's name as the first model writes it."""
        return self._spellings.get(name.casefold(), name)

    def figures(self) -> Figures:
        """What was decided so far."""
        return self.stats.figures()

    def close(self) -> None:
        """Let go of the worker thread."""
        self.worker.shutdown(wait=False, cancel_futures=True)
