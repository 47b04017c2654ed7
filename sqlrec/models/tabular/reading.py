"""Training rows on their way into a matrix: in memory once, as what the matrix needs.

Numbers are narrowed batch by batch to the float32 that models read, and each batch is given up when it has
been encoded, while the matrices fill: a table and its matrix are never in memory together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sqlrec.data.engine import Engine
from sqlrec.features.raw import canonical
from sqlrec.models.objective import Objective
from sqlrec.models.tables.labels import ClassValue, class_values
from sqlrec.models.tables.roles import Roles
from sqlrec.models.tables.source import Source, checked, no_rows, select
from sqlrec.models.tabular.encoding import TableEncoder
from sqlrec.models.tabular.estimator import Floats
from sqlrec.spec.schema import Schema
from sqlrec.spec.table import Relation


def read_rows(
    relation: Relation,
    roles: Roles,
    what: str,
    engine: Engine,
    objective: Objective,
    classes: tuple[ClassValue, ...] = (),
) -> Source:
    """As :func:`sqlrec.models.tables.source.read`, with float features as float32."""
    chosen = select(relation, roles, what, engine)
    reader = engine.reader(chosen.relation)
    parts = [_narrowed(batch, roles.features) for batch in reader if batch.num_rows]
    if not parts:
        raise no_rows(chosen.name)
    table = pa.concat_tables(parts)
    if objective is Objective.MULTICLASS and not classes:
        classes = class_values([table.column(chosen.label)], chosen.roles.labels[0], chosen.name)
    return checked(chosen, table, objective=objective, classes=classes)


def _narrowed(batch: pa.RecordBatch, features: Schema) -> pa.Table:
    """Raises ``DataError`` SR442 for values that are no numbers.

    Other columns are copied: a column as DuckDB gave it keeps the memory of its whole batch.
    """
    columns = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        feature = features.get(name)
        if feature is not None and feature.type.is_float and not pa.types.is_float32(column.type):
            columns[name] = canonical(pa.chunked_array([column]), name, feature.type)
        else:
            columns[name] = pa.concat_arrays([column, column.slice(0, 0)])
    return pa.table(columns)


def encoded(
    batches: list[pa.RecordBatch], encoder: TableEncoder, parts: Sequence[npt.NDArray[np.int64]]
) -> list[Floats]:
    """The matrix of each of ``parts``, row numbers that ascend; ``batches`` is empty afterwards."""
    matrices: list[Floats] = [np.empty((len(rows), len(encoder.names)), np.float32) for rows in parts]
    before = 0
    batches.reverse()
    while batches:
        block = encoder.transform(batches.pop())
        for matrix, rows in zip(matrices, parts, strict=True):
            first, last = np.searchsorted(rows, [before, before + len(block)])
            matrix[first:last] = block[rows[first:last] - before]
        before += len(block)
    return matrices
