"""Static INT8 for the head of a model: its dense layers, calibrated on rows.

Static, because dynamic quantisation takes its scale from the batch and so makes a row's score depend on
the rows beside it. The graph keeps to standard operators (a layer between QuantizeLinear and
DequantizeLinear), which ONNX Runtime joins into integer layers that pass their codes on. For that each layer
gives codes, not floats, and a ReLU is not there: codes that start at zero are cut off there anyway.
Activations are unsigned, since the integer kernels of x86 take unsigned by signed numbers and anything else
is 20 times slower.

Embeddings (hundredths) and standardised numbers (up to 5) enter the first layer side by side; one scale
for both would round the embeddings away. As in SmoothQuant (Xiao et al. 2023) each input column is first
divided by a factor that its weights take over; on the flights data that makes the error 8 times smaller.
So is the input of every layer that reads something else than hidden units. After that one scale is mostly
enough for all weights of a layer, which takes 3 microseconds less for a single row than a scale a column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from sqlrec.errors import JobError
from sqlrec.models.exporting.session import open_session

Feeds = Mapping[str, npt.NDArray[np.float32]]
Floats = npt.NDArray[np.float32]

LAYERS = ("Gemm", "MatMul")
MIN_COLUMNS = 16
"""Narrower weights (the last layer, the wide part) stay FP32: they cost nothing and decide the score."""
BALANCE = 0.75
"""Share of an input column's range that is moved into the weights."""
SMALLEST = 1e-5
WEIGHT_CODES, CODES = 127, 255
"""Largest code of a weight, which is signed, and of an activation."""
ERROR_BATCHES = 4
LOSS = 1.5
"""How many times the error of a scale a column one scale for all of a layer's weights may have."""
BIAS_CODES = 2**30
"""Largest code of a bias: 32 bits hold it and the products that are added."""


def quantized_head(head: ModelProto, calibration: Sequence[Feeds]) -> ModelProto:
    """The INT8 form of an exported head; ``calibration`` holds its inputs, batch by batch.

    Raises ``JobError`` SR533 when the head has no layer to quantise.
    """
    layers = _layers(head)
    if not layers:
        raise JobError("SR533", f"no layer of the model is {MIN_COLUMNS} wide, so INT8 gains nothing")
    reach = _reach(head, {name for layer in layers for name in (layer.source, layer.result)}, calibration)
    few, many = (_Quantized(head, layers, reach, by_column=by_column).made() for by_column in (False, True))
    feeds = calibration[:ERROR_BATCHES]
    exact = _answers(head, feeds)
    errors = [float(np.sqrt(np.mean((_answers(one, feeds) - exact) ** 2))) for one in (few, many)]
    return few if errors[0] <= LOSS * errors[1] else many


def _answers(model: ModelProto, feeds: Sequence[Feeds]) -> npt.NDArray[Any]:
    session = open_session(model.SerializeToString())
    return np.concatenate([session.run(None, dict(feed))[0] for feed in feeds])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """A dense layer; ``result`` is what comes of it, after its ReLU where it has one."""

    name: str
    source: str
    weight: str
    bias: str
    result: str
    relu: str
    is_transposed: bool

    def columns(self, tensors: Mapping[str, TensorProto]) -> Floats:
        """Weights [inputs, outputs]."""
        values: Floats = numpy_helper.to_array(tensors[self.weight])
        return values.T if self.is_transposed else values


def _layers(model: ModelProto) -> list[_Layer]:
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    return [
        _layer(model, node)
        for node in model.graph.node
        if node.op_type in LAYERS
        and node.input[1] in weights
        and all(name in weights for name in node.input[2:])
        and min(weights[node.input[1]].dims) >= MIN_COLUMNS
    ]


def _layer(model: ModelProto, node: NodeProto) -> _Layer:
    result = node.output[0]
    users = [user for user in model.graph.node if result in user.input]
    is_cut = len(users) == 1 and users[0].op_type == "Relu" and not _is_output(model, result)
    return _Layer(
        name=node.name,
        source=node.input[0],
        weight=node.input[1],
        bias=node.input[2] if len(node.input) > 2 else "",
        result=users[0].output[0] if is_cut else result,
        relu=users[0].name if is_cut else "",
        is_transposed=any(a.name == "transB" and a.i for a in node.attribute),
    )


def _is_output(model: ModelProto, tensor: str) -> bool:
    return any(output.name == tensor for output in model.graph.output)


@dataclass(frozen=True, slots=True)
class _Reach:
    """Smallest and largest value of each column of a tensor, zero always between them."""

    low: Floats
    high: Floats

    def scale(self) -> tuple[np.float32, np.uint8]:
        """What a code is worth, and the code of zero."""
        low, high = float(self.low.min()), float(self.high.max())
        step = max((high - low) / CODES, SMALLEST / CODES)
        return np.float32(step), np.uint8(round(-low / step))


def _reach(model: ModelProto, tensors: set[str], feeds: Sequence[Feeds]) -> dict[str, _Reach]:
    """The reach of inputs and inner tensors over the calibration rows."""
    names = sorted(tensors)
    probe = ModelProto()
    probe.CopyFrom(model)
    del probe.graph.output[:]
    probe.graph.output.extend(helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in names)
    session = open_session(probe.SerializeToString())
    found: dict[str, list[tuple[Any, Any]]] = {name: [] for name in names}
    for feed in feeds:
        for name, values in zip(names, session.run(names, dict(feed)), strict=True):
            rows = values.reshape(-1, values.shape[-1])
            found[name].append((rows.min(axis=0, initial=0), rows.max(axis=0, initial=0)))
    return {
        name: _Reach(np.min([low for low, _ in ends], axis=0), np.max([high for _, high in ends], axis=0))
        for name, ends in found.items()
    }


@dataclass(slots=True)
class _Quantized:
    """Writes the nodes of a head anew, with its layers quantised; ``tensors`` are its constants by name."""

    model: ModelProto
    layers: Sequence[_Layer]
    reach: Mapping[str, _Reach]
    by_column: bool
    tensors: dict[str, TensorProto] = field(init=False)
    nodes: list[NodeProto] = field(default_factory=list)
    factors: dict[str, Floats] = field(default_factory=dict)
    scales: dict[str, np.float32] = field(default_factory=dict)
    """What a code of a tensor is worth, by the tensor's name; its codes are in ``NAME_codes``."""

    def __post_init__(self) -> None:
        self.tensors = {tensor.name: tensor for tensor in self.model.graph.initializer}

    def made(self) -> ModelProto:
        """The whole head."""
        model = ModelProto()
        model.CopyFrom(self.model)
        nodes = self._rewritten(list(model.graph.node))
        del model.graph.node[:], model.graph.initializer[:]
        model.graph.node.extend(nodes)
        model.graph.initializer.extend(self.tensors.values())
        return model

    def _rewritten(self, nodes: Sequence[NodeProto]) -> list[NodeProto]:
        layers = {layer.name: layer for layer in self.layers}
        gone = {layer.relu for layer in self.layers if layer.relu}
        others = {name for node in nodes if node.name not in layers for name in node.input}
        others |= {output.name for output in self.model.graph.output}
        for node in nodes:
            if node.name in layers:
                self._write_layer(layers[node.name], node, read_as_float=others)
            elif node.name not in gone:
                self.nodes.append(node)
        used = {name for node in self.nodes for name in node.input}
        self.tensors = {name: tensor for name, tensor in self.tensors.items() if name in used}
        return self.nodes

    def _write_layer(self, layer: _Layer, node: NodeProto, *, read_as_float: set[str]) -> None:
        if layer.source not in self.scales:
            self._write_source(layer.source)
        factor = self.factors.get(layer.source)
        weights = layer.columns(self.tensors)
        if factor is not None:
            weights = weights * factor[:, None]
        inputs = [self._floats(layer.source, f"{layer.name}_source")]
        inputs += self._constants(layer, weights, self.scales[layer.source])
        exact = f"{layer.name}_exact"
        self.nodes.append(helper.make_node(node.op_type, inputs, [exact], name=layer.name))
        self._write_codes(exact, layer.result, self.reach[layer.result])
        if layer.result in read_as_float:
            self.nodes[-1:] = [self.nodes[-1], self._dequantize(layer.result, layer.result)]

    def _write_source(self, source: str) -> None:
        """Codes of a tensor that no quantised layer gives, its columns balanced."""
        reach = self.reach[source]
        readers = [layer for layer in self.layers if layer.source == source]
        columns = np.max([np.abs(layer.columns(self.tensors)).max(axis=1) for layer in readers], axis=0)
        size = np.maximum(np.abs(reach.low), np.abs(reach.high))
        factor = np.maximum(size, SMALLEST) ** BALANCE / np.maximum(columns, SMALLEST) ** (1 - BALANCE)
        self.factors[source] = factor = factor.astype(np.float32)
        balanced = f"{source}_balanced"
        by = self._constant(f"{balanced}_by", 1 / factor)
        self.nodes.append(helper.make_node("Mul", [source, by], [balanced], name=balanced))
        self._write_codes(balanced, source, _Reach(reach.low / factor, reach.high / factor))

    def _write_codes(self, tensor: str, name: str, reach: _Reach) -> None:
        scale, zero = reach.scale()
        self.scales[name] = scale
        constants = [
            self._constant(f"{name}_scale", np.array(scale)),
            self._constant(f"{name}_zero", np.array(zero)),
        ]
        codes = f"{name}_codes"
        self.nodes.append(helper.make_node("QuantizeLinear", [tensor, *constants], [codes], name=codes))

    def _floats(self, name: str, output: str) -> str:
        self.nodes.append(self._dequantize(name, output))
        return output

    def _dequantize(self, name: str, output: str) -> NodeProto:
        inputs = [f"{name}_codes", f"{name}_scale", f"{name}_zero"]
        return helper.make_node("DequantizeLinear", inputs, [output], name=f"{output}_floats")

    def _constants(self, layer: _Layer, weights: Floats, source: np.float32) -> list[str]:
        """Weights, and the bias where there is one, as codes; a scale for each output, or one for all."""
        bias = numpy_helper.to_array(self.tensors[layer.bias]) if layer.bias else np.zeros(1, np.float32)
        least = np.maximum(np.abs(bias) / (source * BIAS_CODES), np.finfo(np.float32).tiny / source)
        scale = np.maximum(np.abs(weights).max(axis=0) / WEIGHT_CODES, least).astype(np.float32)
        scale = scale if self.by_column else np.asarray(scale.max())
        codes = np.rint(weights / scale).astype(np.int8)
        found = [self._stored(f"{layer.name}_weight", codes, scale, axis=1)]
        if layer.bias:
            worth = np.asarray(scale * source, np.float32)
            shifts = np.rint(bias.astype(np.float64) / worth).astype(np.int32)
            found.append(self._stored(f"{layer.name}_bias", shifts, worth, axis=0))
        return found

    def _stored(self, name: str, codes: npt.NDArray[Any], scale: Floats, *, axis: int) -> str:
        inputs = [
            self._constant(f"{name}_codes", codes),
            self._constant(f"{name}_scale", scale),
            self._constant(f"{name}_zero", np.zeros(scale.shape, codes.dtype)),
        ]
        self.nodes.append(helper.make_node("DequantizeLinear", inputs, [name], name=name, axis=axis))
        return name

    def _constant(self, name: str, value: npt.NDArray[Any]) -> str:
        self.tensors[name] = numpy_helper.from_array(value, name)
        return name
