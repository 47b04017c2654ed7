"""Real exported models, as small as can be, and servers of them."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from sqlrec.artifacts.folder import combined, publish, read_result, staging, write_signature
from sqlrec.serving.app import App
from sqlrec.serving.config import ServeConfig
from sqlrec.serving.metrics import Metrics
from sqlrec.serving.server import Server
from sqlrec.spec.job import JobResult
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import Parsed
from sqlrec.spec.schema import DataType, Field, Kind, Schema
from sqlrec.spec.service import ServedModel, ServiceSpec
from sqlrec.spec.signature import InputColumn, OutputColumn, Signature, Variant
from tests.running_server import Reply, RunningServer

Model = tuple[Any, list[InputColumn], list[OutputColumn]]
"""An ONNX model with its inputs and outputs."""

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


def graph(
    inputs: Sequence[InputColumn],
    outputs: Sequence[OutputColumn],
    nodes: Sequence[Any],
    weights: Sequence[Any] = (),
    *,
    check: bool = True,
) -> Any:
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
        helper.make_graph(list(nodes), "g", takes, gives, list(weights)),
        opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 4)],
        ir_version=10,
    )
    onnx.checker.check_model(model, full_check=check)
    return model


def output(name: str, sql: str = "FLOAT") -> OutputColumn:
    return OutputColumn(name=name, type=DataType.parse(sql))


def make_add_model() -> Model:
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


def mixed_model() -> Model:
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


def make_matrix_model() -> Model:
    """probs of shape [rows, 1], which the signature does not allow."""
    inputs, outputs = [column("a", "FLOAT")], [output("probs")]
    nodes = [node("Constant", [], ["one"], value_ints=[1]), node("Unsqueeze", ["a", "one"], ["probs"])]
    return graph(inputs, outputs, nodes, check=False), inputs, outputs


def nan_model() -> Model:
    """root = √x."""
    inputs, outputs = [column("x", "FLOAT")], [output("root")]
    return graph(inputs, outputs, [node("Sqrt", ["x"], ["root"])]), inputs, outputs


def pick_model() -> Model:
    """picked = (10, 20, 30)[i]; ONNX Runtime refuses an i beyond that, and a null."""
    inputs, outputs = [column("i", "BIGINT")], [output("picked")]
    table = node("Constant", [], ["table"], value_floats=[10.0, 20.0, 30.0])
    return graph(inputs, outputs, [table, node("Gather", ["table", "i"], ["picked"])]), inputs, outputs


def numbers_model() -> Model:
    """score = x · n - y, total = n + flag; the file has its inputs and outputs in another order."""
    inputs = [column("x", "FLOAT"), column("n", "BIGINT"), column("y", "DOUBLE"), column("flag", "BOOLEAN")]
    total = OutputColumn(name="total", type=DataType.parse("BIGINT"), tensor="int64")
    outputs = [output("score"), total]
    nodes = [
        node("Cast", ["n"], ["n_float"], to=TensorProto.FLOAT),
        node("Mul", ["x", "n_float"], ["product"]),
        node("Sub", ["product", "y"], ["score"]),
        node("Add", ["n", "flag"], ["total"]),
    ]
    return graph(inputs[::-1], outputs[::-1], nodes), inputs, outputs


def network_model() -> Model:
    """probs = sigmoid(mean(relu(relu(vector · W0) · W1)))."""
    rng = np.random.default_rng(3)
    weights = [
        numpy_helper.from_array(rng.normal(0, 0.05, shape).astype(np.float32), f"w{i}")
        for i, shape in enumerate(((8, 512), (512, 512)))
    ]
    inputs, outputs = [column("vector", "ARRAY<FLOAT>", 8)], [output("probs")]
    nodes = [
        node("MatMul", ["vector", "w0"], ["z0"]),
        node("Relu", ["z0"], ["h0"]),
        node("MatMul", ["h0", "w1"], ["z1"]),
        node("Relu", ["z1"], ["h1"]),
        node("Constant", [], ["one"], value_ints=[1]),
        node("ReduceMean", ["h1", "one"], ["mean"], keepdims=0),
        node("Sigmoid", ["mean"], ["probs"]),
    ]
    return graph(inputs, outputs, nodes, weights), inputs, outputs


def export(
    folder: Path,
    model: Any,
    inputs: Sequence[InputColumn],
    outputs: Sequence[OutputColumn],
    sample: Sequence[dict[str, object]] = (),
    file_bytes: bytes = b"",
) -> Path:
    """Publish a model as an export job does; the folder."""
    work = staging(folder)
    (work / "model.onnx").write_bytes(file_bytes or model.SerializeToString())
    signature = Signature(
        model="m",
        type="test",
        checkpoint="v1_export",
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        variants={"fp32": Variant(file="model.onnx", bytes=1)},
        sample=tuple(sample),
    )
    write_signature(work, signature)
    publish(work, folder, JobResult())
    return folder


def service_spec(folder: Path, name: str = "ranker", version: int = 3, **options: Parsed) -> ServiceSpec:
    fields = Schema((Field(name="a", type=DataType.parse("BIGINT")),))
    outputs = Schema((Field(name="probs", type=DataType.parse("FLOAT")),))
    model = ModelSpec(name=ModelName.of("m"), type="test", columns=fields, outputs=outputs)
    return ServiceSpec(
        name=name,
        models=(
            ServedModel(
                model=model,
                checkpoint="v1_export",
                version=version,
                model_uri=str(folder),
                digest=combined(dict(read_result(folder).files)),
            ),
        ),
        options=options,
    )


@pytest.fixture(scope="session")
def make_spec() -> Callable[..., ServiceSpec]:
    """``make_spec(folder, name=…, version=…, **options)``: the spec of a service of that model."""
    return service_spec


@pytest.fixture(scope="session")
def add_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """probs = sigmoid(0.1 · (a + b)); BIGINT a, b."""
    return export(tmp_path_factory.mktemp("models") / "add", *make_add_model(), sample=[{"a": 1, "b": 2}])


@pytest.fixture(scope="session")
def mixed_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every kind of input, two outputs."""
    return export(tmp_path_factory.mktemp("models") / "mixed", *mixed_model())


@pytest.fixture(scope="session")
def nan_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """root = √x; FLOAT x."""
    return export(tmp_path_factory.mktemp("models") / "nan", *nan_model())


@pytest.fixture(scope="session")
def numbers_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """score = x · n - y, total = n + flag; FLOAT x, BIGINT n, DOUBLE y, BOOLEAN flag."""
    return export(tmp_path_factory.mktemp("models") / "numbers", *numbers_model())


@pytest.fixture(scope="session")
def pick_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """picked = (10, 20, 30)[i]; BIGINT i, and the model fails beyond."""
    return export(tmp_path_factory.mktemp("models") / "pick", *pick_model(), sample=[{"i": 0}])


@pytest.fixture
def add_model() -> Model:
    """The model of ``add_folder``."""
    return make_add_model()


@pytest.fixture
def matrix_model() -> Model:
    """A model that gives [rows, 1] where its signature says FLOAT."""
    return make_matrix_model()


@pytest.fixture
def publish_model(tmp_path: Path) -> Callable[..., Path]:
    """``publish_model(model, inputs, outputs, sample=…, file_bytes=…)`` → folder."""

    def publish_it(model: Any, inputs: Any, outputs: Any, **more: Any) -> Path:
        return export(tmp_path / "model", model, inputs, outputs, **more)

    return publish_it


@pytest.fixture(scope="session")
def network_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``vector ARRAY<FLOAT>(8)`` through two dense layers of 512; slow enough to be worth a thread."""
    return export(tmp_path_factory.mktemp("models") / "network", *network_model())


class Running(RunningServer):
    """A server of models."""

    def __init__(self, config: ServeConfig[ServiceSpec]) -> None:
        super().__init__(lambda: Server(config, App(config, Metrics(config.spec))))

    def predict(self, document: object) -> Reply:
        """``POST /predict`` of a JSON document."""
        return self.call("POST", "/predict", json.dumps(document))

    def figures(self, until: Callable[[Any], bool] = lambda figures: True) -> Any:
        """What the service's group has done, as soon as ``until`` holds."""
        deadline = time.monotonic() + 20
        while not until(found := self.call("GET", "/stats").json["group"]):
            assert time.monotonic() < deadline, found
            time.sleep(0.005)
        return found


@pytest.fixture(scope="session")
def serve() -> Callable[..., Running]:
    """``with serve(spec, limits=…) as server``: a server in this process."""

    def start(spec: ServiceSpec, **settings: Any) -> Running:
        return Running(ServeConfig(spec=spec, **{"drain_seconds": 0.0, **settings}))

    return start


@pytest.fixture(scope="session")
def pipelined() -> Callable[[int, Sequence[bytes]], list[Any]]:
    """``pipelined(port, bodies)``: predictions asked for in one write; the answers' JSON."""

    def ask(port: int, bodies: Sequence[bytes]) -> list[Any]:
        head = "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n"
        wire = b"".join(head.format(len(body)).encode() + body for body in bodies)
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(wire)
            connection.shutdown(socket.SHUT_WR)
            received = b"".join(iter(lambda: connection.recv(65536), b""))
        return [json.loads(part.partition(b"\r\n\r\n")[2]) for part in received.split(b"HTTP/1.1 200 OK")[1:]]

    return ask
