"""Registries and checkpoints for tests: a new database costs a second, a copy of one nothing."""

from __future__ import annotations

import functools
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

from sqlrec.artifacts.folder import publish, staging, write_signature
from sqlrec.registry.client import client_of
from sqlrec.registry.mlflow import MlflowRegistry
from sqlrec.registry.registry import ModelRegistry
from sqlrec.spec.job import CurvePoint, JobResult
from sqlrec.spec.model import Checkpoint, CheckpointKind, ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.schema import DataType, Field, Schema
from sqlrec.spec.signature import InputColumn, OutputColumn, Signature, Variant

RANK = ModelName.of("rank_model")


@functools.cache
def template() -> bytes:
    """An empty registry's database."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mlflow.db"
        MlflowRegistry(f"sqlite:///{path}", f"{folder}/models")
        with closing(sqlite3.connect(path)) as connection:
            return connection.serialize()


def uri(folder: Path) -> str:
    return f"sqlite:///{folder / 'mlflow.db'}"


def open_registry(folder: Path, connect: Any = client_of) -> MlflowRegistry:
    """The registry in ``folder``, made on first use."""
    path = folder / "mlflow.db"
    if not path.exists():
        path.write_bytes(template())
    return MlflowRegistry(uri(folder), str(folder / "models"), connect=connect)


def columns(**types: str) -> Schema:
    return Schema(tuple(Field(name=name, type=DataType.parse(text)) for name, text in types.items()))


def model(name: ModelName = RANK, *, embedding_dim: int = 16, **types: str) -> ModelSpec:
    return ModelSpec(
        name=name,
        type="tzrec.wide_and_deep",
        columns=columns(**(types or {"user_id": "BIGINT", "clicked": "INT"})),
        outputs=columns(probs="FLOAT"),
        options={"label_columns": "clicked", "embedding_dim": embedding_dim},
        ddl=f"CREATE MODEL {name} (user_id BIGINT, clicked INT)",
    )


def output(folder: Path, text: str = "weights") -> tuple[Path, JobResult]:
    """A finished job's folder and result."""
    draft = staging(folder)
    (draft / "weights.bin").write_text(text)
    (draft / "plots").mkdir()
    (draft / "plots" / "roc.png").write_bytes(b"\x89PNG")
    (draft / "evaluation.json").write_text('{"auc": 0.75}')
    result = JobResult(
        rows=1000,
        seconds=2.5,
        metrics={"auc": 0.75, "recall@50": 0.25},
        curves=tuple(CurvePoint(name="auc", step=s, value=0.5 + s / 12) for s in (1, 2, 3)),
        params={"batch_size": "8192"},
    )
    return folder, publish(draft, folder, result)


def export_output(
    folder: Path, factor: float = 1.0, sample: tuple[dict[str, object], ...] = ()
) -> tuple[Path, JobResult]:
    """A finished export whose ONNX file gives ``user_id * price * factor``."""
    inputs = [
        helper.make_tensor_value_info("user_id", TensorProto.INT64, ["rows"]),
        helper.make_tensor_value_info("price", TensorProto.FLOAT, ["rows"]),
    ]
    nodes = [
        helper.make_node("Cast", ["user_id"], ["user"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["user", "price"], ["product"]),
        helper.make_node("Mul", ["product", "factor"], ["probs"]),
    ]
    outputs = [helper.make_tensor_value_info("probs", TensorProto.FLOAT, ["rows"])]
    constants = [helper.make_tensor("factor", TensorProto.FLOAT, [], [factor])]
    graph = helper.make_graph(nodes, "m", inputs, outputs, constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    draft = staging(folder)
    onnx.save(made, draft / "model.onnx")
    signature = Signature(
        model=RANK.full,
        type="t",
        checkpoint="v1_export",
        inputs=(
            InputColumn(name="user_id", type=DataType.parse("BIGINT"), tensor="int64"),
            InputColumn(name="price", type=DataType.parse("DOUBLE"), tensor="float32"),
        ),
        outputs=(OutputColumn(name="probs", type=DataType.parse("FLOAT")),),
        variants={"fp32": Variant(file="model.onnx", bytes=1)},
        sample=sample,
    )
    write_signature(draft, signature)
    return folder, publish(draft, folder, JobResult(rows=5))


def register(
    registry: ModelRegistry,
    folder: Path,
    name: str = "v1",
    *,
    key: str = "",
    kind: CheckpointKind = CheckpointKind.ORIGIN,
    parent: Checkpoint | None = None,
    of: ModelName = RANK,
) -> Checkpoint:
    """Register a finished job below ``folder`` as a checkpoint."""
    key = key or f"dag/run/{of}/{name}"
    out = folder / "jobs" / key.replace("/", "_")
    files, result = output(out, name)
    return registry.register(
        model=of,
        name=name,
        kind=kind,
        folder=files,
        result=result,
        key=key,
        parent=parent,
        statement=f"TRAIN MODEL {of}",
        facts={"image": "sqlrec/tzrec:1"},
    )
