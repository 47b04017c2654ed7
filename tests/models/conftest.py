"""Small click tables with a known pattern, and the models and jobs that train on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlrec.models.deep.controller import OUTPUT
from sqlrec.spec.job import TrainWork
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import OptionValue, Parsed
from sqlrec.spec.schema import DataType, Field, Schema
from sqlrec.spec.table import Relation, TableFormat, TableSource

COLUMNS = {
    "user": "BIGINT",
    "shop": "STRING",
    "price": "DOUBLE",
    "is_new": "BOOLEAN",
    "tags": "ARRAY<STRING>",
    "label": "INT",
}


@pytest.fixture
def clicks() -> Callable[..., pa.Table]:
    """``clicks(rows, seed=0, users=40)``: the label follows user, shop, price and tags, with noise."""

    def make(rows: int, seed: int = 0, users: int = 40) -> pa.Table:
        rng = np.random.default_rng(seed)
        user, shop = rng.integers(0, users, rows), rng.integers(0, 6, rows)
        price, is_new = rng.gamma(2.0, 10.0, rows), rng.random(rows) < 0.3
        tags = [[f"t{t}" for t in rng.integers(0, 5, rng.integers(0, 4))] for _ in range(rows)]
        score = np.sin(user) + 0.8 * (shop % 3 - 1) - price / 20 + 1 + np.array(["t1" in t for t in tags])
        label = rng.random(rows) < 1 / (1 + np.exp(-2 * score))
        return pa.table(
            {
                "user": pa.array(user, pa.int64()),
                "shop": pa.array([f"shop-{s}" for s in shop]),
                "price": pa.array(price, pa.float64(), mask=rng.random(rows) < 0.1),
                "is_new": pa.array(is_new),
                "tags": pa.array(tags, pa.list_(pa.string())),
                "label": pa.array(label.astype(np.int32)),
            }
        )

    return make


@pytest.fixture
def make_model() -> Callable[..., ModelSpec]:
    """``make_model(columns, **options)``: a Wide & Deep model, small unless told otherwise."""

    def make(columns: Mapping[str, str] = COLUMNS, **options: OptionValue) -> ModelSpec:
        given = {"label_columns": "label", "embedding_dim": 4, "hidden_units": "16,8", **options}
        fields = tuple(Field(name=name, type=DataType.parse(text)) for name, text in columns.items())
        return ModelSpec(
            name=ModelName.of("ctr"),
            type="tzrec.wide_and_deep",
            columns=Schema(fields),
            outputs=Schema((OUTPUT,)),
            options=given,
        )

    return make


@pytest.fixture
def stored(tmp_path: Path) -> Callable[[pa.Table, str], Relation]:
    """``stored(table, name)``: the table as a parquet file, and a relation over all of it."""

    def store(table: pa.Table, name: str = "clicks") -> Relation:
        path = tmp_path / f"{name}.parquet"
        pq.write_table(table, path)
        source = TableSource(name=name, format=TableFormat.PARQUET, path=str(path))
        return Relation(query=f"SELECT * FROM {name}", sources={name: source})

    return store


@pytest.fixture
def make_work(
    make_model: Callable[..., ModelSpec], stored: Callable[..., Relation]
) -> Callable[..., TrainWork]:
    """``make_work(table, validation=table, base=path, model=model, **options)``."""

    def make(
        table: pa.Table,
        *,
        validation: pa.Table | None = None,
        base: Path | None = None,
        model: ModelSpec | None = None,
        **options: Parsed,
    ) -> TrainWork:
        return TrainWork(
            model=model or make_model(),
            checkpoint="v1",
            data=stored(table, "clicks"),
            validation=stored(validation, "held_out") if validation is not None else None,
            base_uri=str(base) if base else "",
            options={"batch_size": 64, "sparse_lr": 0.1, "dense_lr": 0.01, **options},
        )

    return make
