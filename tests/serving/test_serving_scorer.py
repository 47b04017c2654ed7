from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from sqlrec.artifacts.folder import publish, staging, write_signature
from sqlrec.serving.bounds import JOINED_VALUES, TEXT_LENGTH
from sqlrec.serving.errors import RequestError
from sqlrec.serving.frame import Frame
from sqlrec.serving.json_wire import JsonWire
from sqlrec.serving.scorer import BatchReport, Scorer, load_scorer
from sqlrec.spec.job import JobResult
from sqlrec.spec.schema import DataType
from sqlrec.spec.service import ServiceSpec
from sqlrec.spec.signature import InputColumn, OutputColumn, Signature, Variant

Answer = bytes | RequestError


def no_header(name: bytes) -> str:
    return ""


class Served:
    """A scorer and what it reported."""

    def __init__(self, spec: ServiceSpec) -> None:
        self.reports: list[BatchReport] = []
        self.scorer = load_scorer(spec.own, threads=1, observe=self.reports.append)
        as_null = spec.options.get("missing_features") == "null"
        self._wire = JsonWire(self.scorer.signature, missing_as_null=as_null, max_rows=1000)

    def score(self, *documents: Any) -> list[Answer]:
        """Answers of requests that arrive together."""
        frames = [self._wire.read(json.dumps(d).encode(), no_header).frame for d in documents]
        results = self.scorer.score(frames)
        return [r if isinstance(r, RequestError) else self._wire.write(r) for r in results]


@pytest.fixture(scope="module")
def add(add_folder: Path, make_spec: Callable[..., ServiceSpec]) -> Served:
    return Served(make_spec(add_folder))


@pytest.fixture(scope="module")
def mixed(mixed_folder: Path, make_spec: Callable[..., ServiceSpec]) -> Served:
    return Served(make_spec(mixed_folder))


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def answered(answer: Answer) -> Any:
    assert isinstance(answer, bytes)
    return json.loads(answer)


def test_answers_are_columns_by_output_name(add: Served) -> None:
    (answer,) = add.score([{"a": 1, "b": 2}, {"a": -5, "b": 0}])
    assert answered(answer) == {"probs": pytest.approx([sigmoid(0.3), sigmoid(-0.5)])}


def test_a_float_is_written_with_the_digits_of_a_float(add: Served) -> None:
    (answer,) = add.score([{"a": 0, "b": 0}])
    assert answer == b'{"probs":[0.5]}'


def test_no_rows_give_empty_outputs(mixed: Served) -> None:
    assert mixed.score([]) == [b'{"score":[],"tags_seen":[]}']


def test_every_kind_of_input_and_two_outputs(mixed: Served) -> None:
    known = {"city": "Köln", "age": 3, "price": 1.5, "member": True, "tags": [1, 2, 3, 4]}
    unknown = {"city": "x", "age": 0, "price": None, "member": 0, "tags": [7, 8, 9]}
    (answer,) = mixed.score([known, unknown])
    assert answered(answer) == {"score": [105.5, -101.0], "tags_seen": [[1, 2, 3], [7, 8, 9]]}


def test_a_nan_becomes_null(nan_folder: Path, make_spec: Callable[..., ServiceSpec]) -> None:
    (answer,) = Served(make_spec(nan_folder)).score([{"x": 4.0}, {"x": -1.0}])
    assert answered(answer) == {"root": [2.0, None]}


def test_requests_that_arrive_together_share_one_call(add: Served) -> None:
    add.reports.clear()
    answers = add.score([{"a": 1, "b": 2}], {"a": [3, 4], "b": [0]}, [], [{"a": 5, "b": 5, "c": 9}])
    assert [len(answered(a)["probs"]) for a in answers] == [1, 2, 0, 1]
    (report,) = add.reports
    assert (report.rows, report.unknown) == (4, 1)
    assert report.predict > 0
    assert report.tensors["a"].tolist() == [1, 3, 4, 5]


def test_a_request_that_breaks_the_model_fails_alone(
    pick_folder: Path, make_spec: Callable[..., ServiceSpec]
) -> None:
    served = Served(make_spec(pick_folder))
    first, second, third = served.score([{"i": 0}], [{"i": 99}], [{"i": 2}])
    assert answered(first) == {"picked": [10.0]}
    assert answered(third) == {"picked": [30.0]}
    assert isinstance(second, RequestError)
    assert (second.code, second.status) == ("SR660", 500)
    assert "the model failed" in second.message


def test_a_long_text_is_not_copied_for_every_row(mixed: Served) -> None:
    row = {"city": ["Köln"], "age": [3], "price": [1.5], "member": [True], "tags": [[1]]}
    first, long, last = mixed.score(
        row, {**row, "city": ["x" * (TEXT_LENGTH // 200)], "age": [1] * 201}, {**row, "age": [4]}
    )
    assert [answered(answer)["score"] for answer in (first, last)] == [[105.5], [106.5]]
    assert isinstance(long, RequestError)
    assert (long.code, long.status) == ("SR655", 413)


def test_a_long_list_does_not_lengthen_the_rows_of_other_requests(
    publish_model: Callable[..., Path], make_spec: Callable[..., ServiceSpec]
) -> None:
    nodes = [
        helper.make_node("ReduceMax", ["list", "one"], ["largest"], keepdims=0),
        helper.make_node("Cast", ["largest"], ["total"], to=TensorProto.FLOAT),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("list", TensorProto.INT64, ["rows", "length"])],
        [helper.make_tensor_value_info("total", TensorProto.FLOAT, ["rows"])],
        [numpy_helper.from_array(np.array([1]), "one")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    column = InputColumn(name="list", type=DataType.parse("ARRAY<BIGINT>"), tensor="int64", is_array=True)
    output = OutputColumn(name="total", type=DataType.parse("FLOAT"))
    served = Served(make_spec(publish_model(model, [column], [output])))
    many, short, long = ([{"list": [2]}] * 200, [{"list": [3, 4]}], [{"list": [5] * JOINED_VALUES}])
    assert [len(answered(answer)["total"]) for answer in served.score(many, short)] == [200, 1]
    assert [report.tensors["list"].shape for report in served.reports] == [(201, 2)]
    served.reports.clear()
    answers = served.score(many, long, short)
    assert [answered(answer)["total"] for answer in answers] == [[2.0] * 200, [5.0], [4.0]]
    assert [report.tensors["list"].shape[0] for report in served.reports] == [200, 1, 1]


def test_nulls_are_reported_by_column(mixed: Served) -> None:
    mixed.reports.clear()
    nulls = dict.fromkeys(["city", "age", "price", "member", "tags"])
    mixed.score([nulls, {**nulls, "age": 1}])
    assert mixed.reports[0].nulls == {"city": 2, "age": 1, "price": 2, "member": 2, "tags": 2}


def test_missing_features_are_an_error_unless_the_service_says_otherwise(
    mixed_folder: Path, make_spec: Callable[..., ServiceSpec]
) -> None:
    row = [{"city": "Köln", "age": 1, "member": True, "tags": [1]}]
    with pytest.raises(RequestError, match="lacks feature") as caught:
        Served(make_spec(mixed_folder)).score(row)
    assert caught.value.column == "price"
    (answer,) = Served(make_spec(mixed_folder, missing_features="null")).score(row)
    assert answered(answer)["score"] == [101.0]


numbers = st.none() | st.integers(-50, 50)
rows = st.lists(st.fixed_dictionaries({"a": numbers, "b": numbers}), min_size=1, max_size=4)


@settings(max_examples=50)
@given(st.lists(rows, min_size=1, max_size=6))
def test_rows_are_scored_alike_alone_and_together(add: Served, requests: list[list[dict[str, Any]]]) -> None:
    assert add.score(*requests) == [add.score(request)[0] for request in requests]


WIDTH = 32


@pytest.fixture(scope="module")
def int8(tmp_path_factory: pytest.TempPathFactory, make_spec: Callable[..., ServiceSpec]) -> Served:
    """probs = mean(dequantised(quantised(vector) · W)): static scales, as the product's INT8 exports have."""
    rng = np.random.default_rng(5)
    weights = [
        numpy_helper.from_array(np.array(0.02, np.float32), "scale"),
        numpy_helper.from_array(np.array(3, np.int8), "zero"),
        numpy_helper.from_array(np.array(0.01, np.float32), "weight_scale"),
        numpy_helper.from_array(np.array(0, np.int8), "weight_zero"),
        numpy_helper.from_array(rng.integers(-127, 128, (WIDTH, WIDTH), np.int8), "w"),
        numpy_helper.from_array(np.array([1], np.int64), "one"),
    ]
    scales = ["scale", "zero", "w", "weight_scale", "weight_zero", "scale", "zero"]
    nodes = [
        helper.make_node("QuantizeLinear", ["vector", "scale", "zero"], ["codes"]),
        helper.make_node("QLinearMatMul", ["codes", *scales], ["products"]),
        helper.make_node("DequantizeLinear", ["products", "scale", "zero"], ["real"]),
        helper.make_node("ReduceMean", ["real", "one"], ["probs"], keepdims=0),
    ]
    vector, probs = DataType.parse("ARRAY<FLOAT>"), DataType.parse("FLOAT")
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["rows", WIDTH])],
        [helper.make_tensor_value_info("probs", TensorProto.FLOAT, ["rows"])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    folder = tmp_path_factory.mktemp("models") / "int8"
    work = staging(folder)
    (work / "model.int8.onnx").write_bytes(model.SerializeToString())
    signature = Signature(
        model="m",
        type="test",
        checkpoint="v1_export",
        inputs=(InputColumn(name="vector", type=vector, tensor="float32", is_array=True, length=WIDTH),),
        outputs=(OutputColumn(name="probs", type=probs),),
        variants={"int8": Variant(file="model.int8.onnx", bytes=1)},
    )
    write_signature(work, signature)
    publish(work, folder, JobResult())
    spec = make_spec(folder)
    return Served(replace(spec, models=(replace(spec.own, variant="int8"),)))


@settings(max_examples=25)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_int8_rows_are_scored_alike_alone_and_together(int8: Served, sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    frames = [Frame({"vector": rng.normal(0, 1, (n, WIDTH)).astype(np.float32)}, n) for n in sizes]
    together = int8.scorer.score(frames)
    for frame, answer in zip(frames, together, strict=True):
        assert not isinstance(answer, RequestError)
        (alone,) = int8.scorer.score([frame])
        assert not isinstance(alone, RequestError)
        assert answer[0].tobytes() == alone[0].tobytes()
        first = int8.scorer.score([Frame({"vector": frame.tensors["vector"][:1]}, 1)])[0]
        assert not isinstance(first, RequestError)
        assert first[0].tobytes() == answer[0][:1].tobytes()


def test_a_scorer_is_warm_and_knows_its_speed(add: Served) -> None:
    assert isinstance(add.scorer, Scorer)
    assert 0 < add.scorer.row_seconds < 0.01
