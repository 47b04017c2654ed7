"""The JSON of ``/predict`` → one list of values per model input, not typed yet.

Two shapes, as SQLRec's protocol has them: a list of row objects, and an object of column lists in which
lists of length 1 stand for every row. The values stay Python objects here; :mod:`sqlrec.serving.json_values`
converts them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from operator import itemgetter
from typing import Any

import orjson

from sqlrec.errors import misspelt
from sqlrec.serving.errors import RequestError

Cells = Sequence[Any]
"""Values of one input, one a row."""

ROWS_HINT = "send rows as a list of objects, [{…}], or columns as an object of lists, {…: […]}"
NULL_HINT = "send null for an unknown value, or create the service with missing_features = 'null'"


@dataclass(frozen=True, slots=True)
class Payload:
    """``cells[i]`` holds the ``rows`` values of input ``i``; ``unknown`` counts values of no input."""

    cells: Sequence[Cells]
    rows: int
    unknown: int = 0


class PayloadReader:
    """Reads bodies for one model: ``names`` are its inputs, in the spelling that requests must use.

    ``missing_as_null`` lets a feature that is left out count as null.
    """

    def __init__(self, names: tuple[str, ...], *, missing_as_null: bool, max_rows: int) -> None:
        self._names = names
        self._known = frozenset(names)
        self._missing_as_null = missing_as_null
        self._max_rows = max_rows
        self._pick: Callable[[Any], tuple[Any, ...]] = itemgetter(*names)
        if len(names) == 1:
            self._pick = _single(names[0])

    def read(self, body: bytes) -> Payload:
        """Values of a request body; raises ``RequestError`` SR650, SR651, SR652, SR654 and SR655."""
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise RequestError("SR650", f"the body is not JSON: {error}") from None
        match document:
            case list():
                return self._from_rows(document)
            case dict():
                return self._from_columns(document)
            case _:
                raise RequestError("SR651", f"the body is {describe(document)}", hint=ROWS_HINT)

    def _from_rows(self, rows: list[Any]) -> Payload:
        if not rows:
            return Payload([()] * len(self._names), 0)
        self._check_size(len(rows))
        try:
            cells = list(zip(*map(self._pick, rows), strict=True))
            return Payload(cells, len(rows), sum(map(len, rows)) - len(rows) * len(cells))
        except (KeyError, TypeError):
            return self._from_uneven_rows(rows)

    def _from_uneven_rows(self, rows: list[Any]) -> Payload:
        """Rows of which at least one lacks a feature or is no object."""
        for index, row in enumerate(rows):
            if not isinstance(row, dict):
                raise RequestError("SR651", f"row {index} is {describe(row)}", hint=ROWS_HINT, row=index)
            if not self._missing_as_null:
                self._check_present(row, f"row {index} lacks", row=index)
        cells = [[row.get(name) for row in rows] for name in self._names]
        return Payload(cells, len(rows), sum(len(row.keys() - self._known) for row in rows))

    def _from_columns(self, table: dict[str, Any]) -> Payload:
        given = {name: table[name] for name in self._names if name in table}
        if not self._missing_as_null or not given:
            self._check_present(table, "the columns lack")
        for name, values in given.items():
            if not isinstance(values, list):
                message = f"column {name} is {describe(values)}, not a list of values"
                raise RequestError("SR651", message, hint=ROWS_HINT, column=name)
        count = _common_length(given)
        self._check_size(count)
        absent = [None] * count
        cells = [_broadcast(given[n], count) if n in given else absent for n in self._names]
        return Payload(cells, count, len(table) - len(given))

    def _check_present(self, given: Mapping[str, Any], lacking: str, row: int | None = None) -> None:
        missing = [name for name in self._names if name not in given]
        if not missing:
            return
        near = misspelt(missing[0], [key for key in given if key not in self._known])
        raise RequestError(
            "SR652",
            f"{lacking} feature(s) {', '.join(missing)}",
            hint=f"{near} {NULL_HINT}".strip(),
            row=row,
            column=missing[0] if len(missing) == 1 else None,
        )

    def _check_size(self, rows: int) -> None:
        if rows > self._max_rows:
            raise RequestError(
                "SR655",
                f"the request has {rows} rows; this service takes at most {self._max_rows}",
                status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                hint="send the rows in several requests",
            )


def _single(name: str) -> Callable[[Any], tuple[Any, ...]]:
    return lambda row: (row[name],)


def _common_length(columns: Mapping[str, list[Any]]) -> int:
    """The one length of all columns; those of length 1 fit any."""
    lengths = {name: len(values) for name, values in columns.items() if len(values) != 1}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        hint = "all columns have one length, or length 1 for a value that holds for every row"
        raise RequestError("SR654", f"columns differ in length: {told}", hint=hint)
    return next(iter(lengths.values()), 1)


def _broadcast(values: list[Any], count: int) -> list[Any]:
    return values if len(values) == count else values * count


def describe(value: object) -> str:
    """A JSON value in words for a message: short scalars as they are, others by kind."""
    match value:
        case dict():
            return "an object"
        case list():
            return "a list"
        case _:
            text = orjson.dumps(value).decode()
            return text if len(text) <= 60 else f"{text[:57]}…"
