"""The evaluation program of every model type: a checkpoint and rows in, numbers and pictures out.

A training checkpoint is scored by the trained model, which its type opens; an export by its own files. The
rows are streamed, and only labels, outputs and groups of them are kept, because exact ranking metrics need
all scores at once. The program of a type is one call::

    def evaluate(work: EvaluateWork, output: Path, progress: Progress) -> JobResult:
        return evaluation.evaluate(work, output, progress, open_origin=opened)
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sqlrec.artifacts.cache import local_copy
from sqlrec.artifacts.durable import writing
from sqlrec.artifacts.folder import read_signature
from sqlrec.data.engine import Engine
from sqlrec.errors import StateError, suggest
from sqlrec.features.raw import find_column, raw_inputs
from sqlrec.models.controller import Progress
from sqlrec.models.exporting.session import open_variant, run
from sqlrec.models.measuring.measures import TITLES, wanted
from sqlrec.models.measuring.objectives import THRESHOLD, Outputs, Report, report_of
from sqlrec.models.measuring.report import write_report
from sqlrec.models.objective import Objective
from sqlrec.models.tables.labels import ClassValue
from sqlrec.models.tables.roles import GROUP, Roles
from sqlrec.models.tables.rows import Groups
from sqlrec.models.tables.source import Selection, Source, checked, no_rows, select
from sqlrec.spec.job import EvaluateWork, JobResult
from sqlrec.spec.model import CheckpointKind, ModelSpec
from sqlrec.spec.schema import Schema

Array = npt.NDArray[Any]

TOLD_SECONDS = 1.0
"""Shortest time between two lines of progress."""
UNDEFINED = "is undefined on these rows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A checkpoint that is ready to score.

    ``columns`` are the raw columns that ``score`` takes; it gives the outputs of the objective. ``classes``
    are the labels of MULTICLASS by number. ``matrix`` float32 ``[rows, width]`` is what clusters and
    projections are of, where it can be had; ``items`` are the columns that tell the items of RETRIEVAL apart.
    """

    objective: Objective
    columns: tuple[str, ...]
    score: Callable[[pa.Table], Outputs]
    classes: tuple[ClassValue, ...] = ()
    matrix: Callable[[pa.Table], Array] | None = None
    items: tuple[str, ...] = ()


OpenOrigin = Callable[[Path], Opened]
"""Opens the folder of a training checkpoint; ``StateError`` SR521 for a damaged one."""


def evaluate(work: EvaluateWork, output: Path, progress: Progress, *, open_origin: OpenOrigin) -> JobResult:
    """Measure the checkpoint at ``work.source_uri``; ``evaluation.json`` and plots go into ``output``.

    The result's metrics are those asked for and defined: the AUC of rows with one label is not among them.
    Raises ``SchemaError`` and ``DataError`` of :mod:`sqlrec.models.tables.source` for rows that do not fit,
    ``OptionError`` SR265 and SR560, ``JobError`` SR561, ``StateError`` for unreadable files and SR672 for a
    variant that the export does not have.
    """
    started = time.perf_counter()
    progress(f"opening {work.checkpoint} of {work.model.name}", done=0.0)
    folder = local_copy(work.source_uri)
    opened = open_origin(folder) if work.kind is CheckpointKind.ORIGIN else _open_export(work, folder)
    names = wanted(work.options, opened.objective)
    scored = _scored(work, opened, progress)
    progress("measuring")
    report = _measured(work, opened, scored)
    is_blind = not opened.objective.has_label and opened.matrix is None
    return reported(
        report,
        names,
        output,
        rows=scored.rows,
        started=started,
        undefined="cannot be measured of an export: evaluate the training checkpoint"
        if is_blind
        else UNDEFINED,
    )


def reported(
    report: Report,
    names: Sequence[str],
    output: Path,
    *,
    rows: int,
    started: float,
    undefined: str = UNDEFINED,
) -> JobResult:
    """Write the report into ``output``; its metrics of ``names`` are the result.

    ``started`` is when (:func:`time.perf_counter`); ``undefined`` says why a metric is not there.
    """
    metrics = _asked(names, report)
    with writing(output):
        write_report(output, report, ())
    return JobResult(
        rows=rows,
        seconds=time.perf_counter() - started,
        metrics=metrics,
        params={"objective": report.objective.value, "metrics": ",".join(names)},
        warnings=tuple(f"{TITLES[name]} {undefined}" for name in names if name not in metrics),
    )


def _open_export(work: EvaluateWork, folder: Path) -> Opened:
    signature = read_signature(folder)
    named = signature.variant_for(str(work.options.get("variant") or "fp32"))
    variant = signature.variants.get(named)
    if variant is None:
        known = tuple(signature.variants)
        raise StateError(
            "SR672",
            f"checkpoint {work.checkpoint} of {work.model.name} has no variant {named!r}",
            hint=suggest(named, known) or f"it has {', '.join(known) or 'none'}",
        )
    session = open_variant(folder, variant.file)
    return Opened(
        objective=Objective(signature.objective),
        columns=tuple(column.name for column in signature.inputs),
        score=lambda table: run(session, raw_inputs(table, signature.inputs)),
        classes=signature.classes,
    )


@dataclass(slots=True)
class _Scored:
    """What is kept of the rows, in blocks."""

    labels: list[Array] = field(default_factory=list)
    outputs: list[Outputs] = field(default_factory=list)
    groups: list[Array] = field(default_factory=list)
    matrix: list[Array] = field(default_factory=list)
    rows: int = 0


def _scored(work: EvaluateWork, opened: Opened, progress: Progress) -> _Scored:
    roles, group = _roles(work, opened)
    telling = opened.items if opened.objective is Objective.RETRIEVAL else tuple(filter(None, (group,)))
    known, numbers = Groups(), [Groups() for _ in telling]
    scored, tell = _Scored(), _Pace(progress)
    with Engine() as engine:
        chosen = select(work.data, roles, str(work.model.name), engine, *telling)
        for table in _blocks(engine, chosen):
            source = checked(
                chosen,
                table,
                objective=opened.objective,
                classes=opened.classes,
                groups=known,
                before=scored.rows,
            )
            scored.labels.append(source.labels)
            scored.outputs.append([np.asarray(output) for output in opened.score(table)])
            if opened.matrix is not None:
                scored.matrix.append(opened.matrix(table))
            scored.groups.append(_told_apart(source, telling, numbers))
            scored.rows += table.num_rows
            tell(scored.rows)
    if not scored.rows:
        raise no_rows(chosen.name)
    return scored


def _roles(work: EvaluateWork, opened: Opened) -> tuple[Roles, str]:
    """What the columns mean, and the column of gauc: groups that only a ranking must have."""
    group = str(work.options.get(GROUP) or "")
    ranked = opened.objective is Objective.RANKING
    labels = work.model.labels if opened.objective.has_label else ()
    roles = Roles(
        features=_features(work.model, opened.columns), labels=labels, group=group if ranked else ""
    )
    return roles, "" if ranked or opened.objective is not Objective.BINARY else group


def _features(model: ModelSpec, columns: Sequence[str]) -> Schema:
    """The features that are scored, which are not all when training took one for weights or groups."""
    folded = {name.casefold() for name in columns}
    return Schema(tuple(f for f in model.features if f.name.casefold() in folded))


def _blocks(engine: Engine, chosen: Selection) -> Iterator[pa.Table]:
    for batch in engine.reader(chosen.relation):
        if batch.num_rows:
            yield pa.Table.from_batches([batch])


def _told_apart(source: Source, columns: Sequence[str], numbers: Sequence[Groups]) -> Array:
    """Group numbers [rows], or those of each column [rows, columns]."""
    if not columns:
        return np.empty((len(source), 0), np.int64) if source.groups is None else source.groups
    found = [
        known.codes(find_column(source.table, column), column)
        for column, known in zip(columns, numbers, strict=True)
    ]
    return found[0] if len(found) == 1 else np.stack(found, axis=1)


def _measured(work: EvaluateWork, opened: Opened, scored: _Scored) -> Report:
    labels = np.concatenate(scored.labels)
    threshold = work.options.get("threshold")
    return report_of(
        opened.objective,
        labels if len(labels) else None,
        [np.concatenate(parts) for parts in zip(*scored.outputs, strict=True)],
        groups=_one_number(np.concatenate(scored.groups)),
        classes=tuple(map(str, opened.classes)),
        label_names=work.model.labels,
        threshold=THRESHOLD if threshold is None else float(str(threshold)),
        matrix=np.concatenate(scored.matrix) if scored.matrix else None,
    )


def _one_number(groups: Array) -> Array | None:
    """Numbers [rows] of the different rows of ``groups``; None when nothing groups."""
    if groups.ndim == 1:
        return groups
    return np.unique(groups, axis=0, return_inverse=True)[1].ravel() if groups.shape[1] else None


def _asked(names: Sequence[str], report: Report) -> dict[str, float]:
    """The metrics asked for, and those of each label behind them."""
    found = {name: report.numbers[name] for name in names if name in report.numbers}
    of_labels = {k: v for k, v in report.numbers.items() if "." in k and k.split(".", 1)[0] in found}
    return {**found, **of_labels}


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
