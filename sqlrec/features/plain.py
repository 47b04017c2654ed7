"""Raw inputs as plain numbers and texts, in numpy alone, because a predict server does this too."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sqlrec.spec.signature import MISSING_INT

Floats = npt.NDArray[np.float32]
Raw = npt.NDArray[Any]
LARGEST = np.finfo(np.float32).max


def since(origin: float, values: npt.NDArray[np.int64]) -> Floats:
    """Dates, timestamps or integers as float32 distances from ``origin``, NaN for missing.

    The difference is taken in float64, where microseconds are exact, because float32 alone would round
    today's timestamps to two minutes. (ONNX Runtime 1.31 orders int64 wrongly in Min, so no integers.)
    """
    distance = (values.astype(np.float64) - origin).astype(np.float32)
    return np.where(values == MISSING_INT, np.float32(np.nan), distance)


def float_column(raw: Raw, origin: float | None) -> Floats:
    """A number as a learner sees it, float32 ``[rows]``, NaN for missing, infinities cut to the largest.

    ``raw`` is the raw input (see :mod:`sqlrec.features.raw`): float32 with ``origin`` None; int64 (integers,
    booleans, dates in days, timestamps in microseconds) as float64 distance from ``origin``, rounded to
    float32, :data:`~sqlrec.spec.signature.MISSING_INT` for missing.
    """
    values = raw.astype(np.float32) if origin is None else since(origin, raw)
    return np.clip(values, -LARGEST, LARGEST)


def text_column(raw: Raw) -> npt.NDArray[np.object_]:
    """A category as a learner sees it, text ``[rows]``: strings as they are, integers in decimal digits.

    Booleans are 0 and 1; a missing value is the empty text.
    """
    if raw.dtype == np.int64:
        texts = [("" if value == MISSING_INT else str(value)) for value in raw.tolist()]
    else:
        texts = [str(value) for value in raw.tolist()]
    return np.array(texts, dtype=object)
