"""The Open Inference Protocol over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.serving.config import Limits
from sqlrec.serving.errors import RequestError
from sqlrec.serving.json_wire import JsonWire
from sqlrec.serving.oip_wire import OipWire
from sqlrec.spec.schema import DataType
from sqlrec.spec.service import ServiceSpec
from sqlrec.spec.signature import MISSING_INT, InputColumn, OutputColumn, Signature

INFER = "/v2/models/m/infer"
Document = dict[str, Any]


def tensor(name: str, datatype: str, shape: list[int], data: Any) -> Document:
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


def request(**changes: Any) -> Document:
    """A request of two rows, an input changed or (None) left out."""
    inputs: dict[str, Any] = {
        "city": tensor("city", "BYTES", [2], ["Köln", "x"]),
        "age": tensor("age", "INT32", [2, 1], [[3], [4]]),
        "price": tensor("price", "FP64", [2], [1.5, None]),
        "member": tensor("member", "BOOL", [2], [True, False]),
        "tags": tensor("tags", "INT64", [2, 3], [1, 2, 3, 4, 5, 6]),
    }
    return {"inputs": [given for given in {**inputs, **changes}.values() if given is not None]}


@pytest.fixture(scope="module")
def server(
    mixed_folder: Path, make_spec: Callable[..., ServiceSpec], serve: Callable[..., Any]
) -> Iterator[Any]:
    with serve(make_spec(mixed_folder), limits=Limits(rows=100)) as running:
        yield running


def infer(server: Any, document: Document, path: str = INFER) -> Any:
    return server.call("POST", path, json.dumps(document))


def test_json_tensors_flat_or_nested(server: Any) -> None:
    reply = infer(server, {**request(), "id": "seven"})
    assert reply.status == 200
    assert reply.json == {
        "model_name": "m",
        "model_version": "3",
        "id": "seven",
        "outputs": [
            {"name": "score", "datatype": "FP32", "shape": [2], "data": [105.5, -97.0]},
            {"name": "tags_seen", "datatype": "FP32", "shape": [2, 3], "data": [1, 2, 3, 4, 5, 6]},
        ],
    }


@pytest.mark.parametrize("path", [INFER, "/v2/models/M/versions/3/infer", "/v2/models/ranker/infer"])
def test_a_model_is_known_by_its_name_and_the_services(server: Any, path: str) -> None:
    assert infer(server, request(), path).status == 200


def test_some_outputs(server: Any) -> None:
    reply = infer(server, {**request(), "outputs": [{"name": "score"}]})
    assert [output["name"] for output in reply.json["outputs"]] == ["score"]


def binary(document: Document, *raw: bytes) -> tuple[bytes, dict[str, str]]:
    head = json.dumps(document).encode()
    return b"".join((head, *raw)), {"Inference_Header_Content_Length": str(len(head))}


def test_an_error_does_not_repeat_a_large_body(server: Any) -> None:
    reply = infer(server, request(city=tensor("city", "X" * 100_000, [2], [])))
    assert reply.status == 400
    assert len(reply.body) < 5000


def raw_tensor(name: str, datatype: str, shape: list[int], raw: bytes) -> Document:
    size = {"binary_data_size": len(raw)}
    return {"name": name, "datatype": datatype, "shape": shape, "parameters": size}


def test_binary_tensors_in_and_out(server: Any) -> None:
    texts = b"".join(len(text).to_bytes(4, "little") + text for text in ("Köln".encode(), b""))
    tags = np.arange(1, 7, dtype="<i2").tobytes()
    members = b"\x01\x00"
    document = request(
        city=raw_tensor("city", "BYTES", [2], texts),
        tags=raw_tensor("tags", "INT16", [2, 3], tags),
        member=raw_tensor("member", "BOOL", [2, 1], members),
    )
    document["parameters"] = {"binary_data_output": True}
    document["outputs"] = [{"name": "score"}, {"name": "tags_seen", "parameters": {"binary_data": False}}]
    by_name = {"city": texts, "tags": tags, "member": members}
    body, headers = binary(document, *(by_name[i["name"]] for i in document["inputs"] if "data" not in i))
    reply = server.call("POST", INFER, body, **headers)
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/octet-stream")
    end = int(reply.headers["Inference-Header-Content-Length"])
    score, tags_seen = json.loads(reply.body[:end])["outputs"]
    assert score["parameters"] == {"binary_data_size": 8}
    assert np.frombuffer(reply.body[end:], "<f4").tolist() == [105.5, -97.0]
    assert tags_seen["data"] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("document", "status", "told"),
    [
        ([], 400, "object"),
        ({}, 400, "'inputs'"),
        ({"inputs": [5]}, 400, "'inputs'"),
        ({**request(), "parameters": 5}, 400, "'parameters'"),
        (request(age=None), 422, "SR652: the columns lack feature(s) age"),
        (request(age=tensor("age", "INT32", [3], [1, 2, 3])), 422, "SR654"),
        (request(age=tensor("age", "INT32", [2], [1])), 400, "shape [2] needs 2"),
        (request(age=tensor("age", "INT32", [2, 2], [1, 2, 3, 4])), 400, "takes [rows]"),
        (request(age=tensor("age", "INT128", [2], [1, 2])), 400, "INT128"),
        (request(age=tensor("age", "INT32", [], [])), 400, "no shape"),
        (request(age=tensor("age", "INT32", [-1], [])), 400, "no shape"),
        (request(age=tensor("age", "INT32", [2], 5)), 400, "neither"),
        (request(age=tensor("age", "INT32", [2, 1], [[1], 2])), 400, "unevenly"),
        (request(age=tensor("age", "INT32", [2], [1, 1.5])), 422, "row 1, column age"),
        (request(tags=tensor("tags", "INT64", [2, 3], [1, 2, 3, 4, "x", 6])), 422, "row 1, column tags"),
        (request(age=tensor("city", "INT32", [2], [1, 2])), 400, "twice"),
        ({**request(), "outputs": [{"name": "probs"}]}, 400, "no output 'probs'"),
        (
            {**request(), "outputs": [{"name": "score", "parameters": {"classification": 2}}]},
            400,
            "classification",
        ),
        ({"inputs": [tensor("age", "INT32", [101], [1] * 101)]}, 422, "SR652"),
        (request(age=raw_tensor("age", "INT32", [2], b"12345678")), 400, "not there"),
    ],
)
def test_errors_are_one_text(server: Any, document: Any, status: int, told: str) -> None:
    reply = infer(server, document)
    assert reply.status == status
    assert list(reply.json) == ["error"]
    assert told in reply.json["error"]


@pytest.mark.parametrize("length", ["-1", "x", "999999", "٣"])
def test_a_wrong_header_length(server: Any, length: str) -> None:
    body = json.dumps(request())
    headers = {"Inference_Header_Content_Length": length.encode().decode("latin-1")}
    assert server.call("POST", INFER, body, **headers).status == 400


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/v2", {"name": "sqlrec", "extensions": ["binary_tensor_data"]}),
        ("/v2/health/live", {"live": True}),
        ("/v2/health/ready", {"ready": True}),
        ("/v2/models/m", {"name": "m", "versions": ["3"], "platform": "onnxruntime_onnx"}),
        ("/v2/models/ranker", {"name": "ranker", "versions": ["3"]}),
        ("/v2/models/m/versions/3", {"name": "m"}),
        ("/v2/models/m/ready", {"ready": True}),
        ("/v2/models/m/versions/3/ready", {"ready": True}),
    ],
)
def test_what_is_told(server: Any, path: str, found: Document) -> None:
    reply = server.call("GET", path)
    assert reply.status == 200
    assert {key: reply.json[key] for key in found} == found


def test_the_tensors_are_described(server: Any) -> None:
    told = server.call("GET", "/v2/models/m").json
    described = {t["name"]: (t["datatype"], t["shape"]) for t in told["inputs"] + told["outputs"]}
    assert described == {
        "city": ("BYTES", [-1]),
        "age": ("INT64", [-1]),
        "price": ("FP32", [-1]),
        "member": ("BOOL", [-1]),
        "tags": ("INT64", [-1, 3]),
        "score": ("FP32", [-1]),
        "tags_seen": ("FP32", [-1, -1]),
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/models/other", 404),
        ("GET", "/v2/models/m/versions/4", 404),
        ("GET", "/v2/models/m/versions/x/ready", 404),
        ("GET", f"/v2/models/m/versions/{'9' * 5000}", 404),
        ("GET", "/v2/models/m/stats", 404),
        ("GET", "/v2/models", 404),
        ("GET", INFER, 405),
        ("POST", "/v2/models/other/infer", 404),
    ],
)
def test_paths_that_are_not_there(server: Any, method: str, path: str, status: int) -> None:
    reply = server.call(method, path)
    assert reply.status == status
    assert isinstance(reply.json["error"], str)


KINDS: dict[str, tuple[str, str, Any]] = {
    "BIGINT": ("INT64", "<i8", st.integers(-(2**63), 2**63 - 1)),
    "FLOAT": ("FP32", "<f4", st.floats(width=32, allow_nan=False, allow_infinity=False)),
    "STRING": ("BYTES", "O", st.text(st.characters(exclude_categories=["Cs"]), max_size=5)),
}


@given(st.data())
def test_binary_json_and_predict_give_the_same_tensors(data: st.DataObject) -> None:
    sql = data.draw(st.sampled_from(sorted(KINDS)))
    datatype, dtype, values = KINDS[sql]
    cells = data.draw(st.lists(values, min_size=1, max_size=6))
    kind = {"BIGINT": "int64", "FLOAT": "float32", "STRING": "string"}[sql]
    signature = Signature(
        model="m",
        type="t",
        checkpoint="c",
        inputs=(InputColumn(name="x", type=DataType.parse(sql), tensor=kind),),
        outputs=(OutputColumn(name="y", type=DataType.parse("FLOAT")),),
        variants={},
    )
    wire = OipWire(signature, name="m", version=1, missing_as_null=False, max_rows=10)
    texts = [cell.encode() for cell in cells if isinstance(cell, str)]
    raw = b"".join(len(t).to_bytes(4, "little") + t for t in texts) or np.array(cells, dtype).tobytes()
    shape = [len(cells)]
    head = json.dumps({"inputs": [raw_tensor("x", datatype, shape, raw)]}).encode()
    text = json.dumps({"inputs": [tensor("x", datatype, shape, cells)]}).encode()
    plain = JsonWire(signature, missing_as_null=False, max_rows=10)
    expected = plain.read(json.dumps({"x": cells}).encode(), lambda _: "").frame.tensors["x"]
    for body, length in ((head + raw, str(len(head))), (text, "")):
        headers = {b"inference-header-content-length": length}
        found = wire.read(body, headers.__getitem__).frame
        np.testing.assert_array_equal(found.tensors["x"], expected)
        assert found.tensors["x"].dtype == expected.dtype


@given(st.binary(max_size=200), st.integers(0, 200))
def test_garbage_is_refused(body: bytes, length: int) -> None:
    signature = Signature(
        model="m",
        type="t",
        checkpoint="c",
        inputs=(InputColumn(name="x", type=DataType.parse("BIGINT"), tensor="int64"),),
        outputs=(),
        variants={},
    )
    wire = OipWire(signature, name="m", version=1, missing_as_null=False, max_rows=10)
    with pytest.raises(RequestError):
        wire.read(body, lambda _: str(length))


def test_an_input_left_out_may_be_null() -> None:
    columns = tuple(InputColumn(name=n, type=DataType.parse("BIGINT"), tensor="int64") for n in "xy")
    signature = Signature(model="m", type="t", checkpoint="c", inputs=columns, outputs=(), variants={})
    wire = OipWire(signature, name="m", version=1, missing_as_null=True, max_rows=10)
    body = json.dumps({"inputs": [tensor("x", "INT8", [2], [1, 2]), tensor("z", "INT8", [1], [1])]})
    frame = wire.read(body.encode(), lambda _: "").frame
    assert frame.tensors["y"].tolist() == [MISSING_INT] * 2
    assert (frame.nulls, frame.unknown) == ({"y": 2}, 1)
