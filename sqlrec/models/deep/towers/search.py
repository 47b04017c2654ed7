"""What two towers are measured by: the item of each row, looked for among all items by their names.

An evaluation and the variants of an export look among the same candidates and leave out what a row has seen
in the same way, so that their figures of the same rows agree. The rows of a table alone would not do: they
lack most of what a user did not take, and may tell one item's other columns in several ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sqlrec.data.engine import Engine
from sqlrec.errors import JobError
from sqlrec.features.columns import Bag, Category
from sqlrec.features.encoder import column_of
from sqlrec.features.raw import list_parts, pad
from sqlrec.models.deep.checkpoint import Trained
from sqlrec.models.deep.dssm import sides_of
from sqlrec.models.deep.goals.retrieval import item_columns, seen_bags
from sqlrec.models.deep.towers.items import beside, identity_of, joined_items, load_items
from sqlrec.models.measuring.retrieval import Floats, Floats32, ranks
from sqlrec.spec.table import Relation

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Rows whose item is looked for.

    ``rows`` are their places in a table, ``truth`` is the candidate of each; ``seen`` [rows, length] are the
    candidates that it does not have, below 0 for none; None: nothing is left out.
    """

    rows: Numbers
    truth: Numbers
    seen: Numbers | None = None

    def at_most(self, count: int) -> Asked:
        """Evenly spread ones, all where there are not more."""
        if len(self.rows) <= count:
            return self
        kept = np.linspace(0, len(self.rows) - 1, count).astype(np.int64)
        seen = None if self.seen is None else self.seen[kept]
        return Asked(rows=self.rows[kept], truth=self.truth[kept], seen=seen)

    def places(self, users: Floats32, items: Floats32) -> Floats:
        """The place of each row's item among all ``items`` [candidates, dim]; ``users`` [rows, dim].

        Raises ``JobError`` SR561 for embeddings that are no numbers.
        """
        for side, vectors in (("user", users), ("item", items)):
            wrong = np.count_nonzero(~np.isfinite(vectors).all(axis=1))
            if wrong:
                raise JobError(
                    "SR561",
                    f"the model cannot be measured: {wrong:,} embeddings of the {side} tower are no numbers",
                    hint="train the model again",
                )
        return ranks(users, items, self.truth, self.seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """The candidates: ``items`` has a row each, with the columns of both towers, the user's empty."""

    identity: Category
    seen: tuple[Bag, ...]
    items: pa.Table

    @classmethod
    def of(cls, trained: Trained, folder: Path, relation: Relation | None, engine: Engine) -> Search:
        """The items of the training in ``folder``, and behind them those that only ``relation`` has.

        Raises ``StateError`` SR521 for a folder without items and ``SchemaError`` SR450 for a missing column.
        """
        model, encoder = trained.model, trained.encoder
        columns, others = item_columns(model, encoder)
        identity = identity_of(encoder, sides_of(model).item_id)
        items = load_items(folder)
        if relation is not None:
            items = joined_items(items, relation, columns, identity, str(model.name), engine)
        return cls(identity=identity, seen=seen_bags(encoder, model), items=beside(items, others))

    def asked(self, table: pa.Table, labels: npt.NDArray[np.float32] | None = None) -> Asked:
        """The rows of a table that were taken (label 1; all without labels) and whose item is a candidate."""
        taken = np.full(table.num_rows, True) if labels is None else labels == 1
        truth = self._positions(column_of(table, self.identity.config))
        rows = np.flatnonzero(taken & (truth >= 0))
        return Asked(rows=rows, truth=truth[rows], seen=self._seen(table.take(pa.array(rows))))

    def _positions(self, values: pa.ChunkedArray) -> Numbers:
        """The candidate of each value, -1 where it is NULL or none."""
        names = column_of(self.items, self.identity.config)
        found = pc.index_in(values, value_set=names, skip_nulls=True).fill_null(-1)
        return np.asarray(found.to_numpy(), np.int64)

    def _seen(self, table: pa.Table) -> Numbers | None:
        if not self.seen:
            return None
        names, parts = column_of(self.items, self.identity.config), []
        for bag in self.seen:
            lengths, elements = list_parts(column_of(table, bag.config))
            values = pa.chunked_array([elements]) if isinstance(elements, pa.Array) else elements
            parts.append(pad(lengths, self._positions(values.cast(names.type)), bag.length, -1))
        return np.concatenate(parts, axis=1)
