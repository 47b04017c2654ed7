"""The rows a model learns from: read once, checked, and given in blocks as often as they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sqlrec.data.engine import Engine
from sqlrec.features.blocks import Blocks, Whole
from sqlrec.models.deep.stream import READ_LISTS, READ_ROWS, OnDisk, kept
from sqlrec.models.objective import Objective
from sqlrec.models.tables.labels import class_values
from sqlrec.models.tables.roles import Roles
from sqlrec.models.tables.source import Selection, Source, checked, no_rows, require_different, select
from sqlrec.spec.schema import Kind
from sqlrec.spec.table import Relation

Block = tuple[int, Source]
"""The number of rows before a block, and the block with its labels and weights."""


@dataclass(frozen=True, slots=True)
class Held:
    """Examples in memory."""

    source: Source
    objective: Objective

    def __len__(self) -> int:
        return len(self.source)

    @property
    def rows(self) -> Blocks:
        """The columns as they were read."""
        return Whole(self.source.table)

    @property
    def example(self) -> Source:
        """Some of the rows, one at least."""
        return self.source

    @property
    def bounds(self) -> npt.NDArray[np.float32]:
        """Least and greatest labels ``[2, label columns]``."""
        return _bounds(self.source)

    def blocks(self, at_once: int) -> Iterator[Block]:
        """All rows, at most ``at_once`` together."""
        for start in range(0, len(self), at_once):
            yield start, cut(self.source, start, start + at_once)


@dataclass(frozen=True, slots=True)
class Filed:
    """Examples on disk. ``example`` is one of them, ``bounds`` are as in :class:`Held`."""

    rows: OnDisk
    objective: Objective
    chosen: Selection
    example: Source
    bounds: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return self.rows.num_rows

    def blocks(self, at_once: int) -> Iterator[Block]:
        """All rows, at most ``at_once`` together."""
        before = 0
        for block in self.rows.read(self.rows.schema.names):
            for start in range(0, block.num_rows, at_once):
                at = before + start
                yield at, _checked(self.chosen, block.slice(start, at_once), self.objective, self.example, at)
            before += block.num_rows


Examples = Held | Filed


def read_examples(
    relation: Relation,
    roles: Roles,
    what: str,
    engine: Engine,
    *,
    objective: Objective,
    limit: int,
) -> Examples:
    """The columns of a table that a model needs, all rows checked; on disk beyond ``limit`` bytes.

    Raises ``SetupError`` SR570 for a full disk and the errors of :func:`~sqlrec.models.tables.source.read`.
    """
    chosen = select(relation, roles, what, engine)
    is_long = any(column.type.kind is Kind.ARRAY for column in roles.features)
    reader = engine.reader(chosen.relation, batch_rows=READ_LISTS if is_long else READ_ROWS)
    rows = kept(reader, limit)
    if not rows.num_rows:
        raise no_rows(chosen.name)
    first = Source(name=chosen.name, table=pa.table({}), labels=np.empty(0, np.float32))
    if objective is Objective.MULTICLASS:
        labels = (block.column(chosen.label) for block in rows.read([chosen.label]))
        first = replace(first, classes=class_values(labels, roles.labels[0], chosen.name))
    if isinstance(rows, Whole):
        return Held(_checked(chosen, rows.table, objective, first, 0), objective)
    first = _checked(chosen, next(rows.read(rows.schema.names)).slice(0, 1), objective, first, 0)
    return Filed(rows, objective, chosen, first, _scanned(rows, chosen, objective, first))


def require_learnable(examples: Examples) -> None:
    """Raise ``DataError`` SR452 when all labels of a column are equal: there is nothing to learn."""
    least, most = examples.bounds
    require_different(examples.example, len(examples), least, most, examples.objective)


def cut(source: Source, start: int, stop: int) -> Source:
    """Rows ``start`` to ``stop``, without copying."""
    return replace(
        source,
        table=source.table.slice(start, stop - start),
        labels=source.labels[start:stop],
        weights=None if source.weights is None else source.weights[start:stop],
        groups=None if source.groups is None else source.groups[start:stop],
    )


def _checked(chosen: Selection, block: pa.Table, objective: Objective, like: Source, before: int) -> Source:
    return checked(chosen, block, objective=objective, classes=like.classes, before=before)


def _scanned(rows: OnDisk, chosen: Selection, objective: Objective, first: Source) -> npt.NDArray[np.float32]:
    """Check the labels and weights of all rows; gives the bounds of the labels."""
    columns = [*dict.fromkeys([*chosen.labels, *filter(None, (chosen.weight, chosen.group))])]
    bounds, before = [_bounds(first)], 0
    for block in rows.read(columns) if columns else ():
        bounds.append(_bounds(_checked(chosen, block, objective, first, before)))
        before += block.num_rows
    every = np.stack(bounds)
    return np.stack([every[:, 0].min(axis=0), every[:, 1].max(axis=0)])


def _bounds(source: Source) -> npt.NDArray[np.float32]:
    labels = source.labels.reshape(len(source), -1) if source.labels.size else np.empty((1, 0), np.float32)
    return np.stack([labels.min(axis=0), labels.max(axis=0)])
