"""Tables of a training, an export or an evaluation: which columns are read, which labels are accepted.

Without torch, so that a job that only runs an exported model starts quickly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sqlrec.data.engine import Engine
from sqlrec.data.types import quote
from sqlrec.errors import DataError, SchemaError, suggest
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.table import Relation

SHOWN = 5
"""Values and row numbers named in a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The columns of a table that a model needs: features, then ``label``, then those asked for besides.

    ``name`` is for messages.
    """

    name: str
    relation: Relation
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A training or validation table with its checked labels. ``name`` is for messages."""

    name: str
    table: pa.Table
    labels: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.labels)


def select(relation: Relation, model: ModelSpec, engine: Engine, *more: str) -> Selection:
    """The needed columns, and no others, of a table; raises ``SchemaError`` SR450 for missing ones."""
    name = ", ".join(relation.sources) or "the query"
    label = model.labels[0]
    columns = _present(engine.schema(relation).names, (*model.features.names, label, *more), name, model)
    chosen = ", ".join(map(quote, dict.fromkeys(columns)))
    query = f"SELECT {chosen} FROM (\n{relation.query}\n)"  # noqa: S608 - quoted names
    found = columns[len(model.features)]
    return Selection(name=name, relation=replace(relation, query=query), label=found)


def read(relation: Relation, model: ModelSpec, engine: Engine) -> Source:
    """The feature and label columns of a table, in memory.

    Raises ``SchemaError`` SR450 (a column is missing) and ``DataError`` SR451 (no rows), SR453 (labels
    missing) and SR454 (labels that are not 0 or 1).
    """
    chosen = select(relation, model, engine)
    table = engine.table(chosen.relation)
    if not table.num_rows:
        raise no_rows(chosen.name)
    labels = read_labels(table.column(chosen.label), model.labels[0], chosen.name)
    return Source(name=chosen.name, table=table, labels=labels)


def no_rows(name: str) -> DataError:
    """SR451: a table without rows."""
    return DataError("SR451", f"{name} has no rows", hint="check the WHERE clause and the partition")


def require_both_classes(source: Source) -> None:
    """Raise ``DataError`` SR452 when all labels are equal: there is nothing to learn."""
    if source.labels.min() == source.labels.max():
        raise DataError(
            "SR452",
            f"all {len(source):,} rows of {source.name} have label {source.labels[0]:g}",
            hint="a model needs rows with label 0 and rows with label 1",
        )


def read_labels(
    column: pa.ChunkedArray, name: str, source: str, *, before: int = 0
) -> npt.NDArray[np.float32]:
    """Labels float32 [rows] from a column of 0 and 1 (any number type) or booleans.

    ``before`` is the number of rows that were read before, for the row numbers of messages.
    """
    kind = column.type
    empty = _mask(column.is_null(nan_is_null=True))
    if empty.any():
        raise DataError(
            "SR453",
            f"label column {name!r} of {source} has no value in {_rows(empty, before)}",
            hint=f"leave them out: WHERE {name} IS NOT NULL",
        )
    if not (pa.types.is_boolean(kind) or _is_number(kind)):
        shown = ", ".join(map(repr, pc.unique(column).to_pylist()[:SHOWN]))
        raise DataError(
            "SR454",
            f"label column {name!r} of {source} holds {kind} values such as {shown}",
            hint="a label is 0 or 1, or BOOLEAN: compute it in the query, e.g. rating >= 4 AS label",
        )
    values: npt.NDArray[np.float64] = column.cast(pa.float64(), safe=False).to_numpy()
    wrong = (values != 0) & (values != 1)
    if wrong.any():
        shown = ", ".join(f"{v:g}" for v in np.unique(values[wrong])[:SHOWN])
        raise DataError(
            "SR454",
            f"label column {name!r} of {source} holds {shown} in {_rows(wrong, before)}",
            hint="a label is 0 or 1: compute it in the query, e.g. rating >= 4 AS label",
        )
    return values.astype(np.float32)


def _present(names: Sequence[str], wanted: tuple[str, ...], source: str, model: ModelSpec) -> list[str]:
    """The table's spelling of the wanted columns."""
    spelled = {name.casefold(): name for name in names}
    missing = [name for name in wanted if name.casefold() not in spelled]
    if missing:
        hints = [suggest(name, names) for name in missing]
        what = "label column" if missing == [model.labels[0]] else "column"
        raise SchemaError(
            "SR450",
            f"{source} has no {what}{'s' if len(missing) > 1 else ''} {', '.join(map(repr, missing))}, "
            f"which model {model.name} needs",
            hint=" ".join(filter(None, hints)) or f"columns: {', '.join(names)}",
        )
    return [spelled[name.casefold()] for name in wanted]


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _mask(column: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    return np.asarray(column.to_numpy(), dtype=np.bool_)


def _rows(wrong: npt.NDArray[np.bool_], before: int) -> str:
    """``3 of 100 rows (rows 1, 7, 9)``; rows are counted from 1."""
    places = np.flatnonzero(wrong) + before + 1
    shown = ", ".join(str(p) for p in places[:SHOWN]) + (", …" if len(places) > SHOWN else "")
    return f"{len(places):,} of {len(wrong):,} rows (row {shown})"
