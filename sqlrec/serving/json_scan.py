"""The short way from JSON to typed columns, by the compiled scanner where it was built.

It gives the same tensors as :mod:`sqlrec.serving.json_values`, or nothing: what it does not read (errors,
dates as text, numbers of another kind than their column, ARRAY inputs) is read the long way. Its values stay
packed until requests are joined, for eight small arrays a request would cost more than reading it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sqlrec.serving.frame import Array, Frame, Packed
from sqlrec.spec.schema import Kind
from sqlrec.spec.signature import InputColumn

if TYPE_CHECKING:
    from sqlrec.serving._rows import Block
    from sqlrec.serving.places import Place

PURE = "SQLREC_PURE"
"""Set to 1, this environment variable makes the server read all bodies the long way."""

_NOTHING = np.empty(0, np.float32)


class Scanner:
    """Reads bodies for one model; ``kinds`` as the compiled scanner has them."""

    def __init__(self, names: tuple[str, ...], kinds: str, *, missing_as_null: bool, max_rows: int) -> None:
        from sqlrec.serving import _rows

        self._scanner = _rows.Scanner(names, kinds, missing_as_null=missing_as_null, max_rows=max_rows)
        self.scan = self._scanner.scan
        self._integers = tuple(n for n, kind in zip(names, kinds, strict=True) if kind in "ib")
        self._reals = tuple(n for n, kind in zip(names, kinds, strict=True) if kind == "f")
        self._texts = tuple(n for n, kind in zip(names, kinds, strict=True) if kind == "s")

    def read(self, body: bytes) -> Frame | None:
        """The rows of a body, or None when it must be read the long way."""
        block = self.scan(body)
        if block is None:
            return None
        return Frame(Packed(self, block, block.rows), block.rows, block.nulls, block.unknown)

    def join(self, blocks: list[Block], rows: int, place: Place | None) -> Frame:
        """The rows of several bodies, ``rows`` in all, in their place if they have one."""
        nulls, unknown = self._scanner.tally(blocks)
        if place is None:
            return Frame(self.unpack(blocks, rows), rows, nulls, unknown)
        self._scanner.put(blocks, place.integers, place.reals)
        return Frame(place, rows, nulls, unknown)

    def unpack(self, parts: list[Block], rows: int) -> dict[str, Array]:
        """See :class:`sqlrec.serving.frame.Source`."""
        integers = np.empty((len(self._integers), rows), np.int64)
        reals = np.empty((len(self._reals), rows), np.float32) if self._reals else _NOTHING
        texts = self._scanner.put(parts, integers, reals)
        tensors: dict[str, Array] = dict(zip(self._integers, integers, strict=True))
        if self._reals:
            tensors.update(zip(self._reals, reals, strict=True))
        for name, values in zip(self._texts, texts, strict=True):
            tensors[name] = np.array(values, dtype=np.object_)
        return tensors


def scanner_of(columns: Sequence[InputColumn], *, missing_as_null: bool, max_rows: int) -> Scanner | None:
    """The scanner of these inputs; None where it was not built, is switched off or cannot read them."""
    if os.environ.get(PURE) == "1" or any(column.is_array for column in columns):
        return None
    names = tuple(column.name for column in columns)
    kinds = "".join(map(_kind, columns))
    try:
        return Scanner(names, kinds, missing_as_null=missing_as_null, max_rows=max_rows)
    except (ImportError, ValueError):
        return None


def _kind(column: InputColumn) -> str:
    if column.type.kind is Kind.BOOLEAN and column.tensor == "int64":
        return "b"
    return {"int64": "i", "float32": "f", "string": "s"}.get(column.tensor, "?")
