"""The JSON of a request to an API → input tables and parameters, and a table → the JSON of the answer.

As SQLRec has it: ``{"data": {"user_info": [{"id": 1}]}, "params": {"recall": "hot"}}`` in,
``{"data": [{"item_id": 7, "score": 0.9}]}`` out. A table may also come as columns:
``{"user_info": {"id": [1, 2]}}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from sqlrec.errors import misspelt, suggest
from sqlrec.scoring.merge import MISFITS, coerced, misfit
from sqlrec.serving.errors import RequestError
from sqlrec.serving.json_payload import describe
from sqlrec.spec.function import Program, ProgramParam
from sqlrec.spec.schema import FLOATS, INTEGERS, DataType, Kind

HINT = 'send {"data": {"table": [{"column": value, …}, …], …}, "params": {"name": value, …}}'
ENCODING = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
UNFIT = HTTPStatus.UNPROCESSABLE_ENTITY


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a caller gives: a table for each input, parameters as text, the number of rows in all."""

    tables: Mapping[str, pa.Table]
    params: Mapping[str, str]
    rows: int


class InputReader:
    """Reads bodies for one program, whose inputs have the columns of ``schemas``."""

    def __init__(self, program: Program, schemas: Mapping[str, pa.Schema], *, max_rows: int) -> None:
        self._schemas = {name.casefold(): (name, schema) for name, schema in schemas.items()}
        self._params = {param.name: param for param in program.params}
        self._max_rows = max_rows

    def read(self, body: bytes) -> Inputs:
        """The values of a body.

        Raises ``RequestError``: SR650, SR651 (400), SR655 (413), and for a body that does not fit the
        program SR640 (tables, columns), SR641 (values), SR642 (parameters), 422.
        """
        document = _document(body)
        data = _object(document.get("data", {}), "data")
        params = _object({} if document.get("params") is None else document["params"], "params")
        tables = self._tables(data)
        return Inputs(tables, self._given(params), sum(table.num_rows for table in tables.values()))

    def _tables(self, data: dict[str, Any]) -> dict[str, pa.Table]:
        given = {name.casefold(): rows for name, rows in data.items()}
        for name in data:
            if name.casefold() not in self._schemas:
                raise _unfit("SR640", f"there is no input table {name!r}", self._known(name))
        for key, (name, _) in self._schemas.items():
            if key not in given:
                raise _unfit("SR640", f"input table {name!r} is missing", self._known(name))
        columns = {name: _columns(name, given[key], schema) for key, (name, schema) in self._schemas.items()}
        self._check_size(columns)
        return {name: _table(name, columns[name], schema) for name, schema in self._schemas.values()}

    def _known(self, name: str) -> str:
        known = [known for known, _ in self._schemas.values()]
        return suggest(name, (n for n in known if n != name)) or f"input tables: {', '.join(known) or 'none'}"

    def _check_size(self, tables: Mapping[str, Mapping[str, list[Any]]]) -> None:
        rows = sum(len(next(iter(columns.values()), ())) for columns in tables.values())
        if rows > self._max_rows:
            raise RequestError(
                "SR655",
                f"the request has {rows} rows; this API takes at most {self._max_rows}",
                status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                hint="send the rows in several requests",
            )

    def _given(self, params: dict[str, Any]) -> dict[str, str]:
        for name in params:
            if name not in self._params:
                known = ", ".join(self._params) or "none"
                hint = suggest(name, self._params) or f"parameters: {known}"
                raise _unfit("SR642", f"there is no parameter {name!r}", hint)
        return {name: _param(param, params.get(name)) for name, param in self._params.items()}


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise RequestError("SR650", f"the body is not JSON: {error}") from None
    document = _object(document, "the body")
    unknown = [key for key in document if key not in ("data", "params", "metricTags")]
    if unknown:
        raise RequestError("SR651", f"the body has an unknown member {unknown[0]!r}", hint=HINT)
    return document


def _object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RequestError("SR651", f"{what} is {describe(value)}, not an object", hint=HINT)
    return value


def _columns(name: str, given: object, schema: pa.Schema) -> dict[str, list[Any]]:
    """The values of each column, in the order of the schema."""
    match given:
        case list():
            return _from_rows(name, given, schema)
        case dict():
            return _from_columns(name, given, schema)
        case _:
            raise RequestError("SR651", f"table {name!r} is {describe(given)}", hint=HINT)


def _from_rows(name: str, rows: list[Any], schema: pa.Schema) -> dict[str, list[Any]]:
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            raise RequestError(
                "SR651", f"table {name!r}: row {index} is {describe(row)}", hint=HINT, row=index
            )
    try:
        return {column: [row[column] for row in rows] for column in schema.names}
    except KeyError:
        folded = [{key.casefold(): value for key, value in row.items()} for row in rows]
    for index, row in enumerate(folded):
        for column in schema.names:
            if column.casefold() not in row:
                raise _lacks(f"table {name!r}: row {index} lacks", column, rows[index], index)
    return {column: [row[column.casefold()] for row in folded] for column in schema.names}


def _from_columns(name: str, given: dict[str, Any], schema: pa.Schema) -> dict[str, list[Any]]:
    folded = {key.casefold(): values for key, values in given.items()}
    found: dict[str, list[Any]] = {}
    for column in schema.names:
        if column.casefold() not in folded:
            raise _lacks(f"table {name!r} lacks", column, given, None)
        values = folded[column.casefold()]
        if not isinstance(values, list):
            message = f"table {name!r}: column {column} is {describe(values)}, not a list of values"
            raise RequestError("SR651", message, hint=HINT, column=column)
        found[column] = values
    lengths = {column: len(values) for column, values in found.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{column} has {length}" for column, length in lengths.items())
        raise RequestError("SR654", f"table {name!r}: columns differ in length: {told}")
    return found


def _lacks(what: str, column: str, given: Mapping[str, Any], row: int | None) -> RequestError:
    hint = misspelt(column, given) or "send null for an unknown value"
    return RequestError("SR640", f"{what} column {column!r}", status=UNFIT, hint=hint, row=row, column=column)


def _table(name: str, columns: Mapping[str, list[Any]], schema: pa.Schema) -> pa.Table:
    arrays = [_array(name, field, columns[field.name]) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(name: str, field: pa.Field, values: list[Any]) -> pa.Array:
    try:
        if pa.types.is_map(field.type):
            return pa.array([list(v.items()) if isinstance(v, dict) else v for v in values], field.type)
        if pa.types.is_struct(field.type):
            return pa.array(values, field.type)
        return coerced(values, field.type)
    except MISFITS:
        row, value = misfit(values, field.type)
    raise RequestError(
        "SR641",
        f"table {name!r}: row {row}, column {field.name!r}: {describe(value)} is no {field.type}",
        status=UNFIT,
        row=row,
        column=field.name,
    )


def _param(param: ProgramParam, given: object) -> str:
    """The value as the text that a run of the script would give its queries."""
    value = param.default if given is None else given
    if value is None:
        raise _unfit("SR642", f"parameter {param.name!r} has no value", 'give it in "params"')
    kind = DataType.parse(param.type).kind
    if not _fits(kind, value):
        raise _unfit("SR642", f"parameter {param.name!r} is {param.type}, not {describe(value)}", "")
    return str(value)


def _fits(kind: Kind, value: object) -> bool:
    if kind is Kind.BOOLEAN or isinstance(value, bool):
        return kind is Kind.BOOLEAN and isinstance(value, bool)
    if kind in INTEGERS:
        return isinstance(value, int)
    if kind in FLOATS:
        return isinstance(value, int | float)
    return isinstance(value, str) and (kind is not Kind.DATE or _is_date(value))


def _is_date(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def _unfit(code: str, message: str, hint: str) -> RequestError:
    return RequestError(code, message, status=UNFIT, hint=hint)


def answer(table: pa.Table | None) -> bytes:
    """``{"data": [{…}, …]}``; null for a program that returns nothing. No number becomes null, too."""
    if table is None:
        return orjson.dumps({"data": None})
    rows = [_plain(column) for column in table.columns]
    names = table.column_names
    data = [dict(zip(names, row, strict=True)) for row in zip(*rows, strict=True)]
    return orjson.dumps({"data": data}, default=_shown, option=ENCODING)


def _plain(column: pa.ChunkedArray) -> list[object]:
    if pa.types.is_decimal(column.type):
        column = pc.cast(column, pa.float64())
    if pa.types.is_float32(column.type):  # so that 0.1 is written as 0.1, not as the double next to it
        return list(column.to_numpy())
    values: list[object] = column.to_pylist(maps_as_pydicts="lossy")
    return values


def _shown(value: object) -> object:
    """What JSON has no form for: bytes as hexadecimal digits, a nested decimal as a number."""
    if isinstance(value, bytes):
        return value.hex()
    return float(value) if isinstance(value, Decimal) else str(value)
