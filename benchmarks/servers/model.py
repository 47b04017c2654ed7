"""The benchmark's model: trained and exported by the product's own jobs, as FP32 and INT8."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

COLUMNS = {
    "user_id": 20_000,
    "item_id": 5_000,
    "shop_id": 1_000,
    "city": 300,
    "device": 5,
    "hour": 24,
    "age": 80,
    "category": 50,
}
"""The features and how many values each has."""
TEXT = ("city", "device", "category", "shop_id")
"""Those that are text under --mixed."""
LAYERS = "512,256,128"


def rows(count: int, *, mixed: bool, seed: int) -> dict[str, Any]:
    """Columns of random values, as numpy arrays."""
    import numpy as np

    rng = np.random.default_rng(seed)
    made = {name: rng.integers(0, size, count) for name, size in COLUMNS.items()}
    if mixed:
        made |= {name: np.char.add(f"{name} ", made[name].astype(str)) for name in TEXT}
    return made


def make(folder: Path, *, mixed: bool) -> None:
    """Write ``model.onnx``, ``model.int8.onnx`` and ``<variant>.service.json`` into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    import pyarrow as pa
    import pyarrow.parquet as pq

    from sqlrec.jobs.harness import run
    from sqlrec.spec import codec
    from sqlrec.spec.job import ExportWork, JobKind, JobSpec, TrainWork
    from sqlrec.spec.model import ModelSpec
    from sqlrec.spec.names import ModelName
    from sqlrec.spec.schema import DataType, Field, Kind, Schema
    from sqlrec.spec.service import ServedModel, ServiceSpec
    from sqlrec.spec.table import Relation, TableFormat, TableSource

    columns = rows(60_000, mixed=mixed, seed=1)
    columns["label"] = (columns["user_id"] + columns["item_id"]) % 2
    pq.write_table(pa.table(columns), folder / "rows.parquet")
    kinds = {name: Kind.STRING if mixed and name in TEXT else Kind.BIGINT for name in columns}
    model = ModelSpec(
        name=ModelName.of("bench"),
        type="tzrec.wide_and_deep",
        columns=Schema(tuple(Field(name=name, type=DataType(kind)) for name, kind in kinds.items())),
        outputs=Schema((Field(name="probs", type=DataType(Kind.FLOAT)),)),
        options={"label_columns": "label", "hidden_units": LAYERS, "embedding_dim": 16},
    )
    source = TableSource(name="rows", format=TableFormat.PARQUET, path=str(folder / "rows.parquet"))
    data = Relation(query="SELECT * FROM rows", sources={"rows": source})
    train = TrainWork(model=model, checkpoint="v1", data=data, options={"batch_size": 4096})
    run(JobSpec(id="train", kind=JobKind.TRAIN, work=train, output_uri=str(folder / "v1")))
    export = ExportWork(
        model=model,
        checkpoint="v1_export",
        source_uri=str(folder / "v1"),
        sample=data,
        options={"max_metric_loss": 1.0},
    )
    run(JobSpec(id="export", kind=JobKind.EXPORT, work=export, output_uri=str(folder / "export")))
    for variant, name in {"fp32": "model.onnx", "int8": "model.int8.onnx"}.items():
        shutil.copy(folder / "export" / name, folder / name)
        own = ServedModel(
            model=model, checkpoint="v1_export", version=1, model_uri=str(folder / "export"), variant=variant
        )
        spec = ServiceSpec(name="bench", models=(own,))
        (folder / f"{variant}.service.json").write_text(codec.dumps(spec))


def bodies(folder: Path, count: int, *, mixed: bool) -> None:
    """Write requests of ``count`` rows: ``rows``, ``columns``, and mlflow's forms of both."""
    columns = {name: values.tolist() for name, values in rows(count, mixed=mixed, seed=2).items()}
    as_rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    split = {"columns": list(columns), "data": [list(row.values()) for row in as_rows]}
    for name, body in {
        "rows": as_rows,
        "columns": columns,
        "mlflow.rows": {"dataframe_records": as_rows},
        "mlflow.columns": {"dataframe_split": split},
    }.items():
        (folder / f"{name}.{count}.json").write_text(json.dumps(body))


if __name__ == "__main__":
    where, is_mixed = Path(sys.argv[1]), sys.argv[2:] == ["mixed"]
    make(where, mixed=is_mixed)
    for number in (1, 100):
        bodies(where, number, mixed=is_mixed)
