"""The service's answer → output columns of the declared types.

A list has a value a row; a value that is no list holds for every row; so does a list of one when only one
row was asked about. Numbers are coerced where nothing is lost (3 is a DOUBLE, 3.0 is an INT); what does
not fit is an error with its row and field, because SQLRec's silent NULLs and shifted rows cost days.
"""

from __future__ import annotations

from typing import cast

import pyarrow as pa
import pyarrow.compute as pc

from sqlrec.errors import RemoteError
from sqlrec.scoring.arrow_form import fitted


def output_schema(table: pa.Schema, outputs: pa.Schema) -> pa.Schema:
    """The table's columns and then the outputs; an output whose name is taken gets the first free index.

    So ``probs`` becomes ``probs0`` when the table has a ``probs``, and ``probs1`` when it has both.
    """
    taken = {name.casefold() for name in table.names}
    fields = list(table)
    for field in outputs:
        name, index = field.name, 0
        while name.casefold() in taken:
            name, index = f"{field.name}{index}", index + 1
        taken.add(name.casefold())
        fields.append(field.with_name(name))
    return pa.schema(fields)


def merge(
    service: str, answer: object, outputs: pa.Schema, *, rows: int, asked: int, first_row: int = 0
) -> list[pa.Array | None]:
    """Output columns of ``rows`` values each, None where the answer has no such field.

    ``answer`` is decoded JSON or an Arrow batch, which has a value a row. ``asked`` is the number of rows the
    service saw. Raises ``RemoteError`` SR613 for an answer of another shape, SR614 for a value of another
    type.
    """
    if isinstance(answer, pa.RecordBatch):
        return _of_batch(service, answer, outputs, rows, first_row)
    if not isinstance(answer, dict):
        kind = type(answer).__name__
        raise _wrong("SR613", service, f"an object of output columns was expected, it returned a {kind}")
    folded = {key.casefold(): key for key in answer}
    columns: list[pa.Array | None] = []
    for field in outputs:
        key = field.name if field.name in answer else folded.get(field.name.casefold())
        if key is None:
            columns.append(None)
            continue
        values = _values(service, field, answer[key], asked)
        array = _array(service, field, values, first_row)
        if len(array) != rows:
            array = array.take(pa.array([0] * rows, pa.int32()))
        columns.append(array)
    return columns


def _of_batch(
    service: str, answer: pa.RecordBatch, outputs: pa.Schema, rows: int, first_row: int
) -> list[pa.Array | None]:
    if answer.num_rows != rows:
        raise _wrong("SR613", service, f"the answer has {answer.num_rows} values for {rows} rows")
    folded = {name.casefold(): index for index, name in enumerate(answer.schema.names)}
    columns: list[pa.Array | None] = []
    for field in outputs:
        index = folded.get(field.name.casefold())
        if index is None:
            columns.append(None)
            continue
        try:
            columns.append(fitted(answer.column(index), field.type))
        except pa.ArrowException as error:
            where = f"rows {first_row} to {first_row + rows - 1}, field {field.name!r}"
            raise _wrong("SR614", service, f"{where}: {error}") from None
    return columns


def _values(service: str, field: pa.Field, value: object, asked: int) -> list[object]:
    """A list of ``asked`` values, or of one that holds for every row."""
    if not isinstance(value, list):
        return [value]
    if asked == 1 and pa.types.is_list(field.type) and _depth(value) == _type_depth(field.type):
        return [value]  # the array of the one row, not a value a row
    if len(value) != asked:
        what = f"field {field.name!r} has {len(value)} values for {asked} rows"
        raise _wrong("SR613", service, what)
    return value


def _depth(value: object) -> int:
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


def _type_depth(kind: pa.DataType) -> int:
    return 1 + _type_depth(kind.value_type) if pa.types.is_list(kind) else 0


def _array(service: str, field: pa.Field, values: list[object], first_row: int) -> pa.Array:
    try:
        return coerced(values, field.type)
    except MISFITS:
        row, value = misfit(values, field.type)
    where = f"row {first_row + row}, " if len(values) > 1 else ""
    shown = repr(value) if len(repr(value)) <= 80 else repr(value)[:80] + "…"
    raise _wrong("SR614", service, f"{where}field {field.name!r}: {shown} is no {field.type}")


MISFITS = (pa.ArrowException, OverflowError, TypeError, ValueError)
"""What :func:`coerced` raises."""


def coerced(values: list[object], wanted: pa.DataType) -> pa.Array:
    """An array of a declared type from JSON values; raises an Arrow or built-in error if one does not fit."""
    if pa.types.is_list(wanted):
        return _lists(values, wanted)
    if pa.types.is_floating(wanted) or pa.types.is_decimal(wanted):
        return _fractions(values, wanted)
    array = pa.array(values)
    if not _fits(array.type, wanted):
        raise TypeError(f"{array.type} is no {wanted}")
    return pc.cast(array, wanted)


def _fractions(values: list[object], wanted: pa.DataType) -> pa.Array:
    if not {type(value) for value in values} <= {int, float, type(None)}:
        raise TypeError("no number")
    wide = pa.array(values, pa.float64())
    if pa.types.is_decimal(wanted):
        return pc.cast(wide, wanted)
    array = pc.cast(wide, wanted, safe=False)
    if pc.any(pc.is_inf(array)).as_py():
        raise OverflowError("beyond the range of the type")
    return array


def _fits(given: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether JSON values that Arrow reads as ``given`` may become ``wanted``."""
    if pa.types.is_null(given) or given.equals(wanted):
        return True
    if pa.types.is_integer(wanted):
        return bool(pa.types.is_integer(given) or pa.types.is_floating(given))
    return bool(pa.types.is_string(given) and pa.types.is_temporal(wanted))


def _lists(values: list[object], wanted: pa.ListType) -> pa.Array:
    offsets, flat = [0], []
    for value in values:
        if value is not None and not isinstance(value, list):
            raise TypeError("no list")
        flat += cast(list[object], value or [])
        offsets.append(len(flat))
    mask = pa.array([value is None for value in values], pa.bool_())
    items = coerced(flat, wanted.value_type)
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), items, type=wanted, mask=mask)


def misfit(values: list[object], wanted: pa.DataType) -> tuple[int, object]:
    """The first value that does not fit, and its index."""
    for row, value in enumerate(values):
        try:
            coerced([value], wanted)
        except MISFITS:
            return row, value
    return 0, values


def _wrong(code: str, service: str, what: str) -> RemoteError:
    return RemoteError(
        code,
        f"service {service}: {what}",
        hint="compare the model's declared outputs with what the service answers",
        retriable=False,
    )
