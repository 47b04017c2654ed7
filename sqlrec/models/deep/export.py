"""The export program of the ``tzrec.*`` types: training checkpoint in, ONNX files and signature out.

Nothing is written before the ONNX model has been shown to score as the trained model does, on the
sample rows and on made-up rows with unseen and missing values.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from onnx import ModelProto

from sqlrec.artifacts.cache import local_copy
from sqlrec.features.encoder import Encoder
from sqlrec.features.profile import profile_of
from sqlrec.models.controller import Progress
from sqlrec.models.deep import checkpoint
from sqlrec.models.deep.checkpoint import Trained
from sqlrec.models.deep.graph import export_head, feature_model, head_inputs, whole_model
from sqlrec.models.deep.group import joined
from sqlrec.models.deep.quantize import Feeds
from sqlrec.models.deep.variants import variants_of
from sqlrec.models.exporting.options import FP32, metric_budget, wanted_variants
from sqlrec.models.exporting.session import open_session, run
from sqlrec.models.exporting.write import Export, Outputs, require_parity, write_export
from sqlrec.models.measuring.metrics import auc, logloss
from sqlrec.models.tables.roles import roles_of
from sqlrec.models.tables.sample import Sample, made_up, read_sample
from sqlrec.spec.job import ExportWork, JobResult
from sqlrec.spec.signature import OutputColumn

CALIBRATION_ROWS, CALIBRATION_BATCH = 8192, 1024


def export(work: ExportWork, output: Path, progress: Progress) -> JobResult:
    """Export the checkpoint at ``work.source_uri`` into the empty folder ``output``.

    Files: ``model.onnx``, ``model.fp16.onnx``, ``model.int8.onnx`` (left out, with a warning, where INT8 is
    impossible or costs too much quality) and ``signature.json``. The same checkpoint and sample give the same
    ONNX bytes. Raises ``StateError`` for an unreadable checkpoint, ``JobError`` SR531 (over 2 GiB) and SR532
    (scores differ), and the errors of :func:`~sqlrec.models.tables.sample.read_sample`. Under torchrun the
    root process does the work and the others wait for it.
    """
    with joined() as group:
        return group.from_root(lambda: _export(work, output, progress))


def _export(work: ExportWork, output: Path, progress: Progress) -> JobResult:
    started = time.perf_counter()
    trained = checkpoint.load(local_copy(work.source_uri))
    progress("reading sample rows", done=0.0)
    model, encoder = trained.model, trained.encoder
    sample = read_sample(work.sample, roles_of(model), str(model.name), encoder)
    probe = made_up(encoder)
    progress("exporting the graph", done=0.1)
    columns = tuple(OutputColumn(name=field.name, type=field.type) for field in model.outputs)
    names = [column.name for column in columns]
    features, head = _graphs(trained)

    def assemble(features: ModelProto, head: ModelProto) -> bytes:
        return whole_model(features, head, *names)

    export = Export(
        model=trained.model,
        checkpoint=work.checkpoint,
        inputs=trained.encoder.inputs,
        outputs=columns,
        score=trained.predict,
        variants={FP32: assemble(features, head)},
        quality=partial(_quality, model.labels),
        budget=metric_budget(work.options),
        profile=profile_of(trained.encoder),
    )
    progress("comparing with the trained model", done=0.4)
    for rows in (sample, probe):
        require_parity(export, rows)
    progress("making smaller variants", done=0.6)
    variants, warnings = variants_of(
        features,
        head,
        assemble,
        lambda: calibration(features, encoder, (sample, probe)),
        wanted_variants(work.options),
        encoder.slots,
    )
    export = replace(export, variants=variants)
    progress("measuring the variants", done=0.8)
    written = write_export(export, sample, output)
    return JobResult(
        rows=len(sample),
        seconds=time.perf_counter() - started,
        metrics=written.metrics,
        warnings=(*sample.warnings, *warnings, *written.warnings),
    )


def _graphs(trained: Trained) -> tuple[ModelProto, ModelProto]:
    """Features and head."""
    encoder = trained.encoder
    columns = len(encoder.slots) + len(encoder.bags)
    features = feature_model(encoder, trained.table)
    histories = [len(history.bags) for history in encoder.histories]
    head = export_head(trained.head, columns, trained.table.shape[1], encoder.dense_width, histories)
    return features, head


def calibration(features: ModelProto, encoder: Encoder, samples: Sequence[Sample]) -> list[Feeds]:
    """Inputs of the head for evenly spread rows of each sample."""
    session = open_session(features.SerializeToString())
    batches: list[Feeds] = []
    for sample in samples:
        picked = np.unique(np.linspace(0, len(sample) - 1, CALIBRATION_ROWS).astype(np.int64))
        raw = {name: values[picked] for name, values in sample.raw(encoder.inputs).items()}
        inputs = dict(zip(head_inputs(features), run(session, raw), strict=True))
        batches += [
            {name: values[start : start + CALIBRATION_BATCH] for name, values in inputs.items()}
            for start in range(0, len(picked), CALIBRATION_BATCH)
        ]
    return batches


def _quality(names: Sequence[str], labels: npt.NDArray[np.float32], outputs: Outputs) -> dict[str, float]:
    """AUC and log-loss; of several labels the means, then those of each."""
    columns = labels.reshape(len(labels), -1).T
    pairs = dict(zip(names, zip(columns, outputs, strict=True), strict=True))
    measured = {
        metric: {name: measure(*pair) for name, pair in pairs.items()}
        for metric, measure in (("auc", auc), ("logloss", logloss))
    }
    means = {metric: float(np.mean(list(values.values()))) for metric, values in measured.items()}
    if len(names) == 1:
        return means
    return means | {
        f"{metric}.{name}": v for metric, values in measured.items() for name, v in values.items()
    }
