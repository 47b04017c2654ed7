"""``signature.json``: what an exported model takes and gives, beside its ``model*.onnx`` files.

Any ONNX Runtime host can serve the model from this file and the ONNX file alone. An input is one raw
column: a tensor of shape ``[rows]``, or ``[rows, length]`` for an ARRAY, whose short rows are filled
with the missing value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlrec.spec.schema import DataType

MISSING_INT = -(2**63)
"""Stands for NULL in an integer or boolean input (int64); NaN does in a float32 input, '' in a string."""

AUTO = "auto"
"""The fastest variant that the export kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputColumn:
    """A raw input. ``tensor`` is ``int64``, ``float32`` or ``string``; ``length`` 0 means any length."""

    name: str
    type: DataType
    tensor: str
    is_array: bool = False
    length: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputColumn:
    """A named output of shape ``[rows]`` (or ``[rows, width]`` for an ARRAY)."""

    name: str
    type: DataType
    tensor: str = "float32"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One ONNX file of the model: its size, its metrics on the sample and its distance from FP32.

    Its speed is a metric of the checkpoint and not kept here: the same export has the same bytes.
    """

    file: str
    bytes: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    max_delta: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Inputs, outputs and variants (``fp32``, ``int8``) of an exported model.

    ``objective`` is what it was trained for, ``classes`` the labels that its class numbers stand for.
    """

    model: str
    type: str
    checkpoint: str
    inputs: tuple[InputColumn, ...]
    outputs: tuple[OutputColumn, ...]
    variants: Mapping[str, Variant]
    sample: tuple[Mapping[str, object], ...] = ()
    objective: str = "binary"
    classes: tuple[bool | int | str, ...] = ()

    def variant_for(self, wanted: str) -> str:
        """The variant that a wish means: ``auto`` is ``int8`` where the export kept it, else ``fp32``."""
        if wanted != AUTO:
            return wanted
        return "int8" if "int8" in self.variants else "fp32"
