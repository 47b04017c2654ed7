"""Users who take items near to them: tables, models and jobs of two towers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sqlrec.models.deep.controllers import DSSM
from sqlrec.spec.job import TrainWork
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import OptionValue, Parsed
from sqlrec.spec.schema import DataType, Field, Schema
from sqlrec.spec.table import Relation, TableFormat, TableSource

COLUMNS = {
    "user": "BIGINT",
    "age": "DOUBLE",
    "seen": "ARRAY<BIGINT>",
    "item": "BIGINT",
    "kind": "STRING",
    "image": "ARRAY<FLOAT>",
    "taken": "INT",
}
OPTIONS: Mapping[str, OptionValue] = {
    "label_columns": "taken",
    "item_features": "item, kind, image",
    "column.seen.shared_with": "item",
    "embedding_dim": 8,
    "user_hidden_units": "16",
    "item_hidden_units": "16",
    "output_dim": 8,
}


def takings(rows: int, seed: int = 0, items: int = 40) -> pa.Table:
    """User ``u`` takes item ``u`` or a neighbour; of a tenth of the rows nothing was taken."""
    rng = np.random.default_rng(seed)
    user = rng.integers(0, items, rows)
    taken = rng.random(rows) < 0.9
    item = np.where(taken, (user + rng.integers(0, 3, rows)) % items, rng.integers(0, items, rows))
    return pa.table(
        {
            "user": user,
            "age": pa.array(user % 7 + 20.0, mask=rng.random(rows) < 0.1),
            "seen": [[int(i) for i in rng.integers(0, items, n)] for n in rng.integers(0, 4, rows)],
            "item": item,
            "kind": [f"k{i % 5}" for i in item],
            "image": pa.array([[float(i % 3), 1.0] for i in item], pa.list_(pa.float32())),
            "taken": taken.astype(np.int32),
        }
    )


def model(columns: Mapping[str, str] = COLUMNS, **options: OptionValue | None) -> ModelSpec:
    """A small model of two towers; an option that is None is left out."""
    given = {key: value for key, value in {**OPTIONS, **options}.items() if value is not None}
    return ModelSpec(
        name=ModelName.of("recall"),
        type="tzrec.dssm",
        columns=Schema(tuple(Field(name=name, type=DataType.parse(text)) for name, text in columns.items())),
        outputs=DSSM.outputs(Schema(), {}),
        options=given,
    )


def stored(table: pa.Table, path: Path) -> Relation:
    """The table as a parquet file, and a relation over all of it."""
    pq.write_table(table, path)
    source = TableSource(name=path.stem, format=TableFormat.PARQUET, path=str(path))
    return Relation(query=f"SELECT * FROM {path.stem}", sources={path.stem: source})


def work(data: Relation, *, spec: ModelSpec | None = None, base: str = "", **options: Parsed) -> TrainWork:
    """A training that learns in a second."""
    training = {"batch_size": 128, "sparse_lr": 0.1, "dense_lr": 0.01, "num_epochs": 2, **options}
    return TrainWork(model=spec or model(), checkpoint="v1", data=data, base_uri=base, options=training)


def silent(message: str, *, done: float | None = None) -> None:
    """No progress is shown."""
    del message, done
