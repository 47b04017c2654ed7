"""Where the rows of a training are kept, and which of them are held out to measure it.

Memory is divided once, before anything is read: half of what the job may still take is for rows, the other
half for weights, their optimiser's state and the work on a batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sqlrec.models.deep.encoding import Coding, Places, labels_of
from sqlrec.models.deep.examples import Examples, Held
from sqlrec.models.deep.in_memory import InMemory
from sqlrec.models.deep.rows import Rows, split
from sqlrec.models.deep.spool import Spool
from sqlrec.models.deep.spooled import Part, Spooled
from sqlrec.models.memory import spare_memory

SCORED_BYTES = 64
"""Memory that measuring takes for each validation row, besides the row."""
LEAST_MEMORY = 1 << 26
"""DuckDB does not work with less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Bytes for a ``table`` as it is read, for the ``encoded`` rows, and for the ``validation`` rows."""

    table: int
    encoded: int
    validation: int

    @classmethod
    def of(cls, megabytes: int) -> Budget:
        """Of so many megabytes for rows; 0: half of the memory that the process may still take."""
        whole = megabytes << 20 if megabytes else spare_memory() // 2
        return cls(table=whole // 2, encoded=whole // 2, validation=whole // 4)

    @property
    def engine(self) -> str:
        """Memory of the query engine while a table is read."""
        return f"{max(self.table + self.encoded, LEAST_MEMORY) >> 20}MiB"

    def validation_rows(self, coding: Coding) -> int:
        """Rows that a model can be measured on."""
        return max(self.validation // (coding.row_bytes + SCORED_BYTES), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Encoded rows to train on and to measure; ``positive_share`` is that of first labels above 0."""

    data: InMemory | Spooled
    positive_share: float
    validation: Rows | None = None


def place(examples: Examples, coding: Coding, budget: Budget, fraction: float, seed: int) -> Placed:
    """Encode the rows: in memory where the budget allows it, else on disk.

    ``fraction`` of them is held out, as far as its memory goes. Raises ``SetupError`` SR570 for a full disk.
    """
    fits = coding.row_bytes * len(examples) <= budget.encoded
    held = _held_out(examples, fraction, seed, None if fits else budget.validation_rows(coding))
    validation, count = coding.rows(len(held)), len(examples) - len(held)
    target = coding.rows(count) if fits else Spool.make(coding.shapes, count)
    positive = coding.divide(examples.blocks(coding.at_once), held, target, validation)
    return Placed(
        data=InMemory(target) if isinstance(target, Rows) else Spooled(target, Part.whole(count)),
        positive_share=positive / count,
        validation=validation if len(held) else None,
    )


def _held_out(examples: Examples, fraction: float, seed: int, most: int | None) -> Places:
    """Places of the validation rows: of each label by itself, or, where labels are on disk, of any."""
    if not fraction:
        return np.empty(0, np.int64)
    if isinstance(examples, Held):
        held: Places = split(labels_of(examples.source)[:, 0], fraction, seed)[1].numpy()
        return held if most is None else held[evenly(len(held), most)]
    count = len(examples)
    wanted = min(round(count * fraction), count - 1, most or count)
    drawn = np.arange(wanted) + np.random.default_rng(seed).random(wanted)
    return np.unique((drawn * (count / max(wanted, 1))).astype(np.int64))


def measured_on(examples: Examples, coding: Coding, budget: Budget) -> Rows:
    """The rows of a validation table, or as many of them, evenly spread, as the budget allows."""
    places = evenly(len(examples), budget.validation_rows(coding))
    rows = coding.rows(len(places))
    coding.divide(examples.blocks(coding.at_once), places, None, rows)
    return rows


def evenly(count: int, most: int) -> Places:
    """All of ``count`` places, or ``most`` of them evenly spread."""
    return np.linspace(0, count - 1, min(count, most)).astype(np.int64)
