"""The evaluation program of the ``tzrec.*`` types: a checkpoint and labelled rows in, numbers out.

A training checkpoint is scored by the trained model, an export by ONNX Runtime, as training and export do.
The rows are streamed; of each only label, score and group are kept (nine bytes), because the exact AUC
needs all scores at once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sqlrec.artifacts.durable import writing
from sqlrec.artifacts.folder import read_signature
from sqlrec.data.engine import Engine
from sqlrec.errors import SchemaError, StateError, suggest
from sqlrec.features.raw import raw_inputs
from sqlrec.models.controller import Progress
from sqlrec.models.exporting.session import open_session, run
from sqlrec.models.measuring.measures import TITLES, wanted
from sqlrec.models.measuring.metrics import evaluate as evaluation_of
from sqlrec.models.measuring.quality import Scored, measured
from sqlrec.models.measuring.report import write_report
from sqlrec.models.tables.labels import read_labels
from sqlrec.models.tables.roles import roles_of
from sqlrec.models.tables.source import Selection, no_rows, select
from sqlrec.spec.job import EvaluateWork, JobResult
from sqlrec.spec.model import CheckpointKind

Score = Callable[[pa.Table], npt.NDArray[np.float32]]
"""Probabilities float32 ``[rows]`` of a table."""

TOLD_SECONDS = 1.0
"""Shortest time between two lines of progress."""
NO_GROUP = -1


def evaluate(work: EvaluateWork, output: Path, progress: Progress) -> JobResult:
    """Measure the checkpoint at ``work.source_uri``; ``evaluation.json`` and plots go into ``output``.

    The result's metrics are those that are defined: the AUC of rows with one label is not among them.
    Raises ``SchemaError`` and ``DataError`` SR450 … SR454 for rows that do not fit, ``OptionError`` SR265,
    ``SchemaError`` SR534 for groups that are no plain values, ``StateError`` for unreadable files and
    SR672 for a variant that the export does not have.
    """
    started = time.perf_counter()
    names = wanted(work.options)
    progress(f"opening {work.checkpoint} of {work.model.name}", done=0.0)
    scored = _scored(work, _scorer(work), progress)
    progress("measuring")
    evaluation = evaluation_of(scored.labels, scored.scores)
    metrics = measured(names, scored, evaluation, threshold=float(str(work.options.get("threshold", 0.5))))
    with writing(output):
        write_report(output, evaluation, ())
    undefined = [TITLES[name] for name in names if name not in metrics]
    return JobResult(
        rows=len(scored.labels),
        seconds=time.perf_counter() - started,
        metrics=metrics,
        warnings=tuple(f"{title} is undefined on these rows" for title in undefined),
    )


def _scorer(work: EvaluateWork) -> Score:
    folder = Path(work.source_uri)
    if work.kind is CheckpointKind.ORIGIN:
        from sqlrec.models.deep import checkpoint  # torch, which an export does without

        trained = checkpoint.load(folder)
        return lambda table: trained.predict(table)[0]
    signature, wanted_variant = read_signature(folder), str(work.options.get("variant") or "fp32")
    variant = signature.variants.get(wanted_variant)
    if variant is None:
        known = tuple(signature.variants)
        raise StateError(
            "SR672",
            f"checkpoint {work.checkpoint} of {work.model.name} has no variant {wanted_variant!r}",
            hint=suggest(wanted_variant, known) or f"it has {', '.join(known) or 'none'}",
        )
    session = open_session((folder / variant.file).read_bytes())

    def score(table: pa.Table) -> npt.NDArray[np.float32]:
        scores: npt.NDArray[np.float32] = run(session, raw_inputs(table, signature.inputs))[0]
        return scores

    return score


def _scored(work: EvaluateWork, score: Score, progress: Progress) -> Scored:
    """Labels, scores and groups of all rows."""
    group = str(work.options.get("group_column") or "")
    groups = _Groups() if group else None
    labels, scores, codes = [], [], []
    with Engine() as engine:
        chosen = select(
            work.data, roles_of(work.model), str(work.model.name), engine, *filter(None, (group,))
        )
        rows, tell = 0, _Pace(progress)
        for table in _blocks(engine, chosen):
            labels.append(_labels(table, work, chosen, rows))
            scores.append(score(table))
            if groups is not None:
                codes.append(groups.codes(_spelled(table, group)))
            rows += table.num_rows
            tell(rows)
    if not rows:
        raise no_rows(chosen.name)
    return Scored(
        labels=np.concatenate(labels),
        scores=np.concatenate(scores),
        groups=np.concatenate(codes) if codes else None,
    )


def _blocks(engine: Engine, chosen: Selection) -> Iterator[pa.Table]:
    for batch in engine.reader(chosen.relation):
        if batch.num_rows:
            yield pa.Table.from_batches([batch])


def _labels(table: pa.Table, work: EvaluateWork, chosen: Selection, before: int) -> npt.NDArray[np.uint8]:
    column = table.column(chosen.label)
    return read_labels(column, work.model.labels[0], chosen.name, before=before).astype(np.uint8)


def _spelled(table: pa.Table, name: str) -> pa.ChunkedArray:
    found = next(n for n in table.column_names if n.casefold() == name.casefold())
    if pa.types.is_nested(table.schema.field(found).type):
        kind = table.schema.field(found).type
        raise SchemaError("SR534", f"group_column {found!r} is {kind}", hint="a group is a plain value")
    return table.column(found)


@dataclass(slots=True)
class _Groups:
    """Numbers for the values of a column that comes in blocks."""

    _known: dict[object, int] = field(default_factory=dict)

    def codes(self, column: pa.ChunkedArray) -> npt.NDArray[np.int32]:
        """The number of each row's value; :data:`NO_GROUP` for NULL."""
        encoded: Any = pc.dictionary_encode(column).combine_chunks()
        values = encoded.dictionary.to_pylist()
        numbers = [self._known.setdefault(value, len(self._known)) for value in values]
        table: npt.NDArray[np.int32] = np.array([*numbers, NO_GROUP], np.int32)
        rows: npt.NDArray[Any] = encoded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
        return np.take(table, rows)


class _Pace:
    """Tells the number of rows done, not more often than people read."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._started = self._told = time.perf_counter()

    def __call__(self, rows: int) -> None:
        now = time.perf_counter()
        if now - self._told >= TOLD_SECONDS:
            self._told = now
            self._progress(f"scored {rows:,} rows, {math.floor(rows / (now - self._started)):,} rows/s")
