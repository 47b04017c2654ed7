"""The export program of tabular models: training checkpoint in, one file with the encoder inside out.

Nothing is written before the exported file has been shown to answer as the trained model does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from sqlrec.artifacts.cache import local_copy
from sqlrec.features.matrix import MatrixEncoder
from sqlrec.features.profile import profile_of
from sqlrec.models.controller import Progress
from sqlrec.models.exporting.options import FP32
from sqlrec.models.exporting.write import TOLERANCE, Export, Outputs, require_parity, write_export
from sqlrec.models.measuring.measures import PRIMARY
from sqlrec.models.measuring.objectives import report_of
from sqlrec.models.objective import Objective
from sqlrec.models.tables.sample import Sample, made_up, read_sample
from sqlrec.models.tabular import checkpoint
from sqlrec.models.tabular.checkpoint import Trained, told
from sqlrec.models.tabular.estimator import NativeEstimator
from sqlrec.models.tabular.graph import whole_model
from sqlrec.models.tabular.native import NativeEncoder
from sqlrec.spec.job import ExportWork, JobResult
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.schema import INTEGERS, Kind
from sqlrec.spec.signature import OutputColumn


def export(work: ExportWork, output: Path, progress: Progress) -> JobResult:
    """Export the checkpoint at ``work.source_uri`` into the empty folder ``output``.

    Files: ``model.onnx``, or the learner's own, and ``signature.json``. The same checkpoint and sample give
    the same bytes. Raises ``StateError`` SR521 for an unreadable checkpoint, ``JobError`` SR531 (over 2 GiB)
    and SR532 (answers differ), and the errors of :func:`~sqlrec.models.tables.sample.read_sample`.
    """
    started = time.perf_counter()
    trained = checkpoint.load(local_copy(work.source_uri))
    progress("reading sample rows", done=0.0)
    sample, probe = sample_of(work, trained), made_up(trained.encoder.encoder)
    progress("building the graph", done=0.2)
    written = _export_of(trained, work, sample, probe)
    progress("comparing with the trained model", done=0.5)
    for rows in (sample, probe):
        require_parity(written, rows)
    progress("measuring", done=0.8)
    measured = write_export(written, sample, output)
    return JobResult(
        rows=len(sample),
        seconds=time.perf_counter() - started,
        metrics=measured.metrics,
        params={"objective": str(trained.objective), **told(trained.classes)},
        warnings=(*sample.warnings, *measured.warnings),
    )


def _export_of(trained: Trained, work: ExportWork, sample: Sample, probe: Sample) -> Export:
    outputs, encoder = output_columns(trained.model), trained.encoder
    graph = trained.estimator.graph(tuple(column.name for column in outputs))
    made = Export(
        model=trained.model,
        checkpoint=work.checkpoint,
        inputs=encoder.inputs,
        outputs=outputs,
        score=trained.predict,
        variants={},
        quality=lambda labels, found: quality(trained, sample, labels, found),
        tolerance=tolerance(trained, (sample, probe)),
        objective=trained.objective,
        classes=trained.classes,
        profile=profile_of(encoder.encoder),
    )
    if graph is not None:
        return replace(made, variants={FP32: whole_model(cast(MatrixEncoder, encoder), graph, outputs)})
    own = cast(NativeEstimator, trained.estimator).file(cast(NativeEncoder, encoder), outputs[0].name)
    return replace(made, variants={FP32: own.content}, suffix=own.suffix, opener=own.opener, files=own.files)


def sample_of(work: ExportWork, trained: Trained) -> Sample:
    """The rows of ``work.sample``, with labels where they mean something."""
    return read_sample(
        work.sample,
        trained.roles,
        str(trained.model.name),
        trained.encoder.encoder,
        objective=trained.objective,
        classes=trained.classes,
    )


def output_columns(model: ModelSpec) -> tuple[OutputColumn, ...]:
    """What the model answers, as it was declared."""
    return tuple(
        OutputColumn(
            name=f.name,
            type=f.type,
            tensor=_tensor(f.type.element.kind if f.type.kind is Kind.ARRAY else f.type.kind),
        )
        for f in model.outputs
    )


def _tensor(kind: Kind) -> str:
    if kind in INTEGERS:
        return "int64"
    return "string" if kind is Kind.STRING else "float32"


def tolerance(trained: Trained, samples: tuple[Sample, ...]) -> float:
    """The allowed difference: relative to the greatest answer where answers are no probabilities."""
    if trained.objective in (Objective.BINARY, Objective.MULTICLASS):
        return TOLERANCE
    greatest = max(
        float(np.abs(output).max(initial=1.0)) for rows in samples for output in trained.predict(rows.table)
    )
    return TOLERANCE * greatest


def quality(
    trained: Trained, sample: Sample, labels: npt.NDArray[np.float32], outputs: Outputs
) -> Mapping[str, float]:
    """Metrics of the sample, the one that decides first."""
    report = report_of(
        trained.objective,
        labels,
        outputs,
        groups=sample.groups,
        classes=tuple(map(str, trained.classes)),
    )
    first = PRIMARY[trained.objective]
    return {name: report.numbers[name] for name in sorted(report.numbers, key=lambda name: name != first)}
