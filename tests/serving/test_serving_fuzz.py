"""Bodies nobody would send, in every form: the answer is always one that the documents name."""

from __future__ import annotations

import http.client
import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlrec.spec.service import ServiceSpec

MakeSpec = Callable[..., ServiceSpec]
Serve = Callable[..., Any]

REFUSALS = {400, 413, 415, 422}
COLUMNS = ("city", "age", "price", "member", "tags")
ROW: dict[str, Any] = {"city": "Köln", "age": 3, "price": 1.5, "member": True, "tags": [1, 2, 3]}
ARROW = "application/vnd.apache.arrow.stream"
INFER = "/v2/models/m/infer"


class Client:
    """A client that keeps its connection to a server."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(self, path: str, body: bytes, **headers: str) -> tuple[int, Any]:
        """Status and JSON of an answer, which must be one that is documented."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request("POST", path, body, named)
        reply = self._connection.getresponse()
        answer = reply.read()
        assert reply.status in REFUSALS | {200}, answer
        if reply.status == 200 and reply.headers["Content-Type"] != "application/json":
            return reply.status, answer
        document = json.loads(answer)
        if reply.status != 200:
            _check_error(path, document)
        return reply.status, document

    def close(self) -> None:
        self._connection.close()


def _check_error(path: str, document: Any) -> None:
    error = document["error"]
    if path.startswith("/v2"):
        assert error.startswith("SR6")
        return
    assert error["code"].startswith("SR6")
    assert error["message"]
    assert set(error) <= {"code", "message", "hint", "row", "column"}


@pytest.fixture(scope="module")
def mixed(mixed_folder: Path, make_spec: MakeSpec, serve: Serve) -> Iterator[Client]:
    """A model with inputs of every kind."""
    with serve(make_spec(mixed_folder)) as server:
        client = Client(server.port)
        yield client
        client.close()


@pytest.fixture(scope="module")
def add(add_folder: Path, make_spec: MakeSpec, serve: Serve) -> Iterator[Client]:
    """A model whose usual requests go the short way."""
    with serve(make_spec(add_folder)) as server:
        client = Client(server.port)
        yield client
        client.close()


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(width=64)
    | st.text(max_size=8)
    | st.sampled_from(["2026-01-01", 1e308, -0.0, 2**63, -(2**63), "\x00", "\ud83d\ude00"])
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def rows_of(names: tuple[str, ...], fitting: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Rows and columns that are nearly right."""
    cell = {name: st.just(fitting[name]) | anything for name in names}
    row = st.fixed_dictionaries({}, optional=cell) | st.fixed_dictionaries(cell)
    several = {name: st.lists(st.just(fitting[name]) | anything, max_size=3) | anything for name in names}
    columns = st.fixed_dictionaries({}, optional=several) | st.fixed_dictionaries(several)
    return st.lists(row, max_size=4) | columns | anything


@settings(max_examples=150)
@given(document=rows_of(COLUMNS, ROW), cut=st.integers(0, 400))
def test_json(mixed: Client, document: Any, cut: int) -> None:
    body = json.dumps(document).encode()
    status, answer = mixed.ask("/predict", body)
    if status == 200:
        assert len(answer["score"]) == len(answer["tags_seen"])
    mixed.ask("/predict", body[:cut])


@settings(max_examples=150)
@given(document=rows_of(("a", "b"), {"a": 1, "b": 2}), cut=st.integers(0, 60))
def test_json_of_the_short_way(add: Client, document: Any, cut: int) -> None:
    body = json.dumps(document).encode()
    add.ask("/predict", body)
    add.ask("/predict", body[:cut])


@settings(max_examples=60)
@given(body=st.binary(max_size=300))
@pytest.mark.parametrize(
    ("path", "media_type"), [("/predict", "application/json"), ("/predict", ARROW), (INFER, "")]
)
def test_bytes(mixed: Client, path: str, media_type: str, body: bytes) -> None:
    mixed.ask(path, body, Content_Type=media_type)


kinds = st.sampled_from(
    [
        *(pa.int8(), pa.int64(), pa.uint64(), pa.float16(), pa.float32(), pa.float64(), pa.bool_()),
        *(pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.null(), pa.date32(), pa.date64()),
        *(pa.timestamp("s"), pa.timestamp("ns", "UTC"), pa.time32("s"), pa.duration("us")),
        *(pa.decimal128(20, 3), pa.list_(pa.int64()), pa.large_list(pa.string()), pa.list_(pa.int8(), 2)),
        *(
            pa.dictionary(pa.int8(), pa.string()),
            pa.list_(pa.list_(pa.int8())),
            pa.struct([("a", pa.int8())]),
        ),
    ]
)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Batches with columns of any type, some of them damaged."""
    names = draw(st.lists(st.sampled_from((*COLUMNS, "other")), max_size=6))
    schema = pa.schema([(name, draw(kinds)) for name in names])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        for _ in range(draw(st.integers(0, 2)) if names else 0):
            rows = draw(st.integers(0, 4))
            writer.write_batch(pa.record_batch([_array(draw, f.type, rows) for f in schema], schema=schema))
    body = bytearray(sink.getvalue().to_pybytes())
    for _ in range(draw(st.integers(0, 3))):
        body[draw(st.integers(0, len(body) - 1))] = draw(st.integers(0, 255))
    return bytes(body[: draw(st.sampled_from((len(body), len(body) // 2)))])


def _array(draw: st.DrawFn, kind: pa.DataType, rows: int) -> pa.Array:
    """Nulls, or small numbers where the type has them."""
    numbers = draw(st.lists(st.none() | st.integers(0, 100), min_size=rows, max_size=rows))
    try:
        return pa.array(numbers, pa.int64()).cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.nulls(rows, kind)


@settings(max_examples=150)
@given(body=streams(), accept=st.sampled_from(["", "application/json"]))
def test_arrow(mixed: Client, body: bytes, accept: str) -> None:
    mixed.ask("/predict", body, Content_Type=ARROW, Accept=accept)


CELLS: dict[str, list[Any]] = {**{name: [value] for name, value in ROW.items()}, "tags": [1, 2, 3]}
DATATYPES = {"city": "BYTES", "age": "INT64", "price": "FP32", "member": "BOOL", "tags": "INT64"}


@st.composite
def inferences(draw: st.DrawFn) -> tuple[bytes, str]:
    """Tensors that are nearly right, as JSON or bytes; the body and the length of its JSON."""
    rows, raw = draw(st.integers(0, 3)), b""
    inputs = []
    for name in draw(st.permutations(COLUMNS).map(list) | st.lists(st.sampled_from(COLUMNS), max_size=6)):
        shape = [rows, 3] if name == "tags" else [rows]
        cells: list[Any] = CELLS[name] * rows
        tensor = {
            "name": name,
            "datatype": draw(
                st.just(DATATYPES[name]) | st.sampled_from(["FP64", "UINT8", "FP16", "BYTES", "?"])
            ),
            "shape": draw(st.just(shape) | st.lists(st.integers(-1, 2**40), max_size=3) | anything),
        }
        if draw(st.booleans()):
            tensor["data"] = draw(st.just(cells) | anything)
        else:
            part = draw(
                st.just(struct.pack(f"<{len(shape) * 3 * rows}q", *[1] * (len(shape) * 3 * rows)))
                | st.binary(max_size=40)
            )
            raw += part
            tensor["parameters"] = {"binary_data_size": draw(st.just(len(part)) | st.integers(-1, 2**70))}
        inputs.append(tensor)
    outputs = [{"name": "score", "parameters": {"binary_data": draw(st.booleans())}}]
    document: dict[str, Any] = {"inputs": inputs, "id": draw(anything)}
    if draw(st.booleans()):
        document["outputs"] = draw(st.just(outputs) | anything)
    head = json.dumps(document).encode()
    return head + raw, draw(st.just(str(len(head))) | st.sampled_from(["", "-1", "1", "9" * 30, "x", "٣"]))


@settings(max_examples=150)
@given(asked=inferences())
def test_open_inference_protocol(mixed: Client, asked: tuple[bytes, str]) -> None:
    body, length = asked
    header = {"Inference_Header_Content_Length": length} if length.isascii() and length else {}
    mixed.ask(INFER, body, **header)
