"""The export program of the ``tzrec.*`` types: training checkpoint in, ONNX files and signature out.

Nothing is written before the ONNX model has been shown to score as the trained model does, on the
sample rows and on made-up rows with unseen and missing values.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto

from sqlrec.artifacts.folder import write_signature
from sqlrec.errors import JobError
from sqlrec.models.controller import Progress
from sqlrec.models.deep import checkpoint
from sqlrec.models.deep.checkpoint import Trained
from sqlrec.models.deep.graph import export_head, feature_model, whole_model
from sqlrec.models.deep.quantize import quantized_head
from sqlrec.models.deep.sample import Sample, json_row, made_up, read_sample
from sqlrec.models.deep.session import latency_ms, open_session, run
from sqlrec.models.metrics import auc, logloss
from sqlrec.spec.job import ExportWork, JobResult
from sqlrec.spec.schema import DataType, Kind
from sqlrec.spec.signature import OutputColumn, Signature, Variant

TOLERANCE = 1e-5
"""Largest allowed difference between a probability of the trained and of the exported model."""
CALIBRATION_ROWS, CALIBRATION_BATCH = 8192, 1024
SHOWN_ROWS = 5
AUC_LOSS = 0.005
"""INT8 that loses more AUC than this is reported as a warning."""
FILES = {"fp32": "model.onnx", "int8": "model.int8.onnx"}

Probabilities = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A variant with its probabilities of the sample rows."""

    model: bytes
    probabilities: Probabilities
    latency_ms: float

    @classmethod
    def of(cls, model: bytes, raw: Mapping[str, npt.NDArray[Any]]) -> Scored:
        """Score and time a model on raw rows."""
        session = open_session(model)
        return cls(model=model, probabilities=run(session, raw)[0], latency_ms=latency_ms(session, raw))

    def variant(self, file: str, sample: Sample, reference: Probabilities) -> Variant:
        """The variant's entry in the signature, compared with ``reference``."""
        labels, metrics = sample.labels, {}
        if labels is not None:
            metrics = {"auc": auc(labels, self.probabilities), "logloss": logloss(labels, self.probabilities)}
        return Variant(
            file=file,
            bytes=len(self.model),
            latency_ms=self.latency_ms,
            metrics=metrics,
            max_delta=float(np.abs(self.probabilities - reference).max()),
        )


def export(work: ExportWork, output: Path, progress: Progress) -> JobResult:
    """Export the checkpoint at ``work.source_uri`` into the empty folder ``output``.

    Files: ``model.onnx``, ``model.int8.onnx`` (left out, with a warning, where INT8 is impossible) and
    ``signature.json``. The same checkpoint and sample give the same ONNX bytes. Raises ``JobError``
    SR531 (over 2 GiB) and SR532 (scores differ), ``SchemaError`` and ``DataError`` for unfit samples.
    """
    started = time.perf_counter()
    trained = checkpoint.load(Path(work.source_uri))
    encoder = trained.encoder
    progress("reading sample rows", done=0.0)
    sample = read_sample(work.sample, trained.model, encoder)
    raw = sample.raw(encoder)
    name = output_column(trained).name
    progress("exporting the graph", done=0.1)
    columns = len(encoder.slots) + len(encoder.bags)
    head = export_head(trained.head, columns, trained.table.shape[1], encoder.dense_width)
    features = feature_model(encoder, trained.table)
    fp32 = Scored.of(whole_model(features, head, name), raw)
    progress("comparing with the trained model", done=0.5)
    reference = trained.predict(sample.table)
    probe = made_up(encoder)
    require_parity(trained, sample, reference, fp32.probabilities)
    require_parity(trained, probe, trained.predict(probe.table), Scored.of(fp32.model, probe.raw(encoder)).probabilities)
    progress("quantising to INT8", done=0.7)
    warnings = list(sample.warnings)
    variants = {"fp32": fp32.variant(FILES["fp32"], sample, reference)}
    models = {"fp32": fp32.model}
    try:
        int8_head = quantized_head(head, calibration(features, [raw, probe.raw(encoder)]))
        int8 = Scored.of(whole_model(features, int8_head, name), raw)
    except JobError as error:
        warnings.append(f"no INT8 variant: {error.message}")
    else:
        variants["int8"] = int8.variant(FILES["int8"], sample, fp32.probabilities)
        models["int8"] = int8.model
        
    return JobResult(rows=sample.table.num_rows, seconds=time.perf_counter() - started)
