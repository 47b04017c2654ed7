"""Column types in three spellings: the dialect's, DuckDB's and Arrow's.

The dialect has no unsigned or 128-bit integers, enums or nanoseconds. What DuckDB returns of these is
given the dialect's nearest type (``sum(INT)`` is a BIGINT), so that no later stage meets another type.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from sqlrec.errors import SchemaError
from sqlrec.spec.schema import DataType, Field, Kind, Schema
from sqlrec.spec.widening import decimal_size

_DUCKDB = {
    Kind.BOOLEAN: "BOOLEAN",
    Kind.TINYINT: "TINYINT",
    Kind.SMALLINT: "SMALLINT",
    Kind.INT: "INTEGER",
    Kind.BIGINT: "BIGINT",
    Kind.FLOAT: "FLOAT",
    Kind.DOUBLE: "DOUBLE",
    Kind.STRING: "VARCHAR",
    Kind.BYTES: "BLOB",
    Kind.DATE: "DATE",
    Kind.TIME: "TIME",
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.TIMESTAMP_LTZ: "TIMESTAMPTZ",
}

_FROM_DUCKDB = {
    "boolean": Kind.BOOLEAN,
    "tinyint": Kind.TINYINT,
    "smallint": Kind.SMALLINT,
    "integer": Kind.INT,
    "bigint": Kind.BIGINT,
    "utinyint": Kind.SMALLINT,
    "usmallint": Kind.INT,
    "uinteger": Kind.BIGINT,
    "ubigint": Kind.BIGINT,
    "hugeint": Kind.BIGINT,
    "uhugeint": Kind.BIGINT,
    "float": Kind.FLOAT,
    "double": Kind.DOUBLE,
    "varchar": Kind.STRING,
    "enum": Kind.STRING,
    "uuid": Kind.STRING,
    "null": Kind.STRING,
    "blob": Kind.BYTES,
    "date": Kind.DATE,
    "time": Kind.TIME,
    "timestamp": Kind.TIMESTAMP,
    "timestamp_s": Kind.TIMESTAMP,
    "timestamp_ms": Kind.TIMESTAMP,
    "timestamp_ns": Kind.TIMESTAMP,
    "timestamp with time zone": Kind.TIMESTAMP_LTZ,
}

_ARROW = {
    Kind.BOOLEAN: pa.bool_(),
    Kind.TINYINT: pa.int8(),
    Kind.SMALLINT: pa.int16(),
    Kind.INT: pa.int32(),
    Kind.BIGINT: pa.int64(),
    Kind.FLOAT: pa.float32(),
    Kind.DOUBLE: pa.float64(),
    Kind.STRING: pa.string(),
    Kind.BYTES: pa.binary(),
    Kind.DATE: pa.date32(),
    Kind.TIME: pa.time64("us"),
    Kind.TIMESTAMP: pa.timestamp("us"),
    Kind.TIMESTAMP_LTZ: pa.timestamp("us", tz="UTC"),
}


def quote(name: str) -> str:
    """A name as a DuckDB identifier."""
    return '"' + name.replace('"', '""') + '"'


def duckdb_type(data_type: DataType) -> str:
    """DuckDB's text of a type; ``SchemaError`` SR411 for MULTISET and VARIANT."""
    match data_type.kind:
        case Kind.ARRAY:
            return f"{duckdb_type(data_type.element)}[]"
        case Kind.MAP:
            key, value = data_type.arguments
            return f"MAP({duckdb_type(key)}, {duckdb_type(value)})"
        case Kind.ROW:
            pairs = zip(data_type.names, data_type.arguments, strict=True)
            return f"STRUCT({', '.join(f'{quote(n)} {duckdb_type(t)}' for n, t in pairs)})"
        case Kind.DECIMAL:
            precision, scale = decimal_size(data_type)
            return f"DECIMAL({precision}, {scale})"
        case kind if kind in _DUCKDB:
            return _DUCKDB[kind]
        case _:
            raise SchemaError("SR411", f"type {data_type} cannot be stored in a table")


def arrow_type(data_type: DataType) -> pa.DataType:
    """Arrow's form of a type; ``SchemaError`` SR411 for MULTISET and VARIANT."""
    match data_type.kind:
        case Kind.ARRAY:
            return pa.list_(arrow_type(data_type.element))
        case Kind.MAP:
            key, value = data_type.arguments
            return pa.map_(arrow_type(key), arrow_type(value))
        case Kind.ROW:
            pairs = zip(data_type.names, data_type.arguments, strict=True)
            return pa.struct([(n, arrow_type(t)) for n, t in pairs])
        case Kind.DECIMAL:
            return pa.decimal128(*decimal_size(data_type))
        case kind if kind in _ARROW:
            return _ARROW[kind]
        case _:
            raise SchemaError("SR411", f"type {data_type} cannot be stored in a table")


def arrow_schema(schema: Schema) -> pa.Schema:
    """Arrow schema of declared columns, all nullable."""
    return pa.schema([pa.field(f.name, arrow_type(f.type)) for f in schema])


def type_of_duckdb(column: str, duck: Any) -> DataType:
    """Dialect type of a DuckDB type; ``SchemaError`` SR411 naming ``column`` when there is none."""
    match duck.id:
        case "list" | "array":
            return DataType(Kind.ARRAY, arguments=(type_of_duckdb(column, duck.children[0][1]),))
        case "map":
            return DataType(Kind.MAP, arguments=tuple(type_of_duckdb(column, t) for _, t in duck.children))
        case "struct":
            names = tuple(name for name, _ in duck.children)
            return DataType(
                Kind.ROW, arguments=tuple(type_of_duckdb(column, t) for _, t in duck.children), names=names
            )
        case "decimal":
            return DataType(Kind.DECIMAL, tuple(size for _, size in duck.children))
        case name if name in _FROM_DUCKDB:
            return DataType(_FROM_DUCKDB[name])
        case _:
            raise SchemaError(
                "SR411",
                f"column {column!r} has type {str(duck).upper()}, which no table can hold",
                hint="CAST it to a type of the dialect, for example STRING",
            )


def type_of_arrow(column: str, arrow: pa.DataType) -> DataType:
    """Dialect type of an Arrow type made by :func:`arrow_type`; ``SchemaError`` SR411 for another one."""
    if pa.types.is_list(arrow):
        return DataType(Kind.ARRAY, arguments=(type_of_arrow(column, arrow.value_type),))
    if pa.types.is_map(arrow):
        pair = (type_of_arrow(column, arrow.key_type), type_of_arrow(column, arrow.item_type))
        return DataType(Kind.MAP, arguments=pair)
    if pa.types.is_struct(arrow):
        types = tuple(type_of_arrow(column, f.type) for f in arrow)
        return DataType(Kind.ROW, arguments=types, names=tuple(f.name for f in arrow))
    if pa.types.is_decimal(arrow):
        return DataType(Kind.DECIMAL, (arrow.precision, arrow.scale))
    for kind, candidate in _ARROW.items():
        if candidate.equals(arrow):
            return DataType(kind)
    raise SchemaError("SR411", f"column {column!r} has Arrow type {arrow}, which no table can hold")


def declared(schema: pa.Schema) -> Schema:
    """Declared columns of an Arrow schema made by :func:`arrow_schema`."""
    return Schema(tuple(Field(name=f.name, type=type_of_arrow(f.name, f.type)) for f in schema))
