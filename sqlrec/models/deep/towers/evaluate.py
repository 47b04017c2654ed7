"""The evaluation program of two towers: at which place among all items the one stands that a user took.

Both towers are needed: one by itself says where a user or an item lies, and not what is near to it. Rows are
streamed; the candidates are in memory. Items are told apart by their names, so the figures of items that the
vocabulary does not have are exact, too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from sqlrec.artifacts.cache import local_copy
from sqlrec.data.engine import Engine
from sqlrec.errors import JobError
from sqlrec.models.controller import Progress
from sqlrec.models.measuring.evaluation import reported
from sqlrec.models.measuring.measures import wanted
from sqlrec.models.measuring.objectives import retrieval_report
from sqlrec.models.objective import Objective
from sqlrec.models.tables.roles import Roles
from sqlrec.models.tables.source import Source, checked, no_rows, select
from sqlrec.spec.job import EvaluateWork, JobResult
from sqlrec.spec.model import CheckpointKind
from sqlrec.spec.schema import Schema

if TYPE_CHECKING:
    from sqlrec.models.deep.checkpoint import Trained


def evaluate(work: EvaluateWork, output: Path, progress: Progress) -> JobResult:
    """Measure the checkpoint at ``work.source_uri``; ``evaluation.json`` and plots go into ``output``.

    The candidates are the items of the training and of the evaluated rows. Raises ``SchemaError`` and
    ``DataError`` for rows that do not fit, ``OptionError`` SR560, ``StateError`` SR521 and ``JobError`` SR561
    for the export of one tower.
    """
    from sqlrec.models.deep import checkpoint
    from sqlrec.models.deep.towers.search import Search

    if work.kind is not CheckpointKind.ORIGIN:
        origin = work.checkpoint.rpartition("/")[0].removesuffix("_export")
        raise JobError(
            "SR561",
            f"{work.checkpoint} of {work.model.name} is one tower: it cannot be measured without the other",
            hint=f"evaluate CHECKPOINT = '{origin}', the training checkpoint, which has both",
        )
    started, names = time.perf_counter(), wanted(work.options, Objective.RETRIEVAL)
    progress(f"opening {work.checkpoint} of {work.model.name}", done=0.0)
    trained = checkpoint.load(local_copy(work.source_uri))
    with Engine() as engine:
        search = Search.of(trained, local_copy(work.source_uri), work.data, engine)
        progress(f"measuring among {search.items.num_rows:,} items")
        items, rows, found = trained.predict(search.items)[1], 0, []
        for source in _sources(trained, work, engine):
            rows += len(source)
            asked = search.asked(source.table, source.labels if source.labels.size else None)
            if len(asked.rows):
                users = trained.predict(source.table.take(pa.array(asked.rows)))[0]
                found.append(asked.places(users, items))
    if not rows:
        raise no_rows(", ".join(work.data.sources) or "the query")
    report = retrieval_report(np.concatenate(found) if found else np.empty(0), len(items))
    return reported(report, names, output, rows=rows, started=started)


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
