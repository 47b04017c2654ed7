"""The training program of tabular models: table in, checkpoint folder out, whatever the learner."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from sqlrec.artifacts.durable import writing
from sqlrec.models.controller import Progress
from sqlrec.models.measuring.objectives import Report, report_of
from sqlrec.models.measuring.report import write_report
from sqlrec.models.objective import Objective
from sqlrec.models.tabular import checkpoint
from sqlrec.models.tabular.checkpoint import Trained, learner_of, told
from sqlrec.models.tabular.estimator import Examples, Learned
from sqlrec.models.tabular.importance import by_source
from sqlrec.models.tabular.kind import tabular_controller, training_options
from sqlrec.models.tabular.prepare import Prepared, prepare
from sqlrec.spec.job import JobResult, TrainWork


def train(work: TrainWork, output: Path, progress: Progress) -> JobResult:
    """Train ``work.model`` and write its checkpoint into the empty folder ``output``.

    Files: ``model.json``, ``encoder.json``, ``options.json``, those of the estimator, ``evaluation.json`` and
    ``plots/*.png``. The same rows, options and threads give the same bytes. Raises the errors of
    :func:`~sqlrec.models.tabular.prepare.prepare` and of the learner, and ``SetupError`` SR703 for a folder
    that cannot be written.
    """
    started = time.perf_counter()
    controller, learner = tabular_controller(work.model), learner_of(work.model)
    options = training_options(controller, work.model, work.options)
    objective = controller.objective(options)
    prepared = prepare(work, learner, objective, options, progress)
    lesson = prepared.lesson
    progress(f"training on {len(lesson.train):,} rows and {len(lesson.names)} columns")
    fitting = time.perf_counter()
    learned = learner.fit(lesson)
    seconds = time.perf_counter() - fitting
    trained = Trained(
        model=work.model,
        encoder=prepared.encoder,
        estimator=learned.estimator,
        objective=objective,
        classes=prepared.classes,
        options=options,
    )
    progress("measuring and writing the checkpoint", done=1.0)
    report = _measured(trained, lesson.validation, lesson.train)
    importance = by_source(learned.estimator.importance(), prepared.encoder.sources)
    with writing(output):
        checkpoint.save(trained, output)
        write_report(output, report, learned.curves, importance=importance)
    return JobResult(
        rows=len(lesson.train),
        seconds=time.perf_counter() - started,
        metrics={
            **(report.numbers if report else {}),
            "rows": float(len(lesson.train)),
            "rows_per_second": learned.passes * len(lesson.train) / max(seconds, 1e-9),
        },
        curves=learned.curves,
        params=_params(prepared, learned, objective),
        warnings=(*learned.warnings, *_remarks(report)),
    )


def _measured(trained: Trained, validation: Examples | None, train: Examples) -> Report | None:
    """The report of the validation rows; of the training rows where there is no label to hold back."""
    labelled = trained.objective.has_label
    rows = validation if labelled or validation is not None else train
    if rows is None:
        return None
    return report_of(
        trained.objective,
        rows.labels if labelled else None,
        trained.estimator.predict(rows.matrix),
        groups=rows.groups,
        classes=tuple(map(str, trained.classes)),
        matrix=None if labelled else np.nan_to_num(rows.matrix),
    )


def _params(prepared: Prepared, learned: Learned, objective: Objective) -> Mapping[str, str]:
    lesson = prepared.lesson
    return {
        "objective": str(objective),
        "columns": str(len(lesson.names)),
        "validation_rows": str(len(lesson.validation) if lesson.validation else 0),
        "threads": str(lesson.threads),
        **told(prepared.classes),
        **learned.params,
    }


def _remarks(report: Report | None) -> list[str]:
    if report is None:
        return ["no validation rows: the model was not measured"]
    if report.primary is None:
        return ["the validation rows do not allow the main metric: their labels are all equal"]
    return []
