"""Open Inference Protocol v2: named tensors in, named tensors out, as JSON or with raw bytes behind it.

An input of the model is one tensor of shape ``[rows]`` (``[rows, 1]`` is taken too) or, for an ARRAY,
``[rows, length]``. With the binary tensor extension the header ``Inference-Header-Content-Length`` says
where the JSON ends; then come the raw tensors, little-endian, in the order of the JSON.

Specification: kserve/open-inference-protocol (REST), triton-inference-server extension_binary_data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import orjson

from sqlrec.serving.columns import Values, all_missing, lacking, list_tensor, scalar_tensor, too_many_rows
from sqlrec.serving.errors import RequestError
from sqlrec.serving.frame import Array, Frame, Outputs
from sqlrec.serving.json_payload import Payload
from sqlrec.serving.json_values import Decoder
from sqlrec.serving.wire import Header, Reading
from sqlrec.spec.schema import Kind
from sqlrec.spec.signature import InputColumn, OutputColumn, Signature

OCTETS = b"application/octet-stream"
HEADER_LENGTH = b"inference-header-content-length"
DTYPES: Mapping[str, str] = {
    "BOOL": "?",
    **{f"INT{8 * size}": f"<i{size}" for size in (1, 2, 4, 8)},
    **{f"UINT{8 * size}": f"<u{size}" for size in (1, 2, 4, 8)},
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
    "BYTES": "O",
}
_OF_TENSORS = {"int64": "INT64", "float32": "FP32", "string": "BYTES"}


def datatype(column: InputColumn | OutputColumn) -> str:
    """What a column's tensor is called in the protocol."""
    element = column.type.element if column.type.kind is Kind.ARRAY else column.type
    return "BOOL" if element.kind is Kind.BOOLEAN else _OF_TENSORS[column.tensor]


def as_oip_error(error: RequestError) -> bytes:
    """An error as the protocol has it: one text."""
    text = f"{error.code}: {error.message}" + (f" ({error.hint})" if error.hint else "")
    return orjson.dumps({"error": text})


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor as a request has it: ``data`` of JSON, or ``raw`` bytes."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: list[Any] | None
    raw: memoryview | None

    @property
    def size(self) -> int:
        """How many values it has."""
        return prod(self.shape)


class OipWire:
    """See :class:`sqlrec.serving.wire.Wire`. ``name`` and ``version`` are told in answers."""

    def __init__(
        self, signature: Signature, *, name: str, version: int, missing_as_null: bool, max_rows: int
    ) -> None:
        self._inputs = signature.inputs
        self._outputs = {output.name: output for output in signature.outputs}
        self._decoders = {column.name: Decoder((column,)) for column in signature.inputs}
        self._name = name
        self._version = str(version)
        self._missing_as_null = missing_as_null
        self._max_rows = max_rows

    def read(self, body: bytes, header: Header) -> Reading:
        """Raises ``RequestError`` SR650, SR652, SR653, SR655 and SR667."""
        document, raw = _parts(body, header(HEADER_LENGTH))
        tensors = {tensor.name: tensor for tensor in _tensors(document, raw)}
        frame = self._frame(tensors)
        answer = _Answer(self._outputs, self._wanted(document), self._about(document))
        if any(answer.binary.values()):
            return Reading(frame, answer.write_binary, OCTETS, answer.headers)
        return Reading(frame, answer.write)

    def _frame(self, given: Mapping[str, Tensor]) -> Frame:
        missing = [column.name for column in self._inputs if column.name not in given]
        if missing and (not self._missing_as_null or len(missing) == len(self._inputs)):
            raise lacking(missing, given.keys() - {column.name for column in self._inputs})
        rows = self._rows([given[column.name] for column in self._inputs if column.name in given])
        tensors: dict[str, Array] = {}
        nulls: dict[str, int] = {}
        for column in self._inputs:
            tensor = given.get(column.name)
            tensors[column.name], count = (
                all_missing(column, rows) if tensor is None else self._column(column, tensor)
            )
            if count:
                nulls[column.name] = count
        return Frame(tensors, rows, nulls, len(given) - len(self._inputs) + len(missing))

    def _rows(self, tensors: Sequence[Tensor]) -> int:
        rows = tensors[0].shape[0]
        for tensor in tensors:
            if tensor.shape[0] != rows:
                message = f"{tensors[0].name} has {rows} row(s), {tensor.name} has {tensor.shape[0]}"
                raise RequestError("SR654", message, column=tensor.name)
        if rows > self._max_rows:
            raise too_many_rows(rows, self._max_rows)
        return rows

    def _column(self, column: InputColumn, tensor: Tensor) -> tuple[Array, int]:
        dimensions = 2 if column.is_array else 1
        shape = (
            tensor.shape[:-1]
            if len(tensor.shape) == dimensions + 1 and tensor.shape[-1] == 1
            else tensor.shape
        )
        if len(shape) != dimensions:
            told = f"[rows, {column.length or 'length'}]" if column.is_array else "[rows]"
            raise _malformed(f"input {column.name} has shape {list(tensor.shape)}; the model takes {told}")
        if tensor.data is not None:
            return self._from_json(column, shape, _flat(tensor, tensor.data))
        values = Values(_binary(tensor), tensor.datatype)
        if not column.is_array:
            return scalar_tensor(column, values)
        return list_tensor(column, values, np.full(shape[0], shape[1]), None)

    def _from_json(self, column: InputColumn, shape: tuple[int, ...], cells: list[Any]) -> tuple[Array, int]:
        if column.is_array:
            width = shape[1]
            cells = [cells[start * width : (start + 1) * width] for start in range(shape[0])]
        frame = self._decoders[column.name].decode(Payload([cells], shape[0]))
        return frame.tensors[column.name], frame.nulls.get(column.name, 0)

    def _wanted(self, document: Mapping[str, Any]) -> dict[str, bool]:
        """The outputs that a request wants, and which of them as bytes."""
        binary = _parameters(document).get("binary_data_output") is True
        outputs = document.get("outputs")
        if not outputs:
            return dict.fromkeys(self._outputs, binary)
        wanted = {}
        for output in _objects(outputs, "outputs"):
            name = output.get("name")
            if name not in self._outputs:
                raise _malformed(f"the model has no output {name!r}; it has {', '.join(self._outputs)}")
            parameters = _parameters(output)
            if parameters.get("classification"):
                raise _malformed("classification is not offered", hint="ask for the outputs themselves")
            wanted[name] = parameters.get("binary_data", binary) is True
        return wanted

    def _about(self, document: Mapping[str, Any]) -> dict[str, object]:
        about: dict[str, object] = {"model_name": self._name, "model_version": self._version}
        if "id" in document:
            about["id"] = document["id"]
        return about


class _Answer:
    """The answer of one request. ``binary`` has the wanted outputs, true for those sent as bytes."""

    def __init__(
        self, outputs: Mapping[str, OutputColumn], binary: Mapping[str, bool], about: Mapping[str, object]
    ) -> None:
        self.binary = binary
        self._outputs = outputs
        self._about = about
        self._head_length = 0

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Of the binary answer that was written."""
        return (("Inference-Header-Content-Length", str(self._head_length)),)

    def write(self, outputs: Outputs) -> bytes:
        """The JSON of an answer that is JSON throughout."""
        return self._head([self._described(c, a) | _data(a) for c, a in self._pairs(outputs)])

    def write_binary(self, outputs: Outputs) -> bytes:
        """JSON, then the raw tensors."""
        described, raws = [], []
        for column, array in self._pairs(outputs):
            if self.binary[column.name]:
                raws.append(_raw(column, array))
                size = {"parameters": {"binary_data_size": len(raws[-1])}}
                described.append(self._described(column, array) | size)
            else:
                described.append(self._described(column, array) | _data(array))
        head = self._head(described)
        self._head_length = len(head)
        return b"".join((head, *raws))

    def _pairs(self, outputs: Outputs) -> list[tuple[OutputColumn, Array]]:
        arrays = dict(zip(self._outputs, outputs, strict=True))
        return [(self._outputs[name], arrays[name]) for name in self.binary]

    def _described(self, column: OutputColumn, array: Array) -> dict[str, object]:
        return {"name": column.name, "datatype": datatype(column), "shape": list(array.shape)}

    def _head(self, outputs: list[dict[str, object]]) -> bytes:
        return orjson.dumps(
            {**self._about, "outputs": outputs}, default=np.ndarray.tolist, option=orjson.OPT_SERIALIZE_NUMPY
        )


def _data(array: Array) -> dict[str, object]:
    return {"data": np.ascontiguousarray(array.reshape(-1))}


def _raw(column: OutputColumn, array: Array) -> bytes:
    dtype = DTYPES[datatype(column)]
    if dtype != "O":
        return array.astype(dtype).tobytes()
    texts = [str(text).encode() for text in array.reshape(-1)]
    return b"".join(len(text).to_bytes(4, "little") + text for text in texts)


def _parts(body: bytes, header_length: str) -> tuple[dict[str, Any], memoryview]:
    """The JSON of a body and what follows it; raises ``RequestError`` SR650 and SR667."""
    length = len(body)
    if header_length:
        if not header_length.isascii() or not header_length.isdigit() or int(header_length) > length:
            raise _malformed(
                f"Inference-Header-Content-Length is {header_length[:20]}, the body {length} bytes"
            )
        length = int(header_length)
    view = memoryview(body)
    try:
        document = orjson.loads(view[:length])
    except orjson.JSONDecodeError as error:
        raise RequestError("SR650", f"the request is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise _malformed("the request must be an object with 'inputs'")
    return document, view[length:]


def _tensors(document: Mapping[str, Any], raw: memoryview) -> list[Tensor]:
    tensors = []
    for given in _objects(document.get("inputs"), "inputs"):
        size = _parameters(given).get("binary_data_size")
        mine = None
        if size is not None:
            if type(size) is not int or not 0 <= size <= len(raw):
                raise _malformed(
                    f"input {given.get('name')} says binary_data_size {size}, which is not there"
                )
            mine, raw = raw[:size], raw[size:]
        tensors.append(_tensor(given, mine))
    if len(raw):
        raise _malformed(f"{len(raw)} bytes after the JSON belong to no input")
    names = [tensor.name for tensor in tensors]
    if len(set(names)) < len(names):
        raise _malformed("an input is there twice")
    return tensors


def _tensor(given: Mapping[str, Any], raw: memoryview | None) -> Tensor:
    name, kind, shape, data = (given.get(key) for key in ("name", "datatype", "shape", "data"))
    if type(name) is not str:
        raise _malformed("an input has no name")
    if type(kind) is not str or kind not in DTYPES:
        raise _malformed(f"input {name} has datatype {kind!r}", hint=f"known are {', '.join(DTYPES)}")
    if type(shape) is not list or not shape or not all(type(n) is int and 0 <= n < 2**31 for n in shape):
        raise _malformed(f"input {name} has no shape such as [rows]")
    if raw is None and type(data) is not list:
        raise _malformed(f"input {name} has neither a list 'data' nor 'binary_data_size'")
    return Tensor(name, kind, tuple(shape), None if raw is not None else data, raw)


def _flat(tensor: Tensor, data: list[Any]) -> list[Any]:
    """The values of JSON data, which may be nested as the shape is, or flat."""
    for _ in tensor.shape[1:]:
        if not any(type(cell) is list for cell in data):
            break
        if not all(type(cell) is list for cell in data):
            raise _malformed(f"the data of input {tensor.name} is nested unevenly")
        data = [value for cell in data for value in cell]
    if len(data) != tensor.size:
        raise _sizes_differ(tensor, len(data))
    return data


def _binary(tensor: Tensor) -> Array:
    """The values of raw data, flat; a view of the body where the datatype has a fixed size."""
    raw = tensor.raw if tensor.raw is not None else memoryview(b"")
    if tensor.datatype == "BYTES":
        texts = _texts(tensor, raw)
        if len(texts) != tensor.size:
            raise _sizes_differ(tensor, len(texts))
        return np.array(texts, dtype=np.object_)
    dtype = np.dtype(DTYPES[tensor.datatype])
    if len(raw) != tensor.size * dtype.itemsize:
        raise _sizes_differ(tensor, len(raw) / dtype.itemsize)
    array = np.frombuffer(raw, np.uint8 if dtype == np.bool_ else dtype)
    return array != 0 if dtype == np.bool_ else array


def _texts(tensor: Tensor, raw: memoryview) -> list[str]:
    """Texts, each behind its length in four bytes."""
    texts: list[str] = []
    start = 0
    while start < len(raw):
        end = start + 4 + int.from_bytes(raw[start : start + 4], "little")
        if end > len(raw):
            raise _malformed(f"input {tensor.name} ends within its value {len(texts)}")
        try:
            texts.append(str(raw[start + 4 : end], "utf-8"))
        except UnicodeDecodeError:
            row = len(texts) // max(1, prod(tensor.shape[1:]))
            message = f"row {row}, column {tensor.name}: this is not UTF-8"
            raise RequestError("SR653", message, row=row, column=tensor.name) from None
        start = end
    return texts


def _objects(given: Any, name: str) -> list[dict[str, Any]]:
    if not isinstance(given, list) or not given or not all(isinstance(one, dict) for one in given):
        raise _malformed(f"{name!r} must be a list of objects")
    return given


def _parameters(of: Mapping[str, Any]) -> Mapping[str, Any]:
    parameters = of.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise _malformed("'parameters' must be an object")
    return parameters


def _sizes_differ(tensor: Tensor, found: float) -> RequestError:
    wanted = f"shape {list(tensor.shape)} needs {tensor.size} value(s), {found:g} are there"
    return _malformed(f"input {tensor.name}: {wanted}")


def _malformed(message: str, hint: str = "") -> RequestError:
    return RequestError("SR667", message, hint=hint)
