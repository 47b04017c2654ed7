"""Typed columns of a request: what a wire format reads and a model is run on.

Values are converted where a request is read, so that a bad value is its own request's error, and requests
that arrive together are joined column by column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Outputs = Sequence[Array]
"""One array ``[rows]`` or ``[rows, width]`` an output, in the signature's order."""


class Source(Protocol):
    """What a wire format keeps values in until they are needed."""

    def unpack(self, parts: list[Any], rows: int) -> dict[str, Array]:
        """The tensors of several requests' values, ``rows`` rows in all, in order."""


class Packed(Mapping[str, Array]):
    """Tensors of one request that are made when they are asked for, or once for all requests of a batch."""

    __slots__ = ("_tensors", "part", "rows", "source")

    def __init__(self, source: Source, part: object, rows: int) -> None:
        self.source = source
        self.part = part
        self.rows = rows
        self._tensors: dict[str, Array] | None = None

    def __getitem__(self, name: str) -> Array:
        return self._unpacked()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._unpacked())

    def __len__(self) -> int:
        return len(self._unpacked())

    def _unpacked(self) -> dict[str, Array]:
        if self._tensors is None:
            self._tensors = self.source.unpack([self.part], self.rows)
        return self._tensors


@dataclass(frozen=True, slots=True)
class Frame:
    """``tensors`` by input name, each ``[rows]`` or ``[rows, length]``.

    ``nulls`` counts values that were NULL by input, if any; ``unknown`` counts values of no input.
    """

    tensors: Mapping[str, Array]
    rows: int
    nulls: Mapping[str, int] = field(default_factory=dict)
    unknown: int = 0

    @property
    def held_bytes(self) -> int:
        """Memory of the tensors; 0 while they are packed."""
        if type(self.tensors) is Packed:
            return 0
        return sum([tensor.nbytes for tensor in self.tensors.values()])


def join(frames: Sequence[Frame], missing: Mapping[str, object]) -> Frame:
    """One frame with the rows of all, in order.

    ``missing`` is what fills the rows of an input whose arrays are of different lengths.
    """
    rows = sum([frame.rows for frame in frames])
    tensors = _unpacked_together(frames, rows)
    if len(frames) == 1:
        alone = frames[0]
        return alone if tensors is None else Frame(tensors, rows, alone.nulls, alone.unknown)
    if tensors is None:
        tensors = {name: _stacked([f.tensors[name] for f in frames], missing[name]) for name in missing}
    nulls: Counter[str] = Counter()
    for frame in frames:
        if frame.nulls:
            nulls.update(frame.nulls)
    return Frame(tensors, rows, nulls, sum([frame.unknown for frame in frames]))


def _unpacked_together(frames: Sequence[Frame], rows: int) -> Mapping[str, Array] | None:
    """The tensors of all frames at once when one source holds them all."""
    parts, source = [], None
    for frame in frames:
        packed = frame.tensors
        if type(packed) is not Packed or packed.source is not (source or packed.source):
            return None
        source = packed.source
        parts.append(packed.part)
    return source.unpack(parts, rows) if source else None


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
