"""Typed columns of a request: what a wire format reads and a model is run on.

Values are converted where a request is read, so that a bad value is its own request's error, and requests
that arrive together are joined column by column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Outputs = Sequence[Array]
"""One array ``[rows]`` or ``[rows, width]`` an output, in the signature's order."""


@dataclass(frozen=True, slots=True)
class Frame:
    """``tensors`` by input name, each ``[rows]`` or ``[rows, length]``.

    ``nulls`` counts values that were NULL by input, if any; ``unknown`` counts values of no input.
    """

    tensors: Mapping[str, Array]
    rows: int
    nulls: Mapping[str, int] = field(default_factory=dict)
    unknown: int = 0


def join(frames: Sequence[Frame], missing: Mapping[str, object]) -> Frame:
    """One frame with the rows of all, in order.

    ``missing`` is what fills the rows of an input whose arrays are of different lengths.
    """
    if len(frames) == 1:
        return frames[0]
    tensors = {name: _stacked([f.tensors[name] for f in frames], missing[name]) for name in missing}
    nulls: Counter[str] = Counter()
    for frame in frames:
        if frame.nulls:
            nulls.update(frame.nulls)
    return Frame(tensors, sum(f.rows for f in frames), nulls, sum(f.unknown for f in frames))


def _stacked(arrays: Sequence[Array], missing: object) -> Array:
    if arrays[0].ndim == 1:
        return np.concatenate(arrays)
    width = max(array.shape[1] for array in arrays)
    if all(array.shape[1] == width for array in arrays):
        return np.concatenate(arrays)
    whole = np.full((sum(map(len, arrays)), width), missing, dtype=arrays[0].dtype)
    start = 0
    for array in arrays:
        whole[start : start + len(array), : array.shape[1]] = array
        start += len(array)
    return whole
