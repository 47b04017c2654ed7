"""A model asked in this process scores as its service does, with fewer steps between."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from sqlrec.errors import DataError, SchemaError, StateError
from sqlrec.programs.inprocess import InProcess
from sqlrec.spec.service import ServedModel
from tests.registries import export_output, model


@pytest.fixture
def served(tmp_path: Path) -> ServedModel:
    folder, _ = export_output(tmp_path / "export", 2.0)
    return ServedModel(
        model=model(user_id="BIGINT", price="DOUBLE", clicked="INT"),
        checkpoint="v1_export",
        version=1,
        model_uri=str(folder),
    )


def score(served: ServedModel, *batches: pa.RecordBatch, **options: Any) -> list[pa.RecordBatch]:
    async def work() -> list[pa.RecordBatch]:
        async with InProcess(served, threads=2, **options) as scorer:
            first = 0
            tasks = []
            for batch in batches:
                tasks.append(scorer.score(batch, first_row=first))
                first += batch.num_rows
            results = await asyncio.gather(*tasks)
            assert all(r.schema == scorer.schema(b.schema) for r, b in zip(results, batches, strict=True))
            return results

    return asyncio.run(work())


def test_columns_of_any_width_many_batches_and_none(served: ServedModel) -> None:
    rows = pa.RecordBatch.from_pydict(
        {
            "USER_ID": pa.array(range(1000), pa.int32()),
            "price": pa.array([0.5] * 1000).cast(pa.decimal128(4, 2)),
        }
    )
    results = score(served, rows.slice(0, 300), rows.slice(300, 0), rows.slice(300))
    assert [result.num_rows for result in results] == [300, 0, 700]
    assert pa.Table.from_batches(results).column("probs").to_pylist() == [float(n) for n in range(1000)]


def test_a_feature_without_a_column(served: ServedModel) -> None:
    rows = pa.RecordBatch.from_pydict({"user_id": [1]})
    with pytest.raises(SchemaError, match="needs feature price"):
        score(served, rows)
    (result,) = score(served, rows, missing_features="null")
    assert str(result.column("probs")[0]) == "nan"


@pytest.mark.parametrize(
    ("values", "words"),
    [([1.0, 2.5], "row 11, column user_id: expected"), ([date(2024, 1, 1)] * 2, "column user_id")],
)
def test_a_value_that_does_not_fit_names_its_row_of_the_table(
    served: ServedModel, values: list[Any], words: str
) -> None:
    good = pa.RecordBatch.from_pydict({"user_id": [1.0] * 10, "price": [1.0] * 10})
    bad = pa.RecordBatch.from_pydict({"user_id": values, "price": [1.0] * 2})
    with pytest.raises(DataError, match=words) as caught:
        score(served, good, bad)
    assert caught.value.code == "SR639"


def test_a_file_that_was_changed(served: ServedModel) -> None:
    Path(served.model_uri, "model.onnx").write_bytes(b"other")
    with pytest.raises(StateError, match="was changed"):
        InProcess(served, threads=1)
