"""The rows of a job as parquet files that TorchEasyRec reads: queried, checked and cast by us.

TorchEasyRec reads files, not queries, so WHERE, templates, joins and the validation split are done before.
Types become those that it knows: a BOOLEAN is 0 or 1, a DECIMAL a float.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from sqlrec.artifacts.folder import staging
from sqlrec.data.engine import Engine
from sqlrec.models.deep.pipeline.columns import casts
from sqlrec.models.deep.pipeline.document import Subject
from sqlrec.models.objective import Objective
from sqlrec.models.tables.roles import Roles
from sqlrec.models.tables.source import Source, checked, no_rows, select
from sqlrec.spec.table import Relation

TRAIN, EVAL = "train", "eval"
COUNTS = "rows.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Rows to learn from, and rows to measure by."""

    train: int
    evaluation: int = 0


def write_rows(
    subject: Subject, data: Relation, validation: Relation | None, folder: Path, engine: Engine
) -> Counts:
    """Fill ``folder``, whole or not at all, with parquet files of ``train`` and ``eval``; once.

    Raises ``SchemaError`` and ``DataError`` for a table that does not fit, and SR451 when there are no rows.
    """
    if not (folder / COUNTS).is_file():
        shutil.rmtree(folder, ignore_errors=True)
        draft = staging(folder)
        counts = _written(subject, data, validation, draft, engine)
        (draft / COUNTS).write_text(json.dumps({TRAIN: counts.train, EVAL: counts.evaluation}))
        draft.rename(folder)
    found = json.loads((folder / COUNTS).read_text())
    return Counts(train=found[TRAIN], evaluation=found[EVAL])


def _written(
    subject: Subject, data: Relation, validation: Relation | None, folder: Path, engine: Engine
) -> Counts:
    seed, fraction = (cast(Any, subject.options.get(key, 0)) for key in ("seed", "validation_fraction"))
    share = 0.0 if validation else fraction
    random = np.random.default_rng(seed)
    with _Writer(folder / TRAIN) as train, _Writer(folder / EVAL) as evaluation:
        for table in _tables(subject, data, subject.roles, engine):
            held = random.random(table.num_rows) < share
            train.write(table.filter(pa.array(~held)))
            evaluation.write(table.filter(pa.array(held)))
        unweighted = replace(subject.roles, weight="")
        for table in _tables(subject, validation, unweighted, engine) if validation else ():
            evaluation.write(table)
    if not train.rows:
        raise no_rows(", ".join(data.sources) or "the query")
    return Counts(train=train.rows, evaluation=evaluation.rows)


def write_features(subject: Subject, sample: Relation, folder: Path, engine: Engine) -> Counts:
    """The feature columns of sample rows as one file; errors as above."""
    with _Writer(folder / TRAIN) as writer:
        for table in _samples(subject, sample, engine):
            writer.write(table)
    if not writer.rows:
        raise no_rows(", ".join(sample.sources) or "the query")
    return Counts(train=writer.rows)


class _Writer:
    """One parquet file in a folder, which is there only when there are rows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows = 0
        self._file: pq.ParquetWriter | None = None

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *error: object) -> None:
        if self._file:
            self._file.close()

    def write(self, table: pa.Table) -> None:
        if not table.num_rows:
            return
        if self._file is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = pq.ParquetWriter(self.folder / "part-00000.parquet", table.schema)
        self._file.write_table(table)
        self.rows += table.num_rows


def _tables(subject: Subject, relation: Relation, roles: Roles, engine: Engine) -> Iterator[pa.Table]:
    """Blocks of the rows, for two towers those with label 1: TorchEasyRec would learn others like them."""
    chosen = select(relation, roles, str(subject.model.name), engine)
    before = 0
    for batch in engine.reader(chosen.relation):
        block = pa.Table.from_batches([batch])
        source = checked(chosen, block, objective=subject.kind.objective, before=before)
        before += block.num_rows
        labels = _labels(source, roles)
        columns = {**dict(zip(subject.labels, labels, strict=True)), **_weights(source, subject.roles.weight)}
        table = pa.table({**_features(subject, block), **columns})
        is_retrieval = subject.kind.objective is Objective.RETRIEVAL
        yield table.filter(pa.array(labels[0] > 0)) if is_retrieval else table


def _samples(subject: Subject, relation: Relation, engine: Engine) -> Iterator[pa.Table]:
    """Blocks of the rows' features alone."""
    chosen = select(relation, Roles(features=subject.roles.features), str(subject.model.name), engine)
    for batch in engine.reader(chosen.relation):
        yield pa.table(_features(subject, pa.Table.from_batches([batch])))


def _features(subject: Subject, table: pa.Table) -> dict[str, pa.ChunkedArray]:
    """Feature columns, as the model spells them."""
    spelled, types = {name.casefold(): name for name in table.schema.names}, casts(subject.columns)
    return {
        column.name: table.column(spelled[column.name.casefold()]).cast(
            ARROW[types[column.name.casefold()]], safe=False
        )
        for column in subject.columns
    }


def _labels(source: Source, roles: Roles) -> list[npt.NDArray[np.int64]]:
    """A column for each label; where there is none, one that says that every row counts."""
    if not roles.labels:
        return [np.ones(len(source), np.int64)]
    return [*source.labels.reshape(len(source), -1).T.astype(np.int64)]


def _weights(source: Source, name: str) -> dict[str, npt.NDArray[np.float32]]:
    """Rows to measure by have no weights, and weigh the same."""
    if not name:
        return {}
    return {name: np.ones(len(source), np.float32) if source.weights is None else source.weights}


ARROW = {
    name: kind
    for base in (pa.float32(), pa.int64(), pa.string())
    for name, kind in ((str(base), base), (f"list<{base}>", pa.list_(base)))
}
"""Types by the names that :func:`~sqlrec.models.deep.pipeline.columns.casts` gives."""
