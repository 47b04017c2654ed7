"""An ONNX file that was made elsewhere with the interface of every export: raw columns in, columns out.

A few nodes are put around the user's graph; the graph itself stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import onnx
from onnx import TensorProto, helper

from sqlrec.errors import DataError
from sqlrec.features.raw import Tensor, tensor_of
from sqlrec.models.imported.ports import BOOL, FLOATS, STRING, Feed, Port, Yield
from sqlrec.spec.schema import INTEGERS, Field, Kind
from sqlrec.spec.signature import MISSING_INT, InputColumn, OutputColumn

DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
"""Operator sets that ONNX Runtime brings."""
OPSET = 17
"""The operator set of the nodes around a graph that uses none of its own."""
LEAST_OPSET, LEAST_IR = 9, 4
INNER, OUTER = "model/", "sqlrec/"
"""What names of the user's graph, and of the nodes around it, begin with."""

_ELEMENTS = {
    Tensor.INT: TensorProto.INT64,
    Tensor.FLOAT: TensorProto.FLOAT,
    Tensor.STRING: TensorProto.STRING,
}


def parse(content: bytes, uri: str) -> onnx.ModelProto:
    """The model of an ONNX file, with outputs that are tensors.

    Raises ``DataError`` SR557 (no ONNX, damaged, or too old), SR558 (weights in other files) and SR559
    (operators that ONNX Runtime does not have).
    """
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's own, which has no types
        raise _damaged(uri, error) from error
    if not model.graph.node:
        raise _damaged(uri, "it holds no graph")
    _require_whole(model, uri)
    _require_known(model, uri)
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise _damaged(uri, error) from error
    version = next((s.version for s in model.opset_import if s.domain in ("", "ai.onnx")), OPSET)
    if version < LEAST_OPSET:
        raise DataError(
            "SR557",
            f"{uri} uses operator set {version}; the least is {LEAST_OPSET}",
            hint="export it anew, or use onnx.version_converter",
        )
    return without_maps(model)


def _damaged(uri: str, reason: object) -> DataError:
    what = str(reason).strip().partition("\n")[0]
    return DataError("SR557", f"{uri} is no ONNX file, or was cut off: {what}", hint="copy or save it again")


def _require_whole(model: onnx.ModelProto, uri: str) -> None:
    tensors = [*model.graph.initializer]
    tensors += [a.t for node in model.graph.node for a in node.attribute if a.HasField("t")]
    outside = [t.name for t in tensors if t.data_location == TensorProto.EXTERNAL]
    if outside:
        raise DataError(
            "SR558",
            f"{uri} keeps its weights in another file ({outside[0]} and {len(outside) - 1} more)",
            hint="put them into it: onnx.save(onnx.load(path), 'whole.onnx', save_as_external_data=False)",
        )


def _require_known(model: onnx.ModelProto, uri: str) -> None:
    own = {function.domain for function in model.functions}
    unknown = {n.domain: n.op_type for n in model.graph.node if n.domain not in DOMAINS | own}
    if unknown:
        names = ", ".join(f"{domain}.{operator}" for domain, operator in sorted(unknown.items()))
        raise DataError(
            "SR559",
            f"{uri} needs operators that ONNX Runtime does not have: {names}",
            hint="export it with standard operators",
        )


def without_maps(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with the matrices that ZipMap nodes (of scikit-learn's converters) make lists of maps."""
    graph = model.graph
    maps = {node.output[0]: node for node in graph.node if node.op_type == "ZipMap"}
    for output in graph.output:
        if output.name in maps:
            node = maps[output.name]
            width = len(node.attribute[0].strings or node.attribute[0].ints)
            flat = helper.make_node("Identity", [node.input[0]], [output.name])
            graph.node.remove(node)
            graph.node.append(flat)
            output.CopyFrom(helper.make_tensor_value_info(output.name, TensorProto.FLOAT, [None, width]))
    if maps and not any(s.domain == "" for s in model.opset_import):
        model.opset_import.append(helper.make_opsetid("", OPSET))
    return model


def inputs_of(model: onnx.ModelProto) -> tuple[Port, ...]:
    """What the graph must be given."""
    constants = {tensor.name for tensor in model.graph.initializer}
    return tuple(_port(value) for value in model.graph.input if value.name not in constants)


def outputs_of(model: onnx.ModelProto) -> tuple[Port, ...]:
    """What the graph gives."""
    return tuple(_port(value) for value in model.graph.output)


def _port(value: onnx.ValueInfoProto) -> Port:
    tensor = value.type.tensor_type
    if not value.type.HasField("tensor_type"):
        kind = value.type.WhichOneof("value")
        raise DataError(
            "SR557",
            f"{value.name} of the file is a {kind}, not a tensor",
            hint="export the model with tensors (zipmap=False in scikit-learn's converters)",
        )
    shape = None
    if tensor.HasField("shape"):
        shape = tuple(d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim)
    return Port(name=value.name, element=tensor.elem_type, shape=shape)


def wrapped(model: onnx.ModelProto, feeds: Sequence[Feed], yields: Sequence[Yield]) -> bytes:
    """The file with the columns as inputs and outputs."""
    inner = onnx.compose.add_prefix(model, INNER)
    graph = inner.graph
    before = [node for feed in feeds for node in _entering(feed)]
    after = [node for one in yields for node in _leaving(one)]
    made = helper.make_graph(
        [*before, *graph.node, *after],
        "imported",
        [_input(feed, column) for feed in feeds for column in feed.columns],
        [_output(one) for one in yields],
        [*graph.initializer, *_constants(yields)],
        sparse_initializer=list(graph.sparse_initializer),
    )
    imports = list(inner.opset_import)
    if not any(s.domain in ("", "ai.onnx") for s in imports):
        imports.append(helper.make_opsetid("", OPSET))
    whole = helper.make_model(
        made,
        opset_imports=imports,
        ir_version=max(inner.ir_version, LEAST_IR),
        functions=list(inner.functions),
        producer_name="sqlrec",
    )
    content: bytes = whole.SerializeToString(deterministic=True)
    return content


def input_column(feed: Feed, column: Field) -> InputColumn:
    """A column as the signature describes it."""
    is_array = column.type.kind is Kind.ARRAY
    return InputColumn(
        name=column.name,
        type=column.type,
        tensor=tensor_of(column.name, column.type).value,
        is_array=is_array,
        length=(feed.port.width or 0) if is_array else 0,
    )


def output_column(one: Yield) -> OutputColumn:
    """An output as the signature describes it."""
    tensor = TensorProto.DataType.Name(target_of(one.column)).lower()
    return OutputColumn(
        name=one.column.name,
        type=one.column.type,
        tensor={"float": "float32", "double": "float64"}.get(tensor, tensor),
    )


def target_of(column: Field) -> int:
    """Element type of an output column."""
    kind = (column.type.element if column.type.kind is Kind.ARRAY else column.type).kind
    if kind in INTEGERS:
        return int(TensorProto.INT64)
    special = {Kind.STRING: STRING, Kind.BOOLEAN: BOOL, Kind.FLOAT: TensorProto.FLOAT}
    return int(special.get(kind, TensorProto.DOUBLE))


def _input(feed: Feed, column: Field) -> onnx.ValueInfoProto:
    shape = (
        ["rows", feed.port.width or f"{column.name}_length"] if column.type.kind is Kind.ARRAY else ["rows"]
    )
    return helper.make_tensor_value_info(column.name, _ELEMENTS[tensor_of(column.name, column.type)], shape)


def _output(one: Yield) -> onnx.ValueInfoProto:
    is_array = one.column.type.kind is Kind.ARRAY
    shape = ["rows", one.port.width or f"{one.column.name}_length"] if is_array else ["rows"]
    return helper.make_tensor_value_info(one.column.name, target_of(one.column), shape)


def _constants(yields: Sequence[Yield]) -> list[onnx.TensorProto]:
    parts = [one for one in yields if one.part is not None]
    return [
        helper.make_tensor(f"{OUTER}missing", TensorProto.INT64, [], [MISSING_INT]),
        helper.make_tensor(f"{OUTER}zero", TensorProto.INT64, [], [0]),
        helper.make_tensor(f"{OUTER}nan", TensorProto.DOUBLE, [], [float("nan")]),
        helper.make_tensor(f"{OUTER}column", TensorProto.INT64, [2], [-1, 1]),
        helper.make_tensor(f"{OUTER}vector", TensorProto.INT64, [1], [-1]),
        *(helper.make_tensor(_part(one), TensorProto.INT64, [], [one.part or 0]) for one in parts),
    ]


def _part(one: Yield) -> str:
    return f"{OUTER}out/{one.column.name}/part"


def _entering(feed: Feed) -> Iterator[onnx.NodeProto]:
    """From columns to one input of the graph."""
    target = f"{INNER}{feed.port.name}"
    if not feed.is_matrix:
        (column,) = feed.columns
        flat = f"{OUTER}in/{column.name}"
        yield from _converted(column, feed.port.element, flat)
        if feed.port.rank == 2 and column.type.kind is not Kind.ARRAY:
            yield helper.make_node("Reshape", [flat, f"{OUTER}column"], [target])
        else:
            yield helper.make_node("Identity", [flat], [target])
        return
    for column in feed.columns:
        flat = f"{OUTER}in/{column.name}"
        yield from _converted(column, feed.port.element, flat)
        yield helper.make_node("Reshape", [flat, f"{OUTER}column"], [f"{flat}/column"])
    parts = [f"{OUTER}in/{column.name}/column" for column in feed.columns]
    yield helper.make_node("Concat", parts, [target], axis=1)


def _converted(column: Field, element: int, result: str) -> Iterator[onnx.NodeProto]:
    """A raw column in the element type of the graph: a missing integer is NaN, or 0 where there is none."""
    if tensor_of(column.name, column.type) is not Tensor.INT:
        yield _cast(column.name, element, result)
        return
    missing = f"{result}/missing"
    yield helper.make_node("Equal", [column.name, f"{OUTER}missing"], [missing])
    if element in FLOATS:
        yield helper.make_node("Cast", [column.name], [f"{result}/number"], to=TensorProto.DOUBLE)
        yield helper.make_node("Where", [missing, f"{OUTER}nan", f"{result}/number"], [f"{result}/known"])
    else:
        yield helper.make_node("Where", [missing, f"{OUTER}zero", column.name], [f"{result}/known"])
    yield _cast(f"{result}/known", element, result)


def _cast(source: str, element: int, result: str) -> onnx.NodeProto:
    if element == STRING:
        return helper.make_node("Identity", [source], [result])
    return helper.make_node("Cast", [source], [result], to=element)


def _leaving(one: Yield) -> Iterator[onnx.NodeProto]:
    """From an output of the graph to one column."""
    source, column = f"{INNER}{one.port.name}", one.column
    flat = f"{OUTER}out/{column.name}"
    if one.part is not None:
        yield helper.make_node("Gather", [source, _part(one)], [flat], axis=1)
    elif one.port.rank == 2 and column.type.kind is not Kind.ARRAY:
        yield helper.make_node("Reshape", [source, f"{OUTER}vector"], [flat])
    else:
        yield helper.make_node("Identity", [source], [flat])
    yield _cast(flat, target_of(column), column.name)
