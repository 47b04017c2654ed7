"""Proof that a wrapped file answers as the file itself: both are run on the same made-up rows.

The file itself is fed by numpy, another way from columns to tensors than the nodes of the wrapping.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import helper

from sqlrec.errors import DataError
from sqlrec.models.exporting.session import open_session, run
from sqlrec.models.imported.graph import input_column, target_of
from sqlrec.models.imported.ports import STRING, Feed, Yield
from sqlrec.spec.schema import Field, Kind
from sqlrec.spec.signature import InputColumn

ROWS, ALONE, SEED = 64, 8, 0
LENGTH = 4
"""Elements of an ARRAY whose length the file leaves open."""
TOLERANCE = 1e-4
"""Difference, as a share of the value, that the other rows of a batch may make."""
WORDS = ("a", "b", "")

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The session of the wrapped file, the rows it was tried on, and what is odd about it."""

    session: Any
    raw: dict[str, Array]
    warnings: tuple[str, ...]


def proved(bare: bytes, whole: bytes, feeds: Sequence[Feed], yields: Sequence[Yield], uri: str) -> Proof:
    """Run both files; raises ``DataError`` SR463 when one fails or they answer differently."""
    inputs = [input_column(feed, column) for feed in feeds for column in feed.columns]
    raw = made_up(inputs)
    try:
        session, plain = open_session(whole), open_session(bare)
        answers = run(session, raw)
        expected = _expected(plain, feeds, yields, raw)
        alone = [run(session, {k: v[row : row + 1] for k, v in raw.items()}) for row in range(ALONE)]
    except Exception as error:  # ONNX Runtime has a dozen unrelated exception classes
        reason = (str(error).splitlines() or [repr(error)])[0]
        raise DataError(
            "SR463",
            f"{uri} does not run on made-up rows: {reason}",
            hint="try the file with onnxruntime on a few rows",
        ) from error
    for one, answer, wanted in zip(yields, answers, expected, strict=True):
        _require_rows(one, answer, uri)
        if not _same(answer, wanted, 0.0):
            raise DataError("SR463", f"{uri} answers otherwise through the columns: {one.column.name}")
    together = [np.concatenate(parts) for parts in zip(*alone, strict=True)]
    odd = [
        one.column.name
        for one, answer, apart in zip(yields, answers, together, strict=True)
        if not _same(answer[:ALONE], apart, TOLERANCE)
    ]
    warnings = tuple(f"{name} of a row depends on the other rows of its batch" for name in odd)
    return Proof(session=session, raw=raw, warnings=warnings)


def made_up(columns: Sequence[InputColumn]) -> dict[str, Array]:
    """Small, known values that any model takes: 0 and 1, numbers between them, short words."""
    random = np.random.default_rng(SEED)
    return {column.name: _values(column, random) for column in columns}


def _values(column: InputColumn, random: np.random.Generator) -> Array:
    shape = (ROWS, column.length or LENGTH) if column.is_array else (ROWS,)
    if column.tensor == "int64":
        return random.integers(0, 2, shape).astype(np.int64)
    if column.tensor == "float32":
        return random.random(shape).astype(np.float32)
    return np.array(WORDS, object)[random.integers(0, len(WORDS), shape)]


def _expected(
    session: Any, feeds: Sequence[Feed], yields: Sequence[Yield], raw: Mapping[str, Array]
) -> list[Array]:
    """What the file itself answers, as the columns have it."""
    given = {feed.port.name: _tensor(feed, raw) for feed in feeds}
    names = list(dict.fromkeys(one.port.name for one in yields))
    found = dict(zip(names, session.run(names, given), strict=True))
    return [_column(found[one.port.name], one) for one in yields]


def _tensor(feed: Feed, raw: Mapping[str, Array]) -> Array:
    kind = object if feed.port.element == STRING else helper.tensor_dtype_to_np_dtype(feed.port.element)
    columns = [raw[column.name].astype(kind) for column in feed.columns]
    if feed.is_matrix:
        return np.stack(columns, axis=1)
    scalar = feed.columns[0].type.kind is not Kind.ARRAY
    return columns[0][:, None] if feed.port.rank == 2 and scalar else columns[0]


def _column(answer: Array, one: Yield) -> Array:
    values = answer[:, one.part] if one.part is not None else answer
    values = values if _is_array(one.column) else values.reshape(-1)
    target = target_of(one.column)
    return values if target == STRING else values.astype(helper.tensor_dtype_to_np_dtype(target))


def _is_array(column: Field) -> bool:
    return column.type.kind is Kind.ARRAY


def _require_rows(one: Yield, answer: Array, uri: str) -> None:
    rank = 2 if _is_array(one.column) else 1
    if answer.ndim != rank or len(answer) != ROWS:
        raise DataError(
            "SR463",
            f"{uri} gives {one.column.name!r} with shape {list(answer.shape)} for {ROWS} rows",
            hint="each output must have a value, or a vector, for each row",
        )


def _same(one: Array, other: Array, tolerance: float) -> bool:
    if one.shape != other.shape:
        return False
    if one.dtype == object or not np.issubdtype(one.dtype, np.floating):
        return bool((one == other).all())
    return bool(np.allclose(one, other, rtol=tolerance, atol=tolerance, equal_nan=True))
