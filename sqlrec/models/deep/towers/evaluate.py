"""The evaluation program of two towers: at which place among all items the one stands that a user took.

Both towers are needed: one by itself says where a user or an item lies, and not what is near to it. Rows are
streamed; the candidates are in memory. Items are told apart by their names, so the figures of items that the
vocabulary does not have are exact, too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sqlrec.data.engine import Engine
from sqlrec.errors import JobError
from sqlrec.features.encoder import column_of
from sqlrec.features.raw import list_parts, pad
from sqlrec.models.controller import Progress
from sqlrec.models.deep.dssm import sides_of
from sqlrec.models.measuring.evaluation import reported
from sqlrec.models.measuring.measures import wanted
from sqlrec.models.measuring.objectives import retrieval_report
from sqlrec.models.measuring.retrieval import Floats, Floats32, ranks
from sqlrec.models.objective import Objective
from sqlrec.models.tables.roles import Roles
from sqlrec.models.tables.source import Source, checked, no_rows, select
from sqlrec.spec.job import EvaluateWork, JobResult
from sqlrec.spec.model import CheckpointKind
from sqlrec.spec.schema import Schema

if TYPE_CHECKING:
    from sqlrec.features.columns import Bag, Category
    from sqlrec.models.deep.checkpoint import Trained

Numbers = npt.NDArray[np.int64]


def evaluate(work: EvaluateWork, output: Path, progress: Progress) -> JobResult:
    """Measure the checkpoint at ``work.source_uri``; ``evaluation.json`` and plots go into ``output``.

    The candidates are the items of the training and of the evaluated rows. Raises ``SchemaError`` and
    ``DataError`` for rows that do not fit, ``OptionError`` SR560, ``StateError`` SR521 and ``JobError`` SR561
    for the export of one tower.
    """
    from sqlrec.models.deep import checkpoint

    if work.kind is not CheckpointKind.ORIGIN:
        origin = work.checkpoint.rpartition("/")[0].removesuffix("_export")
        raise JobError(
            "SR561",
            f"{work.checkpoint} of {work.model.name} is one tower: it cannot be measured without the other",
            hint=f"evaluate CHECKPOINT = '{origin}', the training checkpoint, which has both",
        )
    started, names = time.perf_counter(), wanted(work.options, Objective.RETRIEVAL)
    progress(f"opening {work.checkpoint} of {work.model.name}", done=0.0)
    trained = checkpoint.load(Path(work.source_uri))
    with Engine() as engine:
        search = _search(trained, work, engine)
        progress(f"measuring among {len(search.vectors):,} items")
        rows, found = 0, []
        for source in _sources(trained, work, engine):
            rows += len(source)
            found.append(search.places(source))
    if not rows:
        raise no_rows(", ".join(work.data.sources) or "the query")
    report = retrieval_report(np.concatenate(found), len(search.vectors))
    return reported(report, names, output, rows=rows, started=started)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """``vectors`` float32 [items, dim] of the items that ``names`` tell apart; ``seen`` hold items, too."""

    trained: Trained
    identity: Category
    seen: tuple[Bag, ...]
    names: pa.ChunkedArray
    vectors: Floats32

    def places(self, source: Source) -> Floats:
        """The places of the items of the rows that were taken."""
        table = source.table
        if source.labels.size:
            table = table.filter(pa.array(source.labels == 1))
        truth = self._positions(column_of(table, self.identity.config))
        known = truth >= 0
        if not known.any():
            return np.empty(0)
        table = table.filter(pa.array(known))
        queries = self.trained.predict(table)[0]
        return ranks(queries, self.vectors, truth[known], self._hidden(table))

    def _positions(self, values: pa.ChunkedArray) -> Numbers:
        """The item of each value, -1 where it is NULL."""
        found = pc.index_in(values, value_set=self.names, skip_nulls=True).fill_null(-1)
        return np.asarray(found.to_numpy(), np.int64)

    def _hidden(self, table: pa.Table) -> Numbers | None:
        """The items that each row does not look for, [rows, length]."""
        if not self.seen:
            return None
        parts = []
        for bag in self.seen:
            lengths, elements = list_parts(column_of(table, bag.config))
            values = pa.chunked_array([elements]) if isinstance(elements, pa.Array) else elements
            parts.append(pad(lengths, self._positions(values.cast(self.names.type)), bag.length, -1))
        return np.concatenate(parts, axis=1)


def _search(trained: Trained, work: EvaluateWork, engine: Engine) -> _Search:
    """The items of the training, and behind them those that only the evaluated rows have."""
    from sqlrec.models.deep.goals.retrieval import item_columns, seen_bags
    from sqlrec.models.deep.towers.items import beside, identity_of, joined_items, load_items

    model, encoder = trained.model, trained.encoder
    columns, others = item_columns(model, encoder)
    identity = identity_of(encoder, sides_of(model).item_id)
    items = joined_items(
        load_items(Path(work.source_uri)), work.data, columns, identity, str(model.name), engine
    )
    return _Search(
        trained=trained,
        identity=identity,
        seen=seen_bags(encoder, model),
        names=column_of(items, identity.config),
        vectors=trained.predict(beside(items, others))[1],
    )


def _sources(trained: Trained, work: EvaluateWork, engine: Engine) -> Iterator[Source]:
    names = {column.name for column in trained.encoder.inputs}
    features = Schema(tuple(f for f in trained.model.features if f.name in names))
    roles = Roles(features=features, labels=trained.model.labels)
    chosen = select(work.data, roles, str(trained.model.name), engine)
    rows = 0
    for batch in engine.reader(chosen.relation):
        if batch.num_rows:
            table = pa.Table.from_batches([batch])
            yield checked(chosen, table, objective=Objective.RETRIEVAL, before=rows)
            rows += batch.num_rows
