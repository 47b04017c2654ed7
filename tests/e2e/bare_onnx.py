"""The exported file in bare onnxruntime on raw columns: nothing of sqlrec takes part."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

MISSING = {"tensor(int64)": -(2**63), "tensor(float)": float("nan"), "tensor(string)": ""}
DTYPES: dict[str, Any] = {"tensor(int64)": np.int64, "tensor(float)": np.float32, "tensor(string)": object}


def score(model: Path, rows: Sequence[dict[str, Any]]) -> npt.NDArray[np.float32]:
    """``probs`` of rows given as plain Python values."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    feeds = {
        column.name: _tensor(column, [row[column.name] for row in rows]) for column in session.get_inputs()
    }
    (probs,) = session.run(["probs"], feeds)
    return np.asarray(probs)


def _tensor(column: Any, values: Sequence[Any]) -> npt.NDArray[Any]:
    missing = MISSING[column.type]
    if len(column.shape) == 1:
        cells = [missing if value is None else value for value in values]
    else:
        width = max(map(len, values))
        cells = [[*value, *[missing] * (width - len(value))] for value in values]
    return np.array(cells, dtype=DTYPES[column.type])
