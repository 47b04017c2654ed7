"""Training on a table larger than the memory for it, against the same training in memory.

    python benchmarks/memory.py [--rows 4000000] [--megabytes 64] [--epochs 1] [--threads 1] [--folder DIR]

A table of clicks is made as parquet, then trained on by one process for each way: rows in memory, and rows on
disk with ``--megabytes`` allowed for them. Told are the sizes of the table as Arrow and of what was allowed,
the peak of the process beyond what it held when it began, reading and encoding, and training speed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS = {
    "user": "BIGINT",
    "item": "BIGINT",
    "city": "STRING",
    "device": "STRING",
    "hour": "INT",
    "price": "DOUBLE",
    "age": "DOUBLE",
    "tags": "ARRAY<STRING>",
    "label": "INT",
}
BLOCK = 1 << 17


def made(rows: int, seed: int) -> pa.Table:
    random = np.random.default_rng(seed)
    user, item = random.zipf(1.3, rows) % 50_000, random.zipf(1.3, rows) % 20_000
    hour, price = random.integers(0, 24, rows), random.gamma(2.0, 10.0, rows)
    score = np.sin(user) + np.cos(item) + 0.3 * np.sin(hour / 4) - price / 40
    lengths = random.integers(0, 4, rows)
    tags = pa.array([f"tag-{n}" for n in range(100)]).take(pa.array(random.integers(0, 100, lengths.sum())))
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    cities, devices = (pa.array([f"{name}-{n}" for n in range(300)]) for name in ("city", "device"))
    return pa.table(
        {
            "user": user,
            "item": item,
            "city": cities.take(pa.array(random.integers(0, 300, rows))),
            "device": devices.take(pa.array(random.integers(0, 20, rows))),
            "hour": hour.astype(np.int32),
            "price": price,
            "age": random.normal(40, 12, rows),
            "tags": pa.ListArray.from_arrays(offsets, tags),
            "label": (random.random(rows) < 1 / (1 + np.exp(-2 * score))).astype(np.int32),
        }
    )


def write(path: Path, rows: int) -> int:
    """Write the table; gives its size as Arrow."""
    size, writer = 0, None
    for number, start in enumerate(range(0, rows, BLOCK)):
        block = made(min(BLOCK, rows - start), number)
        writer = writer or pq.ParquetWriter(path, block.schema)
        writer.write_table(block)
        size += block.nbytes
    assert writer is not None
    writer.close()
    return size


def train(path: str, megabytes: int, epochs: int, threads: int) -> dict[str, Any]:
    """One training in this process."""
    from sqlrec.models.deep.train import train as run
    from sqlrec.models.memory import peak_memory
    from sqlrec.spec.job import TrainWork
    from sqlrec.spec.model import ModelSpec
    from sqlrec.spec.names import ModelName
    from sqlrec.spec.schema import DataType, Field, Schema
    from sqlrec.spec.table import Relation, TableFormat, TableSource

    source = TableSource(name="clicks", format=TableFormat.PARQUET, path=path)
    work = TrainWork(
        model=ModelSpec(
            name=ModelName.of("clicks"),
            type="tzrec.wide_and_deep",
            columns=Schema(tuple(Field(name=n, type=DataType.parse(t)) for n, t in COLUMNS.items())),
            outputs=Schema((Field(name="probs", type=DataType.parse("FLOAT")),)),
            options={"label_columns": "label", "model": "tzrec.wide_and_deep", "hidden_units": "128,64"},
        ),
        checkpoint="v1",
        data=Relation(query="SELECT * FROM clicks", sources={"clicks": source}),
        options={
            "num_epochs": epochs,
            "batch_size": 4096,
            "sparse_lr": 0.1,
            "num_threads": threads,
            "num_workers": threads,
            "data_memory_mb": megabytes,
            "feature_importance": False,
        },
    )
    start, began = peak_memory(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        result = run(work, Path(folder), lambda message, done=None: None)
    seconds = time.perf_counter() - began
    trained = result.rows * epochs / result.metrics["rows_per_second"]
    return {
        "rows_in": result.params["rows_in"],
        "peak": result.metrics["peak_memory_bytes"] - start,
        "seconds": seconds,
        "outside": seconds - trained,
        "rows_per_second": result.metrics["rows_per_second"],
        "auc": result.metrics["auc"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--megabytes", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--folder", default=tempfile.gettempdir())
    parser.add_argument("--one", nargs=2, metavar=("TABLE", "MEGABYTES"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(train(given.one[0], int(given.one[1]), given.epochs, given.threads)))
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        table = Path(folder) / "clicks.parquet"
        size = write(table, given.rows)
        print(f"{given.rows:,} rows, {size / 2**20:,.0f} MiB as Arrow, {given.threads} thread(s)")
        print(f"{'rows in':8} {'allowed':>9} {'peak':>10} {'read+rest':>10} {'training':>14} {'AUC':>7}")
        for megabytes in (size >> 18, given.megabytes):
            command = [sys.executable, __file__, "--one", str(table), str(megabytes)]
            command += ["--epochs", str(given.epochs), "--threads", str(given.threads)]
            environ = {**os.environ, "OMP_NUM_THREADS": str(given.threads)}
            told = json.loads(subprocess.run(command, check=True, capture_output=True, env=environ).stdout)
            print(
                f"{told['rows_in']:8} {megabytes:>5} MiB {told['peak'] / 2**20:>6,.0f} MiB "
                f"{told['outside']:>8.1f} s {told['rows_per_second']:>8,.0f} rows/s {told['auc']:>7.4f}"
            )


if __name__ == "__main__":
    main()
