"""The export program of two towers: a training checkpoint in, one export a tower out.

Each is a whole export of its own in a folder of its own: raw columns of that tower in, its embedding out.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from onnx import ModelProto

from sqlrec.artifacts.folder import seal
from sqlrec.features.encoder import column_of
from sqlrec.models.controller import Progress
from sqlrec.models.deep import checkpoint
from sqlrec.models.deep.checkpoint import Trained
from sqlrec.models.deep.dssm import PARTS, sides_of
from sqlrec.models.deep.export import calibration
from sqlrec.models.deep.graph import export_head, feature_model, vector_model
from sqlrec.models.deep.group import joined
from sqlrec.models.deep.towers.items import identity_of
from sqlrec.models.deep.towers.part import Part, part_of
from sqlrec.models.deep.variants import variants_of
from sqlrec.models.exporting.options import FP32, metric_budget, wanted_variants
from sqlrec.models.exporting.write import TOLERANCE, Export, Outputs, Written, require_parity, write_export
from sqlrec.models.measuring.measures import DEFAULTS, PRIMARY
from sqlrec.models.measuring.objectives import report_of
from sqlrec.models.objective import Objective
from sqlrec.models.tables.roles import roles_of
from sqlrec.models.tables.sample import Sample, made_up, read_sample
from sqlrec.spec.job import ExportWork, JobResult
from sqlrec.spec.names import export_name
from sqlrec.spec.signature import OutputColumn

Embeddings = tuple[npt.NDArray[np.float32], ...]


def export(work: ExportWork, output: Path, progress: Progress) -> JobResult:
    """Export both towers of the checkpoint at ``work.source_uri`` into folders of ``output``.

    Folders ``item`` and ``user``, each with the files and by the rules of
    :func:`sqlrec.models.deep.export.export`, whose errors it raises, and with a ``result.json`` of its own,
    since each becomes a checkpoint. The same checkpoint and sample give the same ONNX bytes.
    """
    with joined() as group:
        return group.from_root(lambda: _export(work, output, progress))


def _export(work: ExportWork, output: Path, progress: Progress) -> JobResult:
    started = time.perf_counter()
    trained = checkpoint.load(Path(work.source_uri))
    progress("reading sample rows", done=0.0)
    sample = _taken(
        read_sample(
            work.sample,
            roles_of(trained.model),
            str(trained.model.name),
            trained.encoder,
            objective=Objective.RETRIEVAL,
        )
    )
    metrics: dict[str, float] = {}
    warnings = list(sample.warnings)
    for index, tower in enumerate(PARTS):
        progress(f"exporting the {tower} tower", done=(index + 0.5) / (len(PARTS) + 1))
        written = _write(part_of(trained, tower), trained, sample, work, output)
        seal(output / tower, JobResult(rows=len(sample), metrics=written.metrics, warnings=written.warnings))
        metrics |= {f"{tower}.{name}": value for name, value in written.metrics.items()}
        warnings += [f"{tower} tower: {warning}" for warning in written.warnings]
    return JobResult(
        rows=len(sample),
        seconds=time.perf_counter() - started,
        metrics=metrics,
        warnings=tuple(warnings),
    )


def _taken(sample: Sample) -> Sample:
    """Rows that have no label are what users took."""
    if sample.labels is not None or sample.warnings:
        return sample
    return replace(sample, labels=np.ones(len(sample), np.float32))


def _write(part: Part, trained: Trained, sample: Sample, work: ExportWork, output: Path) -> Written:
    encoder, width = part.encoder, part.table.shape[1]
    features = feature_model(encoder, part.table)
    columns = len(encoder.slots) + len(encoder.bags)
    head = export_head(part.head, columns, width, encoder.dense_width)
    dim = trained.predict(sample.table.slice(0, 1))[part.place].shape[1]

    def assemble(features: ModelProto, head: ModelProto) -> bytes:
        return vector_model(features, head, part.field.name, dim)

    whole = trained.predict(sample.table)
    one = Export(
        model=trained.model,
        checkpoint=export_name(work.checkpoint, part.tower),
        folder=part.tower,
        inputs=encoder.inputs,
        outputs=(OutputColumn(name=part.field.name, type=part.field.type),),
        score=lambda table: (trained.predict(table)[part.place],),
        variants={FP32: assemble(features, head)},
        quality=partial(_quality, part, whole, _numbers(trained, sample)),
        tolerance=TOLERANCE * max(1.0, float(np.abs(whole[part.place]).max(initial=0))),
        objective=Objective.RETRIEVAL,
        budget=metric_budget(work.options),
    )
    probe = made_up(trained.encoder)
    for rows in (sample, probe):
        require_parity(one, rows)
    variants, warnings = variants_of(
        features,
        head,
        assemble,
        lambda: calibration(features, encoder, (sample, probe)),
        wanted_variants(work.options),
    )
    written = write_export(replace(one, variants=variants), sample, output)
    return replace(written, warnings=(*warnings, *written.warnings))


def _numbers(trained: Trained, sample: Sample) -> npt.NDArray[np.int64]:
    """What tells the items of the sample apart, as far as the model can."""
    identity = identity_of(trained.encoder, sides_of(trained.model).item_id)
    return identity.ids(column_of(sample.table, identity.config))


def _quality(
    part: Part,
    whole: Embeddings,
    numbers: npt.NDArray[np.int64],
    labels: npt.NDArray[np.float32],
    outputs: Outputs,
) -> dict[str, float]:
    """How well this tower's file finds the sample's items, beside the other tower as it was trained."""
    both = list(whole)
    both[part.place] = np.asarray(outputs[0], np.float32)
    found = report_of(Objective.RETRIEVAL, labels, both, groups=numbers).numbers
    names = dict.fromkeys((PRIMARY[Objective.RETRIEVAL], *DEFAULTS[Objective.RETRIEVAL]))
    return {name: found[name] for name in names if name in found}
