"""The heavy half: what runs in jobs. A program writes its files into the empty folder ``output``."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pyarrow as pa
from onnx import TensorProto, helper

from sqlrec.artifacts.folder import write_signature
from sqlrec.data.engine import Engine
from sqlrec.data.types import quote
from sqlrec.errors import DataError
from sqlrec.models.controller import Progress
from sqlrec.models.measuring import evaluation
from sqlrec.models.measuring.objectives import Outputs
from sqlrec.models.objective import Objective
from sqlrec.spec.job import EvaluateWork, ExportWork, JobResult, TrainWork
from sqlrec.spec.schema import DataType, Kind
from sqlrec.spec.signature import InputColumn, OutputColumn, Signature, Variant
from sqlrec.spec.table import Relation

RATES, FILE = "rates.json", "model.onnx"
KNOWN_ROWS = 5


def train(work: TrainWork, output: Path, progress: Progress) -> JobResult:
    """Count, in the database: the rate of each value, and of all rows for the others."""
    started = time.perf_counter()
    (feature,), (label,) = work.model.features.names, work.model.labels
    query = (
        f"SELECT CAST({quote(feature)} AS BIGINT) AS value, sum(CAST({quote(label)} AS DOUBLE)) AS ones, "  # noqa: S608 - quoted names
        f"count(*) AS total FROM (\n{work.data.query}\n) GROUP BY 1 HAVING value IS NOT NULL ORDER BY 1"
    )
    with Engine() as engine:
        relation = Relation(query=query, sources=work.data.sources, parameters=work.data.parameters)
        counts = engine.table(relation).to_pydict()
    total = sum(counts["total"])
    if not total:
        raise DataError("SR451", "there are no rows to count", hint="check the WHERE clause")
    mean, prior = sum(counts["ones"]) / total, float(str(work.options["prior_rows"]))
    rates = [
        (ones + mean * prior) / (rows + prior)
        for ones, rows in zip(counts["ones"], counts["total"], strict=True)
    ]
    (output / RATES).write_text(json.dumps({"mean": mean, "values": counts["value"], "rates": rates}))
    progress(f"counted {total:,} rows of {len(rates):,} values", done=1.0)
    return JobResult(
        rows=total,
        seconds=time.perf_counter() - started,
        metrics={"values": float(len(rates)), "mean": mean},
    )


def export(work: ExportWork, output: Path, progress: Progress) -> JobResult:
    """One LabelEncoder node: a table from values to rates, with the mean for all others."""
    started = time.perf_counter()
    learnt = json.loads((Path(work.source_uri) / RATES).read_text())
    (feature,) = work.model.features
    model = _graph(feature.name, learnt)
    (output / FILE).write_bytes(model)
    rows = [{feature.name: value} for value in learnt["values"][:KNOWN_ROWS]]
    write_signature(
        output,
        Signature(
            model=str(work.model.name),
            type=work.model.type,
            checkpoint=work.checkpoint,
            inputs=(InputColumn(name=feature.name, type=feature.type, tensor="int64"),),
            outputs=(OutputColumn(name="popularity", type=DataType(Kind.FLOAT)),),
            variants={"fp32": Variant(file=FILE, bytes=len(model))},
            sample=tuple(rows),
        ),
    )
    progress(f"wrote {len(model):,} bytes", done=1.0)
    return JobResult(seconds=time.perf_counter() - started, metrics={"fp32.bytes": float(len(model))})


def evaluate(work: EvaluateWork, output: Path, progress: Progress) -> JobResult:
    """Measure a checkpoint of either kind on labelled rows."""

    def opened(folder: Path) -> evaluation.Opened:
        learnt = json.loads((folder / RATES).read_text())
        known = dict(zip(learnt["values"], learnt["rates"], strict=True))
        (feature,) = work.model.features.names

        def score(table: pa.Table) -> Outputs:
            values = table.column(feature).to_pylist()
            return [np.array([known.get(value, learnt["mean"]) for value in values], np.float32)]

        return evaluation.Opened(objective=Objective.BINARY, columns=(feature,), score=score)

    return evaluation.evaluate(work, output, progress, open_origin=opened)


def _graph(feature: str, learnt: dict[str, Any]) -> bytes:
    rates: npt.NDArray[np.float32] = np.asarray(learnt["rates"], np.float32)
    node = helper.make_node(
        "LabelEncoder",
        [feature],
        ["popularity"],
        domain="ai.onnx.ml",
        keys_int64s=learnt["values"],
        values_floats=rates.tolist(),
        default_float=float(np.float32(learnt["mean"])),
    )
    graph = helper.make_graph(
        [node],
        "popularity",
        [helper.make_tensor_value_info(feature, TensorProto.INT64, ["rows"])],
        [helper.make_tensor_value_info("popularity", TensorProto.FLOAT, ["rows"])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 2)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString(deterministic=True)
    return content
