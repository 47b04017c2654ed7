"""The export program of the ``tzrec.*`` types: training checkpoint in, ONNX files and signature out.

Nothing is written before the ONNX model has been shown to score as the trained model does, on the
sample rows and on made-up rows with unseen and missing values.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from onnx import ModelProto

from sqlrec.artifacts.folder import write_signature
from sqlrec.errors import JobError
from sqlrec.features.encoder import Encoder
from sqlrec.models.controller import Progress
from sqlrec.models.deep import checkpoint
from sqlrec.models.deep.checkpoint import Trained
from sqlrec.models.deep.graph import export_head, feature_model, head_inputs, whole_model
from sqlrec.models.deep.group import joined
from sqlrec.models.deep.quantize import Feeds, quantized_head
from sqlrec.models.deep.sample import Sample, json_row, made_up, read_sample
from sqlrec.models.deep.session import latency_ms, open_session, run
from sqlrec.models.metrics import auc, logloss
from sqlrec.spec.job import ExportWork, JobResult
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.signature import OutputColumn, Signature, Variant

TOLERANCE = 1e-5
"""Largest allowed difference between a probability of the trained and of the exported model."""
CALIBRATION_ROWS, CALIBRATION_BATCH = 8192, 1024
SHOWN_ROWS, SHOWN_CHARACTERS = 5, 500
AUC_LOSS = 0.005
"""An INT8 model that loses more AUC than this is reported."""
FP32, INT8 = "fp32", "int8"
FILES = {FP32: "model.onnx", INT8: "model.int8.onnx"}


def export(work: ExportWork, output: Path, progress: Progress) -> JobResult:
    """Export the checkpoint at ``work.source_uri`` into the empty folder ``output``.

    Files: ``model.onnx``, ``model.int8.onnx`` (left out, with a warning, where INT8 is impossible) and
    ``signature.json``. The same checkpoint and sample give the same ONNX bytes. Raises ``StateError``
    for an unreadable checkpoint, ``JobError`` SR531 (over 2 GiB) and SR532 (scores differ), and the
    errors of :func:`~sqlrec.models.deep.sample.read_sample`. Under torchrun the root process does the
    work and the others wait for it.
    """
    with joined() as group:
        return group.from_root(lambda: _export(work, output, progress))


def _export(work: ExportWork, output: Path, progress: Progress) -> JobResult:
    started = time.perf_counter()
    trained = checkpoint.load(Path(work.source_uri))
    progress("reading sample rows", done=0.0)
    sample, probe = read_sample(work.sample, trained.model, trained.encoder), made_up(trained.encoder)
    progress("exporting the graph", done=0.1)
    models, warnings = _models(trained, [sample, probe], progress)
    progress("measuring the variants", done=0.8)
    variants, latencies = measure(models, trained, sample)
    warnings = [*sample.warnings, *warnings, *_quality_warnings(variants)]
    progress("writing", done=0.95)
    for name, model in models.items():
        (output / FILES[name]).write_bytes(model)
    write_signature(output, _signature(work, trained, sample, variants))
    return JobResult(
        rows=len(sample),
        seconds=time.perf_counter() - started,
        metrics=_metrics(variants, latencies),
        warnings=tuple(warnings),
    )


def _models(
    trained: Trained, samples: Sequence[Sample], progress: Progress
) -> tuple[dict[str, bytes], list[str]]:
    """Bytes of the variants, FP32 checked against the trained model, and warnings."""
    encoder, output = trained.encoder, output_column(trained.model).name
    columns = len(encoder.slots) + len(encoder.bags)
    features = feature_model(encoder, trained.table)
    head = export_head(trained.head, columns, trained.table.shape[1], encoder.dense_width)
    models = {FP32: whole_model(features, head, output)}
    progress("comparing with the trained model", done=0.4)
    for sample in samples:
        require_parity(models[FP32], trained, sample)
    progress("quantising to INT8", done=0.6)
    try:
        quantized = quantized_head(head, _calibration(features, encoder, samples))
    except JobError as error:
        return models, [f"there is no INT8 variant: {error.message}"]
    models[INT8] = whole_model(features, quantized, output)
    return models, []


def output_column(model: ModelSpec) -> OutputColumn:
    """The one output of a model: the probability of label 1."""
    field = model.outputs.fields[0]
    return OutputColumn(name=field.name, type=field.type)


def require_parity(model: bytes, trained: Trained, sample: Sample) -> None:
    """Raise ``JobError`` SR532 when a score differs by more than :data:`TOLERANCE`, naming the worst row."""
    raw = sample.raw(trained.encoder)
    expected, found = trained.predict(sample.table), run(open_session(model), raw)[0]
    delta = np.abs(expected - found)
    worst = int(np.argmax(np.where(np.isnan(delta), np.inf, delta)))
    if delta[worst] <= TOLERANCE:
        return
    values = str(json_row(raw, trained.encoder.inputs, worst))
    raise JobError(
        "SR532",
        f"the exported model gives {found[worst]:.7g} where the trained model gives {expected[worst]:.7g} "
        f"(difference {delta[worst]:.3g}, allowed {TOLERANCE:g}) for the row {values[:SHOWN_CHARACTERS]}",
        hint="nothing was exported; train the model again, and report this if it stays",
    )


def _calibration(features: ModelProto, encoder: Encoder, samples: Sequence[Sample]) -> list[Feeds]:
    """Inputs of the head for evenly spread rows of each sample."""
    session = open_session(features.SerializeToString())
    batches: list[Feeds] = []
    for sample in samples:
        picked = np.unique(np.linspace(0, len(sample) - 1, CALIBRATION_ROWS).astype(np.int64))
        raw = {name: values[picked] for name, values in sample.raw(encoder).items()}
        inputs = dict(zip(head_inputs(features), run(session, raw), strict=True))
        batches += [
            {name: values[start : start + CALIBRATION_BATCH] for name, values in inputs.items()}
            for start in range(0, len(picked), CALIBRATION_BATCH)
        ]
    return batches


def measure(
    models: Mapping[str, bytes], trained: Trained, sample: Sample
) -> tuple[dict[str, Variant], dict[str, float]]:
    """Size and quality of each variant, and its milliseconds for a thousand rows.

    FP32 is compared with the trained model, INT8 with FP32.
    """
    raw, reference = sample.raw(trained.encoder), trained.predict(sample.table)
    variants, latencies = {}, {}
    for name, model in models.items():
        session = open_session(model)
        scores: npt.NDArray[np.float32] = run(session, raw)[0]
        variants[name] = Variant(
            file=FILES[name],
            bytes=len(model),
            metrics=_quality(sample.labels, scores),
            max_delta=float(np.abs(scores - reference).max()),
        )
        latencies[name] = latency_ms(session, raw)
        reference = scores
    return variants, latencies


def _quality(labels: npt.NDArray[np.float32] | None, scores: npt.NDArray[np.float32]) -> dict[str, float]:
    return {} if labels is None else {"auc": auc(labels, scores), "logloss": logloss(labels, scores)}


def _quality_warnings(variants: Mapping[str, Variant]) -> list[str]:
    before, after = (variants[v].metrics.get("auc") if v in variants else None for v in (FP32, INT8))
    if before is None or after is None or before - after <= AUC_LOSS:
        return []
    return [f"INT8 lowers the AUC from {before:.4f} to {after:.4f}: serve the FP32 variant"]


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


def _signature(
    work: ExportWork, trained: Trained, sample: Sample, variants: Mapping[str, Variant]
) -> Signature:
    inputs = trained.encoder.inputs
    shown = Sample(table=sample.table.slice(0, SHOWN_ROWS))
    raw = shown.raw(trained.encoder)
    return Signature(
        model=str(trained.model.name),
        type=trained.model.type,
        checkpoint=work.checkpoint,
        inputs=inputs,
        outputs=(output_column(trained.model),),
        variants=variants,
        sample=tuple(json_row(raw, inputs, row) for row in range(len(shown))),
    )
