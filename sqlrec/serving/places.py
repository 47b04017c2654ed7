"""Small batches where ONNX Runtime looks for them already.

Handing it eight inputs takes a third of a call of one row, and binding buffers takes longer still. So the
buffers for each small number of rows are bound once, and then only filled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import onnxruntime as ort

from sqlrec.serving.frame import Array
from sqlrec.spec.schema import Kind
from sqlrec.spec.signature import Signature

MOST_ROWS = 64
"""Of a batch that has a place; calls of more rows take far longer than to hand them over."""
_OUTPUTS = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
}


class Place(Mapping[str, Array]):
    """The tensors of a batch of ``rows`` rows by input: the rows of two matrices ``[inputs, rows]``.

    Those of ``integers`` (int64) and those of ``reals`` (float32) are in the signature's order.
    """

    def __init__(self, session: ort.InferenceSession, signature: Signature, rows: int) -> None:
        self._session = session
        self._binding = session.io_binding()
        names = [[c.name for c in signature.inputs if c.tensor == kind] for kind in ("int64", "float32")]
        self.integers = np.zeros((len(names[0]), rows), np.int64)
        self.reals = np.zeros((len(names[1]), rows), np.float32)
        self._tensors: dict[str, Array] = {
            **dict(zip(names[0], self.integers, strict=True)),
            **dict(zip(names[1], self.reals, strict=True)),
        }
        kinds = {node.name: node.type for node in session.get_outputs()}
        self._outputs = {o.name: np.zeros(rows, _OUTPUTS[kinds[o.name]]) for o in signature.outputs}
        for name, array in self._tensors.items():
            self._binding.bind_input(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
        for name, array in self._outputs.items():
            self._binding.bind_output(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)

    def __getitem__(self, name: str) -> Array:
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def run(self) -> list[Array]:
        """Outputs ``[rows]`` of what was put in. Exceptions are those of ONNX Runtime."""
        self._session.run_with_iobinding(self._binding)
        return [output.copy() for output in self._outputs.values()]


class Places:
    """The places of one session, made as they are needed; for one thread."""

    def __init__(self, session: ort.InferenceSession, signature: Signature) -> None:
        self._session = session
        self._signature = signature
        self._made: dict[int, Place] = {}

    def of(self, rows: int) -> Place | None:
        """Where to put a batch, until the next one of as many rows; None for a large one."""
        if rows > MOST_ROWS:
            return None
        place = self._made.get(rows)
        if place is None:
            place = self._made[rows] = Place(self._session, self._signature, rows)
        return place


def places_of(session: ort.InferenceSession, signature: Signature) -> Places | None:
    """Those of a session whose inputs and outputs all are numbers, one a row; else None."""
    kinds = {node.name: node.type for node in session.get_outputs()}
    inputs = all(c.tensor in ("int64", "float32") and not c.is_array for c in signature.inputs)
    outputs = all(kinds[o.name] in _OUTPUTS and o.type.kind is not Kind.ARRAY for o in signature.outputs)
    return Places(session, signature) if inputs and outputs else None
