"""How columns and the tensors of a graph belong together: by name, else by position.

A column is a tensor ``[rows]`` or ``[rows, 1]``, an ARRAY is ``[rows, length]``, and several columns of
numbers may be one matrix ``[rows, columns]``. Nothing is guessed beyond that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from onnx import TensorProto

from sqlrec.errors import SchemaError
from sqlrec.spec.schema import INTEGERS, DataType, Field, Kind, Schema

FLOATS = frozenset({TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16})
INTS = frozenset(
    {
        *(TensorProto.INT8, TensorProto.INT16, TensorProto.INT32, TensorProto.INT64),
        *(TensorProto.UINT8, TensorProto.UINT16, TensorProto.UINT32, TensorProto.UINT64),
    }
)
BOOL, STRING = TensorProto.BOOL, TensorProto.STRING


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """An input or output of a graph. ``shape`` is None when unknown; a None in it is any length."""

    name: str
    element: int
    shape: tuple[int | None, ...] | None

    def __str__(self) -> str:
        kind = TensorProto.DataType.Name(self.element).lower()
        if self.shape is None:
            return f"{self.name} {kind}"
        return f"{self.name} {kind}[{', '.join('rows' if n is None else str(n) for n in self.shape)}]"

    @property
    def rank(self) -> int:
        """Number of dimensions; one that is unknown is taken for a value a row."""
        return 1 if self.shape is None else len(self.shape)

    @property
    def width(self) -> int | None:
        """Length of the second dimension."""
        return self.shape[1] if self.shape and len(self.shape) > 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """An input of the graph and the columns it is made of."""

    port: Port
    columns: tuple[Field, ...]
    is_matrix: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Yield:
    """An output column and where it comes from: ``part`` is the column of a matrix."""

    column: Field
    port: Port
    part: int | None = None


def feeds(columns: Schema, inputs: Sequence[Port]) -> tuple[Feed, ...]:
    """What each input of the graph is made of.

    Raises ``SchemaError`` SR460 (columns and inputs do not fit) and SR462 (a fixed number of rows).
    """
    for port in inputs:
        _require_rows(port)
    fields = tuple(columns)
    if len(inputs) == 1 and len(fields) > 1:
        return (_matrix(inputs[0], fields),)
    if len(inputs) != len(fields):
        why = f"{len(fields)} columns are no {len(inputs)} inputs"
        raise _unfit("SR460", why, fields, "takes", inputs)
    pairs = _paired("SR460", fields, inputs, "takes")
    for column, port in pairs:
        problem = _not_taken(column.type, port) or _misshapen(column, port)
        if problem:
            raise _unfit("SR460", f"column {column.name!r} {problem}", fields, "takes", inputs)
    by_port = {port.name: column for column, port in pairs}
    return tuple(Feed(port=port, columns=(by_port[port.name],)) for port in inputs)


def _matrix(port: Port, columns: tuple[Field, ...]) -> Feed:
    why = ""
    if port.rank != 2 or port.width not in (None, len(columns)):
        why = f"{len(columns)} columns are not its one input"
    for column in columns:
        problem = "is an ARRAY" if column.type.kind is Kind.ARRAY else _not_taken(column.type, port)
        why = why or (f"column {column.name!r} {problem}" if problem else "")
    if why:
        raise _unfit("SR460", why, columns, "takes", (port,))
    return Feed(port=port, columns=columns, is_matrix=True)


def yields(columns: Schema, outputs: Sequence[Port]) -> tuple[Yield, ...]:
    """Where each output column comes from; the graph may give more than is asked for.

    Raises ``SchemaError`` SR461 (columns and outputs do not fit) and SR462 (a fixed number of rows).
    """
    fields = tuple(columns)
    matrix = outputs[0] if len(outputs) == 1 and len(fields) > 1 else None
    if matrix is not None and matrix.rank == 2 and matrix.width == len(fields):
        found = tuple(Yield(column=column, port=matrix, part=i) for i, column in enumerate(fields))
    else:
        found = tuple(
            Yield(column=column, port=port) for column, port in _paired("SR461", fields, outputs, "gives")
        )
    for one in found:
        _require_rows(one.port)
        problem = _not_given(one.column.type, one.port)
        if not problem and one.part is None:
            problem = _misshapen(one.column, one.port)
        if problem:
            raise _unfit("SR461", f"column {one.column.name!r} {problem}", fields, "gives", outputs)
    return found


def _paired(
    code: str, columns: tuple[Field, ...], ports: Sequence[Port], verb: str
) -> tuple[tuple[Field, Port], ...]:
    """All by name; by position when no name is the same and there are as many."""
    by_name = {port.name.casefold(): port for port in ports}
    same = [column.name.casefold() in by_name for column in columns]
    if all(same):
        return tuple((column, by_name[column.name.casefold()]) for column in columns)
    if not any(same) and len(columns) == len(ports):
        return tuple(zip(columns, ports, strict=True))
    missing = next(column.name for column, known in zip(columns, same, strict=True) if not known)
    raise _unfit(code, f"there is no {missing!r} in the file", columns, verb, ports)


def _require_rows(port: Port) -> None:
    if port.shape is not None and (not port.shape or port.shape[0] is not None):
        fixed = f"exactly {port.shape[0]} row(s)" if port.shape else "one value for all rows"
        raise SchemaError(
            "SR462",
            f"the file is made for {fixed}: {port}",
            hint="export it with a first dimension of any length (dynamic_axes, dynamic_shapes)",
        )


def _misshapen(column: Field, port: Port) -> str:
    """What is wrong with the dimensions of a tensor that is one column."""
    if column.type.kind is Kind.ARRAY:
        return "" if port.rank == 2 else f"is an ARRAY, {port} is not"
    if port.rank == 1 or (port.rank == 2 and port.width in (None, 1)):
        return ""
    return f"is one value a row, {port} is not" + ("; declare an ARRAY" if port.rank == 2 else "")


def _not_taken(column: DataType, port: Port) -> str:
    """Why values of a column cannot be the input."""
    kind = (column.element if column.kind is Kind.ARRAY else column).kind
    if kind is Kind.STRING:
        allowed: Iterable[int] = (STRING,)
    elif kind in INTEGERS or kind is Kind.BOOLEAN:
        allowed = FLOATS | INTS | {BOOL}
    else:
        allowed = FLOATS
    return "" if port.element in allowed else f"is {column}, which cannot become {port}"


def _not_given(column: DataType, port: Port) -> str:
    """Why the output cannot be values of a column."""
    kind = (column.element if column.kind is Kind.ARRAY else column).kind
    if kind is Kind.STRING:
        allowed: Iterable[int] = (STRING,)
    elif kind is Kind.BOOLEAN:
        allowed = (BOOL,)
    elif kind in INTEGERS:
        allowed = INTS | {BOOL}
    else:
        allowed = FLOATS | INTS
    return "" if port.element in allowed else f"is {column}, which {port} cannot become"


def _unfit(code: str, why: str, columns: Iterable[Field], verb: str, ports: Iterable[Port]) -> SchemaError:
    """The error that shows both sides."""
    declared = ", ".join(f"{column.name} {column.type}" for column in columns)
    found = ", ".join(map(str, ports)) or "nothing"
    clause = "INPUT" if verb == "takes" else "OUTPUT"
    return SchemaError(
        code,
        f"{clause} does not fit the file: {why}; declared are {declared}; the file {verb} {found}",
        hint=f"write {clause} as the file has it, by the same names or in the same order",
    )
