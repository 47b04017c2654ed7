"""Training tables → tensors: which columns are read, which labels are accepted, how rows are encoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from sqlrec.data.engine import Engine
from sqlrec.data.types import quote
from sqlrec.errors import DataError, SchemaError, suggest
from sqlrec.features.columns import FeatureConfig
from sqlrec.features.encoder import Encoded, Encoder
from sqlrec.models.deep.options import Architecture
from sqlrec.models.deep.rows import Rows
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import canonical_key
from sqlrec.spec.table import Relation

ENCODING_ROWS = 131_072
"""Rows encoded at once by one thread."""
SHOWN = 5
"""Values and row numbers named in a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A training or validation table with its checked labels. ``name`` is for messages."""

    name: str
    table: pa.Table
    labels: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.labels)


def feature_configs(model: ModelSpec, shape: Architecture) -> list[FeatureConfig]:
    """The encoder's view of a model's feature columns, in declared order."""
    return [
        FeatureConfig(
            name=column.name,
            type=column.type,
            embedding_dim=shape.embedding_dims.get(canonical_key(column.name), shape.embedding_dim),
            bucket_size=shape.bucket_sizes.get(canonical_key(column.name), shape.num_buckets),
            max_length=shape.max_array_length,
        )
        for column in model.features
    ]


def read(relation: Relation, model: ModelSpec, engine: Engine) -> Source:
    """The feature and label columns of a table, in memory.

    Raises ``SchemaError`` SR430 (a column is missing) and ``DataError`` SR431 (no rows), SR433 (labels
    missing) and SR434 (labels that are not 0 or 1).
    """
    name = ", ".join(relation.sources) or "the training query"
    label = model.labels[0]
    columns = _present(engine.schema(relation).names, (*model.features.names, label), name, model)
    query = f"SELECT {', '.join(map(quote, columns))} FROM (\n{relation.query}\n)"  # noqa: S608 - quoted names
    table = engine.table(replace(relation, query=query))
    if not table.num_rows:
        raise DataError("SR431", f"{name} has no rows", hint="check the WHERE clause and the partition")
    labels = read_labels(table.column(columns[-1]), label, name)
    return Source(name=name, table=table, labels=labels)


def require_both_classes(source: Source) -> None:
    """Raise ``DataError`` SR432 when all labels are equal: there is nothing to learn."""
    if source.labels.min() == source.labels.max():
        raise DataError(
            "SR432",
            f"all {len(source):,} rows of {source.name} have label {source.labels[0]:g}",
            hint="a model needs rows with label 0 and rows with label 1",
        )


def read_labels(column: pa.ChunkedArray, name: str, source: str) -> npt.NDArray[np.float32]:
    """Labels float32 [rows] from a column of 0 and 1 (any number type) or booleans."""
    kind = column.type
    empty = _mask(column.is_null(nan_is_null=True))
    if empty.any():
        raise DataError(
            "SR433",
            f"label column {name!r} of {source} has no value in {_rows(empty)}",
            hint=f"leave them out: WHERE {name} IS NOT NULL",
        )
    if not (pa.types.is_boolean(kind) or _is_number(kind)):
        shown = ", ".join(map(repr, pc.unique(column).to_pylist()[:SHOWN]))
        raise DataError(
            "SR434",
            f"label column {name!r} of {source} holds {kind} values such as {shown}",
            hint="a label is 0 or 1, or BOOLEAN: compute it in the query, e.g. rating >= 4 AS label",
        )
    values: npt.NDArray[np.float64] = column.cast(pa.float64(), safe=False).to_numpy()
    wrong = (values != 0) & (values != 1)
    if wrong.any():
        shown = ", ".join(f"{v:g}" for v in np.unique(values[wrong])[:SHOWN])
        raise DataError(
            "SR434",
            f"label column {name!r} of {source} holds {shown} in {_rows(wrong)}",
            hint="a label is 0 or 1: compute it in the query, e.g. rating >= 4 AS label",
        )
    return values.astype(np.float32)


def encode(encoder: Encoder, source: Source, threads: int) -> Rows:
    """The rows of a table as tensors; blocks of rows are encoded by ``threads`` threads."""
    table = source.table
    starts = range(0, max(table.num_rows, 1), ENCODING_ROWS)
    with ThreadPoolExecutor(threads) as pool:
        blocks = list(pool.map(lambda start: encoder.transform(table.slice(start, ENCODING_ROWS)), starts))
    return Rows(
        ids=_joined(block.ids.astype(np.int32) for block in blocks),
        bags=tuple(_bags(blocks, i) for i in range(len(encoder.bags))),
        dense=_joined(block.dense for block in blocks),
        labels=torch.from_numpy(source.labels),
    )


def _bags(blocks: list[Encoded], position: int) -> Tensor:
    return _joined(block.bags[position].astype(np.int32) for block in blocks)


def _joined(parts: Iterator[npt.NDArray[Any]]) -> Tensor:
    return torch.from_numpy(np.concatenate(list(parts)))


def _present(names: Sequence[str], wanted: tuple[str, ...], source: str, model: ModelSpec) -> list[str]:
    """The table's spelling of the wanted columns."""
    spelled = {name.casefold(): name for name in names}
    missing = [name for name in wanted if name.casefold() not in spelled]
    if missing:
        hints = [suggest(name, names) for name in missing]
        what = "label column" if missing == [model.labels[0]] else "column"
        raise SchemaError(
            "SR430",
            f"{source} has no {what}{'s' if len(missing) > 1 else ''} {', '.join(map(repr, missing))}, "
            f"which model {model.name} needs",
            hint=" ".join(filter(None, hints)) or f"columns: {', '.join(names)}",
        )
    return [spelled[name.casefold()] for name in wanted]


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _mask(column: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    return np.asarray(column.to_numpy(), dtype=np.bool_)


def _rows(wrong: npt.NDArray[np.bool_]) -> str:
    """``3 of 100 rows (rows 1, 7, 9)``; rows are counted from 1."""
    places = np.flatnonzero(wrong) + 1
    shown = ", ".join(str(p) for p in places[:SHOWN]) + (", …" if len(places) > SHOWN else "")
    return f"{len(places):,} of {len(wrong):,} rows (row {shown})"
