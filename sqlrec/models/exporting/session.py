"""ONNX Runtime as an export job uses it: one thread, so that results and timings do not depend on load."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from onnxruntime import InferenceSession, SessionOptions

from sqlrec.models.lookup import load

SCORED_ROWS = 8192
"""Rows scored in one call."""
TIMED_ROWS, WARM_UP, TIMED_RUNS = 1000, 3, 21

Tensors = Mapping[str, npt.NDArray[Any]]


def open_session(model: bytes) -> Any:
    """A session of a model on the CPU."""
    options = SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return InferenceSession(model, options, providers=["CPUExecutionProvider"])


OPENERS = {".cbm": "sqlrec.models.gbdt.catboost_file:open_export"}
"""What opens the files of an export that are no ONNX, by their suffix: ``(folder, file) -> session``."""


def open_variant(folder: Path, file: str) -> Any:
    """A session of one file of the export in ``folder``; whatever its format, it answers as ONNX does."""
    opener = OPENERS.get(Path(file).suffix)
    if opener is None:
        return open_session((folder / file).read_bytes())
    return cast(Callable[[Path, str], Any], load(opener))(folder, file)


def run(session: Any, inputs: Tensors) -> list[npt.NDArray[Any]]:
    """All outputs for inputs of any number of rows (at least one), block by block."""
    rows = len(next(iter(inputs.values())))
    blocks = [
        session.run(None, {k: v[start : start + SCORED_ROWS] for k, v in inputs.items()})
        for start in range(0, rows, SCORED_ROWS)
    ]
    return [np.concatenate(parts) for parts in zip(*blocks, strict=True)]


def latency_ms(session: Any, inputs: Tensors) -> float:
    """Median milliseconds of scoring a thousand rows (the given ones, repeated) with one thread."""
    rows = np.arange(TIMED_ROWS) % len(next(iter(inputs.values())))
    batch = {name: values[rows] for name, values in inputs.items()}
    times = []
    for _ in range(WARM_UP + TIMED_RUNS):
        started = time.perf_counter()
        session.run(None, batch)
        times.append(time.perf_counter() - started)
    return float(np.median(times[WARM_UP:])) * 1000
