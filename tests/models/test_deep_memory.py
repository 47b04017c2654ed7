"""A table several times larger than the memory a job may use is trained on, and the peak is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlrec.spec import codec
from sqlrec.spec.job import TrainWork
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.schema import DataType, Field, Schema
from sqlrec.spec.table import Relation, TableFormat, TableSource

pytestmark = pytest.mark.ml

ALLOWED = 88 << 20
"""Bytes that the job may take beyond what its libraries take, its threads started."""
ROWS, LENGTH, WIDTH = 455_000, 1000, 12

PROGRAM = """
import json, resource, sys
from pathlib import Path
import torch
from sqlrec.models.deep.options import Architecture
from sqlrec.models.deep.controllers import deep_model
from sqlrec.models.deep.prepare import prepare
from sqlrec.models.deep.train import train
from sqlrec.models.deep.training_options import Training
from sqlrec.models.measuring import plots
from sqlrec.models.memory import peak_memory
from sqlrec.spec import codec
from sqlrec.spec.job import TrainWork

small, work, output, allowed = sys.argv[1:]
small, work = (codec.loads(TrainWork, Path(path).read_bytes()) for path in (small, work))
options = deep_model(work.model.type).options
training = Training.read(options, work.options)
prepare(small, Architecture.read(options, work.model.options), training, lambda *a, **k: None)
layer = torch.nn.Linear(4, 4)
layer(torch.zeros(2, 4)).sum().backward()
torch.optim.Adam(layer.parameters(), fused=True).step()
before = next(int(l.split()[1]) << 10 for l in open("/proc/self/status") if l.startswith("VmData"))
resource.setrlimit(resource.RLIMIT_DATA, (before + int(allowed), before + int(allowed)))
start = peak_memory()
result = train(work, Path(output), lambda *a, **k: None)
print(json.dumps({"params": dict(result.params), "metrics": dict(result.metrics), "start": start}))
"""


def work_on(folder: Path, name: str, rows: int) -> tuple[TrainWork, int]:
    """A training over ``rows`` random texts and vectors, and the bytes of its table."""
    random, size, file = np.random.default_rng(0), 0, folder / f"{name}.parquet"
    types = {"text": "STRING", "image": "ARRAY<FLOAT>", "label": "INT"}
    schema = pa.schema({"text": pa.string(), "image": pa.list_(pa.float32()), "label": pa.int32()})
    texts = pa.array([f"{number:0{LENGTH}}" for number in range(40)])
    with pq.ParquetWriter(file, schema) as writer:
        for start in range(0, rows, 4096):
            count = min(4096, rows - start)
            text = random.integers(0, 40, count)
            image = random.integers(0, 4, (count, WIDTH)).astype(np.float32)
            label = (np.sin(text) + (image[:, 0] > 1) > 0.5).astype(np.int32)
            offsets = pa.array(np.arange(0, image.size + 1, WIDTH, dtype=np.int32))
            images = pa.ListArray.from_arrays(offsets, pa.array(image.ravel()))
            block = pa.table({"text": texts.take(pa.array(text)), "image": images, "label": label}, schema)
            size += block.nbytes
            writer.write_table(block)
    model = ModelSpec(
        name=ModelName.of("ctr"),
        type="tzrec.wide_and_deep",
        columns=Schema(tuple(Field(name=n, type=DataType.parse(t)) for n, t in types.items())),
        outputs=Schema((Field(name="probs", type=DataType.parse("FLOAT")),)),
        options={"label_columns": "label", "hidden_units": "8", "embedding_dim": 4},
    )
    source = TableSource(name="t", format=TableFormat.PARQUET, path=str(file))
    options = {"batch_size": 8192, "dense_lr": 0.01, "sparse_lr": 0.1}
    data = Relation(query="SELECT * FROM t", sources={"t": source})
    work = TrainWork(model=model, checkpoint="v1", data=data, options=options)
    (folder / f"{name}.json").write_text(codec.dumps(work))
    return work, size


def test_a_table_five_times_larger_than_the_memory_is_trained_on(tmp_path: Path) -> None:
    work_on(tmp_path, "small", 500)
    _, size = work_on(tmp_path, "large", ROWS)
    assert size > 5 * ALLOWED
    output = tmp_path / "output"
    output.mkdir()
    spill = tmp_path / "spill"
    spill.mkdir()
    arguments = [
        PROGRAM,
        str(tmp_path / "small.json"),
        str(tmp_path / "large.json"),
        str(output),
        str(ALLOWED),
    ]
    environ = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "TMPDIR": str(spill),
        "MALLOC_ARENA_MAX": "1",  # the limit counts what allocators reserve and do not use
        "MIMALLOC_ARENA_EAGER_COMMIT": "0",
        "MIMALLOC_EAGER_COMMIT": "0",
        "MIMALLOC_PURGE_DELAY": "0",
    }
    limited = ["bash", "-c", 'ulimit -s 1024; exec "$0" "$@"', sys.executable, "-c", *arguments]
    finished = subprocess.run(limited, env=environ, capture_output=True, text=True, timeout=300)
    assert finished.returncode == 0, finished.stderr
    told = json.loads(finished.stdout)
    assert told["params"]["rows_in"] == "disk"
    assert told["metrics"]["rows"] > 0.8 * ROWS
    assert told["metrics"]["auc"] > 0.9
    assert 0 < told["metrics"]["peak_memory_bytes"] - told["start"] < 1.5 * ALLOWED
    assert list(spill.glob("sqlrec-*")) == [], "nothing is left on disk"
