"""Real exported models, as small as can be, for the tests of the predict server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from sqlrec.artifacts.folder import combined, publish, staging, write_signature
from sqlrec.spec.job import JobResult
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import Parsed
from sqlrec.spec.schema import DataType, Field, Kind, Schema
from sqlrec.spec.service import ServiceSpec
from sqlrec.spec.signature import InputColumn, OutputColumn, Signature, Variant

TENSORS = {"int64": TensorProto.INT64, "float32": TensorProto.FLOAT, "string": TensorProto.STRING}


def column(name: str, sql: str, length: int = 0) -> InputColumn:
    """An input as an exporter declares it."""
    declared = DataType.parse(sql)
    is_array = declared.kind is Kind.ARRAY
    element = declared.element if is_array else declared
    tensor = "float32" if element.is_float else "string" if element.kind is Kind.STRING else "int64"
    return InputColumn(name=name, type=declared, tensor=tensor, is_array=is_array, length=length)


def node(op: str, inputs: Sequence[str], outputs: Sequence[str], domain: str = "", **attributes: Any) -> Any:
    return helper.make_node(op, list(inputs), list(outputs), domain=domain, **attributes)


def graph(inputs: Sequence[InputColumn], outputs: Sequence[OutputColumn], nodes: Sequence[Any]) -> Any:
    """An ONNX model with these columns as inputs and outputs."""
    takes = [
        helper.make_tensor_value_info(
            i.name, TENSORS[i.tensor], ["rows", i.length or "length"] if i.is_array else ["rows"]
        )
        for i in inputs
    ]
    gives = [
        helper.make_tensor_value_info(
            o.name, TENSORS[o.tensor], ["rows", "width"] if o.type.kind is Kind.ARRAY else ["rows"]
        )
        for o in outputs
    ]
    model = helper.make_model(
        helper.make_graph(list(nodes), "g", takes, gives),
        opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 4)],
        ir_version=10,
    )
    onnx.checker.check_model(model)
    return model


def output(name: str, sql: str = "FLOAT") -> OutputColumn:
    return OutputColumn(name=name, type=DataType.parse(sql))


def add_model() -> tuple[Any, list[InputColumn], list[OutputColumn]]:
    """probs = sigmoid(0.1 · (a + b)) of two BIGINT inputs."""
    inputs, outputs = [column("a", "BIGINT"), column("b", "BIGINT")], [output("probs")]
    tenth = node("Constant", [], ["tenth"], value_float=0.1)
    nodes = [
        tenth,
        node("Add", ["a", "b"], ["sum"]),
        node("Cast", ["sum"], ["wide"], to=TensorProto.FLOAT),
        node("Mul", ["wide", "tenth"], ["logit"]),
        node("Sigmoid", ["logit"], ["probs"]),
    ]
    return graph(inputs, outputs, nodes), inputs, outputs


def mixed_model() -> tuple[Any, list[InputColumn], list[OutputColumn]]:
    """Every kind of input, two outputs: ``code`` per city plus age and flag; ``tags`` as they came."""
    inputs = [
        column("city", "STRING"),
        column("age", "INT"),
        column("price", "DOUBLE"),
        column("member", "BOOLEAN"),
        column("tags", "ARRAY<BIGINT>", 3),
    ]
    outputs = [output("score"), output("tags_seen", "ARRAY<FLOAT>")]
    encoder = node(
        "LabelEncoder",
        ["city"],
        ["code"],
        domain="ai.onnx.ml",
        keys_strings=["Köln", "Zürich"],
        values_floats=[100.0, 200.0],
        default_float=-100.0,
    )
    nodes = [
        encoder,
        node("Cast", ["age"], ["age_f"], to=TensorProto.FLOAT),
        node("Cast", ["member"], ["member_f"], to=TensorProto.FLOAT),
        node("IsNaN", ["price"], ["no_price"]),
        node("Constant", [], ["minus_one"], value_float=-1.0),
        node("Where", ["no_price", "minus_one", "price"], ["price_f"]),
        node("Sum", ["code", "age_f", "member_f", "price_f"], ["score"]),
        node("Cast", ["tags"], ["tags_seen"], to=TensorProto.FLOAT),
    ]
    return graph(inputs, outputs, nodes), inputs, outputs


def export(
    folder: Path,
    model: Any,
    inputs: Sequence[InputColumn],
    outputs: Sequence[OutputColumn],
    sample: Sequence[dict[str, object]] = (),
) -> Path:
    """Publish a model as an export job does; the folder."""
    work = staging(folder)
    onnx.save(model, str(work / "model.onnx"))
    signature = Signature(
        model="m",
        type="test",
        checkpoint="v1_export",
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        variants={"fp32": Variant(file="model.onnx", bytes=1, latency_ms=0.1)},
        sample=tuple(sample),
    )
    write_signature(work, signature)
    publish(work, folder, JobResult())
    return folder


def service(folder: Path, name: str = "ranker", version: int = 3, **options: Parsed) -> ServiceSpec:
    """The spec of a service of the model in ``folder``."""
    from sqlrec.artifacts.folder import read_result

    fields = Schema((Field(name="a", type=DataType.parse("BIGINT")),))
    outputs = Schema((Field(name="probs", type=DataType.parse("FLOAT")),))
    model = ModelSpec(name=ModelName.of("m"), type="test", columns=fields, outputs=outputs)
    return ServiceSpec(
        name=name,
        model=model,
        checkpoint="v1_export",
        version=version,
        model_uri=str(folder),
        digest=combined(dict(read_result(folder).files)),
        options=options,
    )


@pytest.fixture(scope="session")
def add_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tmp_path_factory.mktemp("models") / "add", *add_model(), sample=[{"a": 1, "b": 2}])


@pytest.fixture(scope="session")
def mixed_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tmp_path_factory.mktemp("models") / "mixed", *mixed_model())


@pytest.fixture
def publish_model(tmp_path: Path) -> Callable[..., Path]:
    """``publish_model(model, inputs, outputs, sample=…)`` → folder."""
    return lambda *args, **more: export(tmp_path / "model", *args, **more)
