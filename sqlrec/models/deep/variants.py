"""The files of an exported deep model: full precision, and the compressed forms that were asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from onnx import ModelProto

from sqlrec.errors import JobError
from sqlrec.features.columns import Slot
from sqlrec.models.deep.folding import folded
from sqlrec.models.deep.quantize import Feeds, quantized_head
from sqlrec.models.exporting.compress import half_precision, row_wise_int8
from sqlrec.models.exporting.options import FP16, FP32, INT8

Assemble = Callable[[ModelProto, ModelProto], bytes]
"""Features and head → the whole model."""
WIDE = 1
"""Last entries of an embedding row that stay FP32: the wide weight."""


def variants_of(
    features: ModelProto,
    head: ModelProto,
    assemble: Assemble,
    calibration: Callable[[], Sequence[Feeds]],
    wanted: Sequence[str],
    slots: Sequence[Slot],
) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Bytes by variant, and warnings about those that cannot be made.

    INT8 has both the dense layers and the embedding rows in eight bits; ``calibration`` gives inputs of the
    head for the former, ``slots`` are the columns of the table. A head without wide layers has no INT8 form.
    """
    made, warnings = {FP32: assemble(features, head)}, []
    if FP16 in wanted:
        half = half_precision(ModelProto.FromString(made[FP32]))
        made[FP16] = bytes(half.SerializeToString(deterministic=True))
    if INT8 in wanted:
        try:
            quantized = quantized_head(head, calibration())
            whole = folded(ModelProto.FromString(assemble(features, quantized)), slots)
            if whole is not None:
                made[INT8] = bytes(whole.SerializeToString(deterministic=True))
            else:
                made[INT8] = assemble(row_wise_int8(features, exact=WIDE), quantized)
        except JobError as error:
            warnings.append(f"there is no INT8 variant: {error.message}")
    return made, tuple(warnings)
