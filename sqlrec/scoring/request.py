"""Rows of tables → JSON payloads of ``/predict``.

``call_service`` sends rows, ``call_service_with_qv`` columns; a NULL goes as null in both. (SQLRec leaves
it out of its row, which makes a missing value look like a forgotten feature.) What the query table has
goes as a list of one value, which the service repeats for all rows, and wins over a column of the value
table. Features go under the model's spelling whatever the table's. JSON has no infinity, so one is an
error; NaN is a missing number and goes as null. Rows may go as Arrow as well, and mean the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from sqlrec.errors import DataError, NameNotFoundError, SchemaError, misspelt, suggest
from sqlrec.scoring.arrow_form import stream
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.prediction import wrong_number


@dataclass(frozen=True, slots=True)
class Bound:
    """A feature in the model's spelling and the index of the column that holds it."""

    feature: str
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRequest:
    """Payloads of ``call_service``; ``absent`` features are NULL on every row."""

    bound: tuple[Bound, ...]
    absent: tuple[str, ...] = ()

    def payload(self, batch: pa.RecordBatch, first_row: int = 0) -> bytes:
        """A JSON array with an object a row; ``DataError`` SR617 names an infinite value's row."""
        names = [*(b.feature for b in self.bound), *self.absent]
        columns = [json_values(batch.column(b.column), b.feature, first_row) for b in self.bound]
        columns += [[None] * batch.num_rows] * len(self.absent)
        rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        return orjson.dumps(rows)

    def features(self, batch: pa.RecordBatch, first_row: int = 0) -> pa.RecordBatch:
        """The features alone, columns as they are; dates and times as JSON has them."""
        columns = [arrow_values(batch.column(b.column), b.feature, first_row) for b in self.bound]
        columns += [pa.nulls(batch.num_rows)] * len(self.absent)
        return pa.RecordBatch.from_arrays(columns, names=[*(b.feature for b in self.bound), *self.absent])

    def arrow(self, batch: pa.RecordBatch, first_row: int = 0) -> bytes:
        """:meth:`features` as an Arrow stream."""
        return stream(self.features(batch, first_row))

    def rows(self, batch: pa.RecordBatch) -> int:
        """Rows that the service sees."""
        return cast(int, batch.num_rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryRequest:
    """Payloads of ``call_service_with_qv``; ``query`` holds the query row's features, one value each."""

    query: dict[str, list[object]]
    bound: tuple[Bound, ...]

    def payload(self, batch: pa.RecordBatch, first_row: int = 0) -> bytes:
        """A JSON object with a list a feature; ``DataError`` SR617 names an infinite value's row."""
        values = {b.feature: json_values(batch.column(b.column), b.feature, first_row) for b in self.bound}
        return orjson.dumps({**self.query, **values})

    def rows(self, batch: pa.RecordBatch) -> int:
        """Rows that the service sees: one when every feature is the query row's."""
        return cast(int, batch.num_rows) if self.bound else 1


Request = RowRequest | QueryRequest


def bind(
    service: str, model: ModelSpec, table: pa.Schema, query: pa.Table | None = None, missing: str = "error"
) -> Request:
    """The request form for tables of these columns.

    Raises ``SchemaError``: SR615 (features without a column, unless ``missing`` is ``'null'``; none with
    one in any case), SR618 (a type JSON has no form for), SR619 (the query table has not one row).
    """
    if query is not None and query.num_rows != 1:
        raise SchemaError(
            "SR619", f"Query table must have exactly one row, it has {query.num_rows}", hint="add a WHERE"
        )
    from_query: dict[str, list[object]] = {}
    bound, absent = [], []
    for name in model.features.names:
        index = _index(query.schema, name) if query is not None else None
        if query is not None and index is not None:
            _check_type(query.schema.field(index), name)
            from_query[name] = json_values(query.column(index).combine_chunks(), name, 0)
            continue
        index = _index(table, name)
        if index is None:
            absent.append(name)
        else:
            _check_type(table.field(index), name)
            bound.append(Bound(name, index))
    if (absent and missing == "error") or not (bound or from_query):
        raise _missing(service, model, absent, table, query)
    if query is None:
        return RowRequest(bound=tuple(bound), absent=tuple(absent))
    return QueryRequest(query=from_query | {name: [None] for name in absent}, bound=tuple(bound))


def bind_columns(service: str, model: ModelSpec, table: pa.Schema, columns: Sequence[str]) -> RowRequest:
    """The request form when ``columns`` give the model's features by their order, as DESCRIPTOR does.

    Raises ``SchemaError`` SR430 (their number), SR618 (a type JSON has no form for) and
    ``NameNotFoundError`` SR402 (a column that the table does not have).
    """
    features = model.features.names
    if len(columns) != len(features):
        raise SchemaError("SR430", wrong_number(model, len(columns)), hint=f"given: {', '.join(columns)}")
    bound = []
    for feature, column in zip(features, columns, strict=True):
        index = _index(table, column)
        if index is None:
            hint = suggest(column, table.names) or f"the input has {', '.join(table.names)}"
            message = f"the input of model {model.name} has no column {column!r}"
            raise NameNotFoundError("SR402", message, hint=hint)
        _check_type(table.field(index), feature)
        bound.append(Bound(feature, index))
    return RowRequest(bound=tuple(bound))


def _index(schema: pa.Schema, name: str) -> int | None:
    """The column of that name, spelled the same or else in other case."""
    if name in schema.names:
        return cast(int, schema.get_field_index(name))
    folded = [n.casefold() for n in schema.names]
    return folded.index(name.casefold()) if name.casefold() in folded else None


def _missing(
    service: str, model: ModelSpec, absent: list[str], table: pa.Schema, query: pa.Table | None
) -> SchemaError:
    given = [*table.names, *(query.schema.names if query is not None else ())]
    near = misspelt(next(iter(absent), ""), set(given).difference(model.features.names))
    has = f"the table has {', '.join(table.names)}"
    if query is not None:
        has = f"the query table has {', '.join(query.schema.names)}, {has.replace('table', 'value table')}"
    return SchemaError(
        "SR615",
        f"service {service} of model {model.name} needs "
        f"feature{'s' * (len(absent) > 1)} {', '.join(absent)}; {has}",
        hint=f"{near} add the columns, or set missing_features = 'null'".strip(),
    )


def _check_type(field: pa.Field, feature: str) -> None:
    kind = field.type.value_type if pa.types.is_list(field.type) else field.type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind):
        raise SchemaError(
            "SR618",
            f"feature {feature!r}: a column of type {field.type} cannot be sent",
            hint="CAST it in the query",
        )


def json_values(array: pa.Array, feature: str, first_row: int) -> list[object]:
    """Values as JSON can hold them: numbers, booleans, text (dates and times in ISO form), lists of these."""
    array = arrow_values(array, feature, first_row)
    flat = array.flatten() if pa.types.is_list(array.type) else array
    if pa.types.is_decimal(flat.type):
        array = pc.cast(array, pa.list_(pa.float64()) if flat is not array else pa.float64())
    if (pa.types.is_integer(array.type) or pa.types.is_floating(array.type)) and not array.null_count:
        return cast(list[object], array.to_numpy(zero_copy_only=False).tolist())
    return cast(list[object], array.to_pylist())


def arrow_values(array: pa.Array, feature: str, first_row: int) -> pa.Array:
    """Values that can be sent: none infinite, dates and times as text in ISO form."""
    flat = array.flatten() if pa.types.is_list(array.type) else array
    if pa.types.is_floating(flat.type) and pc.any(pc.is_inf(flat)).as_py():
        raise _infinite(array, feature, first_row)
    if pa.types.is_temporal(flat.type):
        return pc.cast(array, pa.list_(pa.string()) if flat is not array else pa.string())
    return array


def _infinite(array: pa.Array, feature: str, first_row: int) -> DataError:
    row = next(i for i, value in enumerate(array.to_pylist()) if _is_infinite(value))
    return DataError(
        "SR617",
        f"row {first_row + row}, feature {feature!r}: infinity cannot be sent to a service",
        hint="filter such rows, or replace the value, in the query",
    )


def _is_infinite(value: object) -> bool:
    if isinstance(value, list):
        return any(map(_is_infinite, value))
    return isinstance(value, float) and math.isinf(value)
