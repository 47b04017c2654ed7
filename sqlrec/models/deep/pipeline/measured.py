"""What TorchEasyRec measured, under our names."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from sqlrec.models.deep.pipeline.rows import Counts
from sqlrec.spec.job import CurvePoint

RESULTS = "train_eval_result*.txt"
"""TorchEasyRec's file of measurements, a JSON object a line; its name has had versions."""

STEP = "global_step"


def metrics_of(model_dir: Path, counts: Counts) -> dict[str, float]:
    """The last measurement, and the number of rows. Of several labels the mean stands beside each."""
    *_, last = ({}, *(metrics for _, metrics in _measurements(model_dir)))
    means: dict[str, list[float]] = {}
    for name, value in last.items():
        if "." in name:
            means.setdefault(name.partition(".")[0], []).append(value)
    averages = {name: sum(values) / len(values) for name, values in means.items()}
    return {**averages, **last, "rows": float(counts.train)}


def curves_of(model_dir: Path) -> tuple[CurvePoint, ...]:
    """All measurements, by optimiser step."""
    return tuple(
        CurvePoint(name=name, step=step, value=value)
        for step, metrics in _measurements(model_dir)
        for name, value in metrics.items()
    )


def _measurements(model_dir: Path) -> Iterator[tuple[int, Mapping[str, float]]]:
    for path in sorted(model_dir.glob(RESULTS)):
        for line in path.read_text(encoding="utf-8").splitlines():
            found = json.loads(line) if line.strip() else {}
            values = {_ours(k): float(v) for k, v in found.items() if k != STEP and math.isfinite(v)}
            if values:
                yield int(found.get(STEP, 0)), values


def _ours(name: str) -> str:
    """As we call it: ``auc``, ``logloss``, of several labels ``auc.LABEL``; recall is that within a batch."""
    name = name.replace("binary_cross_entropy", "logloss")
    if match := re.fullmatch(r"recall@(\d+)", name):
        return f"batch_recall_{match[1]}"
    return re.sub(r"^(auc|logloss)_(.+)$", r"\1.\2", name)
