"""Rows on their way into a matrix: narrowed as they are read, given up as they are encoded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlrec.data.engine import Engine
from sqlrec.errors import DataError
from sqlrec.features.matrix import Encoding
from sqlrec.models.objective import Objective
from sqlrec.models.tables.roles import Roles
from sqlrec.models.tables.source import Source
from sqlrec.models.tabular.encoding import fit_encoder
from sqlrec.models.tabular.reading import encoded, read_rows
from sqlrec.spec.schema import DataType, Field, Schema
from sqlrec.spec.table import Relation, TableFormat, TableSource

pytestmark = pytest.mark.ml
ROWS = 200_000
FEATURES = Schema(
    tuple(
        Field(name=name, type=DataType.parse(kind))
        for name, kind in (("price", "DOUBLE"), ("shop", "STRING"), ("hour", "INT"))
    )
)


def source_of(folder: Path, price: pa.Array) -> Source:
    random = np.random.default_rng(0)
    table = pa.table(
        {
            "price": price,
            "shop": pa.array([f"s{n}" for n in random.integers(0, 5, len(price))]),
            "hour": random.integers(0, 24, len(price)),
            "label": random.integers(0, 2, len(price)),
        }
    )
    pq.write_table(table, folder / "t.parquet")
    files = {"t": TableSource(name="t", format=TableFormat.PARQUET, path=str(folder / "t.parquet"))}
    with Engine(threads=1) as engine:
        roles = Roles(features=FEATURES, labels=("label",))
        return read_rows(
            Relation(query="SELECT * FROM t", sources=files), roles, "m", engine, Objective.BINARY
        )


def test_rows_are_kept_once_and_given_up_as_they_are_encoded(tmp_path: Path) -> None:
    price = np.random.default_rng(1).normal(size=ROWS) * 1e300
    before = pa.total_allocated_bytes()
    source = source_of(tmp_path, pa.array(price, mask=price > 1e300))
    assert source.table.schema.field("price").type == pa.float32()
    held = pa.total_allocated_bytes() - before
    assert held < 1.3 * source.table.nbytes, "no column keeps the memory of the batch it came in"
    encoder = fit_encoder(source.table, FEATURES, Encoding.ORDINAL, {})
    batches = source.table.to_batches()
    assert len(batches) > 2
    whole, parts = (
        encoder.transform(source.table),
        (np.arange(0, ROWS, 3), np.arange(1, ROWS, 3), np.arange(0)),
    )
    for matrix, rows in zip(encoded(batches, encoder, parts), parts, strict=True):
        np.testing.assert_array_equal(matrix, whole[rows])
    assert not batches


def test_values_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"SR442.*'price'"):
        source_of(tmp_path, pa.array(["a", "b"]))
