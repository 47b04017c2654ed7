"""The export program of two towers: a training checkpoint in, one export a tower out.

Each is a whole export of its own in a folder of its own: raw columns of that tower in, its embedding out.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from onnx import ModelProto

from sqlrec.artifacts.cache import local_copy
from sqlrec.artifacts.folder import seal
from sqlrec.data.engine import Engine
from sqlrec.features.profile import profile_of
from sqlrec.models.controller import Progress
from sqlrec.models.deep import checkpoint
from sqlrec.models.deep.checkpoint import Trained
from sqlrec.models.deep.dssm import PARTS, USER
from sqlrec.models.deep.export import calibration
from sqlrec.models.deep.graph import export_head, feature_model, vector_model
from sqlrec.models.deep.group import joined
from sqlrec.models.deep.towers.part import Part, part_of
from sqlrec.models.deep.towers.places import most_users
from sqlrec.models.deep.towers.search import Asked, Search
from sqlrec.models.deep.variants import variants_of
from sqlrec.models.exporting.options import FP32, metric_budget, wanted_variants
from sqlrec.models.exporting.write import TOLERANCE, Export, Outputs, Written, require_parity, write_export
from sqlrec.models.measuring.measures import DEFAULTS, PRIMARY
from sqlrec.models.measuring.objectives import retrieval_report
from sqlrec.models.measuring.retrieval import Floats32
from sqlrec.models.objective import Objective
from sqlrec.models.tables.roles import roles_of
from sqlrec.models.tables.sample import Sample, made_up, read_sample
from sqlrec.spec.job import ExportWork, JobResult
from sqlrec.spec.names import export_name
from sqlrec.spec.signature import OutputColumn


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
    trained = checkpoint.load(local_copy(work.source_uri))
    progress("reading sample rows", done=0.0)
    sample = read_sample(
        work.sample,
        roles_of(trained.model),
        str(trained.model.name),
        trained.encoder,
        objective=Objective.RETRIEVAL,
    )
    rows = _Rows.of(trained, sample, work)
    metrics: dict[str, float] = {}
    warnings = list(sample.warnings)
    for index, tower in enumerate(PARTS):
        progress(f"exporting the {tower} tower", done=(index + 0.5) / (len(PARTS) + 1))
        written = _write(part_of(trained, tower), trained, rows, work, output)
        seal(output / tower, JobResult(rows=len(sample), metrics=written.metrics, warnings=written.warnings))
        metrics |= {f"{tower}.{name}": value for name, value in written.metrics.items()}
        warnings += [f"{tower} tower: {warning}" for warning in written.warnings]
    return JobResult(
        rows=len(sample),
        seconds=time.perf_counter() - started,
        metrics=metrics,
        warnings=tuple(warnings),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """What towers are checked and measured on: the user's on the ``sample``, the item's on all ``items``.

    ``users`` are the trained embeddings of the rows that are ``asked`` for, ``vectors`` those of the items: a
    tower is measured beside the other one as it was trained.
    """

    sample: Sample
    items: Sample
    asked: Asked
    users: Floats32
    vectors: Floats32

    @classmethod
    def of(cls, trained: Trained, sample: Sample, work: ExportWork) -> _Rows:
        """The items are those that an evaluation of the sample's table looks among.

        Nothing is asked of made-up rows, nor of those whose labels do not fit. Without labels all rows were
        taken.
        """
        is_measured = work.sample is not None and not sample.warnings
        with Engine(threads=1) as engine:
            given = work.sample if is_measured else None
            search = Search.of(trained, local_copy(work.source_uri), given, engine)
        counted = np.ones(len(sample), np.float32) if sample.labels is None else sample.labels
        asked = search.asked(sample.table, counted).at_most(most_users(search.items.num_rows))
        labels = np.ones(search.items.num_rows, np.float32)
        return cls(
            sample=replace(sample, labels=counted if is_measured else None),
            items=Sample(table=search.items, labels=labels if is_measured else None),
            asked=asked,
            users=trained.predict(sample.table.take(pa.array(asked.rows)))[0],
            vectors=trained.predict(search.items)[1],
        )

    def quality(self, tower: str, labels: npt.NDArray[np.float32], outputs: Outputs) -> dict[str, float]:
        """How well one tower's file, whose answers are ``outputs``, finds the items of the sample."""
        del labels
        answers = np.asarray(outputs[0], np.float32)
        users, items = (answers[self.asked.rows], self.vectors) if tower == USER else (self.users, answers)
        found = retrieval_report(self.asked.places(users, items), len(items)).numbers
        names = dict.fromkeys((PRIMARY[Objective.RETRIEVAL], *DEFAULTS[Objective.RETRIEVAL]))
        return {name: found[name] for name in names if name in found}


def _write(part: Part, trained: Trained, rows: _Rows, work: ExportWork, output: Path) -> Written:
    encoder, width = part.encoder, part.table.shape[1]
    features = feature_model(encoder, part.table)
    columns = len(encoder.slots) + len(encoder.bags)
    head = export_head(part.head, columns, width, encoder.dense_width)
    sample = rows.sample if part.tower == USER else rows.items
    vectors = trained.predict(sample.table)[part.place]
    dim = vectors.shape[1]

    def assemble(features: ModelProto, head: ModelProto) -> bytes:
        return vector_model(features, head, part.field.name, dim)

    one = Export(
        model=trained.model,
        checkpoint=export_name(work.checkpoint, part.tower),
        folder=part.tower,
        inputs=encoder.inputs,
        outputs=(OutputColumn(name=part.field.name, type=part.field.type),),
        score=lambda table: (trained.predict(table)[part.place],),
        variants={FP32: assemble(features, head)},
        quality=partial(rows.quality, part.tower),
        tolerance=TOLERANCE * max(1.0, float(np.abs(vectors).max(initial=0))),
        objective=Objective.RETRIEVAL,
        budget=metric_budget(work.options),
        profile=profile_of(encoder),
    )
    probe = made_up(trained.encoder)
    for checked in (sample, probe):
        require_parity(one, checked)
    variants, warnings = variants_of(
        features,
        head,
        assemble,
        lambda: calibration(features, encoder, (sample, probe)),
        wanted_variants(work.options),
        encoder.slots,
    )
    written = write_export(replace(one, variants=variants), sample, output)
    return replace(written, warnings=(*warnings, *written.warnings))
