"""The last part of every export: proof of parity, variants measured, files and signature written.

Nothing is written before the full-precision file has been shown to answer as the trained model does, on
the sample rows and on made-up rows with unseen and missing values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sqlrec.artifacts.folder import write_profile, write_signature
from sqlrec.errors import JobError
from sqlrec.models.exporting.options import FP32
from sqlrec.models.exporting.session import latency_ms, open_session, run
from sqlrec.models.measuring.measures import TITLES, primary
from sqlrec.models.objective import Objective
from sqlrec.models.tables.sample import Sample, json_row
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.profile import Profile
from sqlrec.spec.signature import InputColumn, OutputColumn, Signature, Variant

Outputs = Sequence[npt.NDArray[Any]]
"""One array per output column, ``[rows]`` or ``[rows, width]``."""
Score = Callable[[pa.Table], Outputs]
"""The outputs of a table with the model's feature columns."""
Quality = Callable[[npt.NDArray[np.float32], Outputs], Mapping[str, float]]
"""Metrics by name, of labels and outputs."""

TOLERANCE = 1e-5
"""Largest allowed difference between an output of the trained and of the exported model."""
BUDGET = 0.005
"""Most that a variant may lose of the main metric, unless the statement says otherwise."""
SHOWN_ROWS, SHOWN_CHARACTERS = 5, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One model to be written.

    ``variants`` are ONNX bytes by name, ``fp32`` among them, each with the inputs ``inputs`` and the outputs
    ``outputs``; ``score`` is the trained model. ``folder`` is the sub-folder of the job's output when it
    makes several checkpoints. ``quality`` measures sample rows that have labels; a variant that loses more
    than ``budget`` of the objective's main metric is not written. ``objective`` and ``classes`` go into the
    signature. Variants that are no ONNX have their own ``suffix`` and ``opener``, which gives what answers as
    a session of ONNX Runtime does; ``files`` are written beside them. ``profile`` is what training saw.
    """

    model: ModelSpec
    checkpoint: str
    inputs: tuple[InputColumn, ...]
    outputs: tuple[OutputColumn, ...]
    score: Score
    variants: Mapping[str, bytes]
    quality: Quality
    folder: str = ""
    tolerance: float = TOLERANCE
    budget: float = BUDGET
    opener: Callable[[bytes], Any] = open_session
    suffix: str = ".onnx"
    files: Mapping[str, bytes] = field(default_factory=dict)
    objective: Objective = Objective.BINARY
    classes: tuple[bool | int | str, ...] = ()
    profile: Profile = Profile()


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was written: metrics such as ``int8.latency_ms``, and warnings."""

    metrics: Mapping[str, float]
    warnings: tuple[str, ...] = field(default=())


def file_name(variant: str, suffix: str = ".onnx") -> str:
    """``model.onnx`` of full precision, ``model.int8.onnx`` of another variant."""
    return f"model{suffix}" if variant == FP32 else f"model.{variant}{suffix}"


def write_export(export: Export, sample: Sample, output: Path) -> Written:
    """Measure the variants on ``sample`` and write them with ``signature.json`` into the folder ``output``.

    Call :func:`require_parity` first. The same model and sample give the same bytes. A variant beyond the
    budget is left out with a warning, its figures are among the metrics.
    """
    folder = output / export.folder
    folder.mkdir(exist_ok=True)
    measured, latencies = measure(export, sample)
    refused = _beyond_budget(export, measured)
    variants = {name: variant for name, variant in measured.items() if name not in refused}
    for name in variants:
        (folder / file_name(name, export.suffix)).write_bytes(export.variants[name])
    for name, content in export.files.items():
        (folder / name).write_bytes(content)
    if export.profile.inputs:
        write_profile(folder, export.profile)
    shown = Sample(table=sample.table.slice(0, SHOWN_ROWS))
    raw = shown.raw(export.inputs)
    write_signature(
        folder,
        Signature(
            model=str(export.model.name),
            type=export.model.type,
            checkpoint=export.checkpoint,
            inputs=export.inputs,
            outputs=export.outputs,
            variants=variants,
            sample=tuple(json_row(raw, export.inputs, row) for row in range(len(shown))),
            objective=export.objective.value,
            classes=export.classes,
        ),
    )
    return Written(metrics=_metrics(measured, latencies), warnings=tuple(refused.values()))


def require_parity(export: Export, sample: Sample) -> None:
    """Raise ``JobError`` SR532 when an output differs by more than the tolerance, naming the worst row."""
    raw = sample.raw(export.inputs)
    expected = export.score(sample.table)
    found = run(export.opener(export.variants[FP32]), raw)
    for column, wanted, given in zip(export.outputs, expected, found, strict=True):
        wanted, given = (np.asarray(a, np.float64).reshape(len(sample), -1) for a in (wanted, given))
        delta = np.abs(wanted - given)
        worst = np.unravel_index(np.argmax(np.where(np.isnan(delta), np.inf, delta)), delta.shape)
        if delta[worst] <= export.tolerance:
            continue
        values = str(json_row(raw, export.inputs, int(worst[0])))
        raise JobError(
            "SR532",
            f"the exported model gives {given[worst]:.7g} where the trained model gives "
            f"{wanted[worst]:.7g} (output {column.name}, difference {delta[worst]:.3g}, allowed "
            f"{export.tolerance:g}) for the row {values[:SHOWN_CHARACTERS]}",
            hint="nothing was exported; train the model again, and report this if it stays",
        )


def measure(export: Export, sample: Sample) -> tuple[dict[str, Variant], dict[str, float]]:
    """Size and quality of each variant, and its milliseconds for a thousand rows.

    ``max_delta`` is the distance from the trained model for FP32, from FP32 for the others.
    """
    raw, reference = sample.raw(export.inputs), export.score(sample.table)
    variants, latencies = {}, {}
    for name, model in sorted(export.variants.items(), key=lambda item: item[0] != FP32):
        session = export.opener(model)
        outputs = run(session, raw)
        variants[name] = Variant(
            file=file_name(name, export.suffix),
            bytes=len(model),
            metrics={} if sample.labels is None else dict(export.quality(sample.labels, outputs)),
            max_delta=_distance(outputs, reference),
        )
        latencies[name] = latency_ms(session, raw)
        if name == FP32:
            reference = outputs
    return variants, latencies


def _distance(outputs: Outputs, reference: Outputs) -> float:
    pairs = zip(outputs, reference, strict=True)
    return max(float(np.abs(np.asarray(a, np.float64) - b).max(initial=0)) for a, b in pairs)


def _beyond_budget(export: Export, variants: Mapping[str, Variant]) -> dict[str, str]:
    """The variants that lose too much, and what is said of each."""
    metric, is_higher_better = primary(export.objective)
    exact = variants[FP32].metrics.get(metric)
    refused = {}
    for name, variant in variants.items():
        if exact is None or name == FP32:
            continue
        found = variant.metrics[metric]
        if (exact - found if is_higher_better else found - exact) > export.budget:
            refused[name] = (
                f"{name.upper()} is not kept: it changes {TITLES[metric]} from {exact:.4f} to {found:.4f}, "
                f"more than max_metric_loss = {export.budget:g}"
            )
    return refused


def _metrics(variants: Mapping[str, Variant], latencies: Mapping[str, float]) -> dict[str, float]:
    return {
        f"{name}.{key}": value
        for name, variant in variants.items()
        for key, value in {
            "bytes": float(variant.bytes),
            "latency_ms": latencies[name],
            "max_delta": variant.max_delta,
            **variant.metrics,
        }.items()
    }
