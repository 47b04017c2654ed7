"""Files of torch (TorchScript, torch.export) to ONNX, for models that were made elsewhere."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from sqlrec.errors import DataError
from sqlrec.features.raw import Tensor, tensor_of
from sqlrec.spec.schema import Field, Kind, Schema

OPSET = 17
ROWS, LENGTH = 2, 4
"""Shape of the example that a TorchScript model is traced with."""


def to_onnx(content: bytes, kind: str, columns: Schema, uri: str) -> bytes:
    """The ONNX file of a ``TorchScript`` or ``PT2`` file, with any number of rows.

    A TorchScript model does not say what it takes: it is given one matrix of all columns, or a tensor for
    each. Raises ``DataError`` SR557 when torch cannot read or convert it.
    """
    try:
        with _quiet():
            return _exported(content) if kind == "PT2" else _scripted(content, columns)
    except Exception as error:  # torch's loaders and exporters raise whatever they meet
        reason = (str(error).strip().splitlines() or [repr(error)])[0]
        raise DataError(
            "SR557",
            f"{uri} cannot be converted to ONNX: {reason}",
            hint="export it as ONNX: torch.onnx.export",
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without torch's words about its own exporters."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def _exported(content: bytes) -> bytes:
    program = torch.onnx.export(torch.export.load(io.BytesIO(content)), dynamo=True, verbose=False)
    assert program is not None, "dynamo gives a program"
    made: bytes = program.model_proto.SerializeToString()
    return made


def _scripted(content: bytes, columns: Schema) -> bytes:
    load: Any = torch.jit.load
    module = load(io.BytesIO(content), map_location="cpu").eval()
    arguments = module._c._get_method("forward").schema.arguments[1:]
    one = len(arguments) == 1 and len(columns) > 1
    example = (torch.rand(ROWS, len(columns)),) if one else tuple(map(_example, columns))
    names = [argument.name for argument in arguments]
    file: Any = io.BytesIO()
    torch.onnx.export(
        module,
        example,
        file,
        dynamo=False,
        opset_version=OPSET,
        input_names=names,
        dynamic_axes={name: {0: "rows"} for name in names},
    )
    made: bytes = file.getvalue()
    return made


def _example(column: Field) -> torch.Tensor:
    shape = (ROWS, LENGTH) if column.type.kind is Kind.ARRAY else (ROWS,)
    if tensor_of(column.name, column.type) is Tensor.INT:
        return torch.zeros(shape, dtype=torch.int64)
    return torch.rand(shape)
