"""Everything a tabular training starts from: checked tables, the fitted encoder, matrices, weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sqlrec.artifacts.cache import local_copy
from sqlrec.data.engine import Engine
from sqlrec.errors import OptionError, SchemaError
from sqlrec.features.encoder import Encoder
from sqlrec.models.controller import Progress
from sqlrec.models.cores import free_cores
from sqlrec.models.objective import Objective
from sqlrec.models.tables.labels import ClassValue
from sqlrec.models.tables.roles import GROUP, WEIGHT, Roles, roles_of
from sqlrec.models.tables.source import Source, require_different_labels
from sqlrec.models.tables.split import split
from sqlrec.models.tabular import checkpoint
from sqlrec.models.tabular.checkpoint import Trained
from sqlrec.models.tabular.encoding import TableEncoder, categorical_columns, fit_encoder
from sqlrec.models.tabular.estimator import Examples, Floats, Learner, Lesson
from sqlrec.models.tabular.native import NativeEncoder
from sqlrec.models.tabular.reading import encoded, read_rows
from sqlrec.models.tabular.weights import row_weights
from sqlrec.spec.job import TrainWork
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import Parsed
from sqlrec.spec.schema import Kind

Rows = npt.NDArray[np.int64]
EARLY_STOPPING = "early_stopping_rounds"
FEW_OUTPUTS = (Objective.BINARY, Objective.MULTICLASS, Objective.REGRESSION, Objective.RANKING)
"""Objectives of models that answer one column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The lesson, and what a checkpoint keeps of its making."""

    lesson: Lesson
    encoder: TableEncoder
    classes: tuple[ClassValue, ...]


def prepare(
    work: TrainWork,
    learner: Learner,
    objective: Objective,
    options: Mapping[str, Parsed],
    progress: Progress,
) -> Prepared:
    """Read, check, split and encode the rows.

    Raises the errors of :func:`~sqlrec.models.tables.source.read` and of the encoder, ``DataError`` SR452
    for labels that are all equal, ``OptionError`` SR456 (early stopping without validation rows) and SR544
    (ranking without groups), and ``SchemaError`` SR455 for a base that does not fit.
    """
    roles, name = _roles(work, objective, options), str(work.model.name)
    base = checkpoint.load(local_copy(work.base_uri)) if work.base_uri else None
    progress("reading the training table", done=0.0)
    with Engine() as engine:
        source = read_rows(work.data, roles, name, engine, objective)
        require_different_labels(source, objective)
        held_out = None
        if work.validation:
            held_out = read_rows(work.validation, roles, name, engine, objective, source.classes)
    encoder = fit_encoder(source.table, roles.features, learner.encoding, options)
    if base is not None:
        _require_same(base, objective, source, encoder, str(work.model.name))
        encoder = _grown(base.encoder, encoder)
    progress(f"encoding {len(source):,} rows of {source.name}")
    source, batches = _given_up(source)
    if held_out is None:
        train, validation = _split(source, batches, encoder, objective, options)
    else:
        held_out, more = _given_up(held_out)
        train = _whole(source, batches, encoder, objective)
        validation = _whole(held_out, more, encoder, objective)
    lesson = Lesson(
        objective=objective,
        names=encoder.names,
        categorical=categorical_columns(encoder, options),
        train=replace(train, weights=row_weights(train.labels, train.weights, objective, options)),
        validation=validation,
        classes=len(source.classes),
        options=options,
        threads=free_cores(),
        base=local_copy(work.base_uri) if work.base_uri else None,
        progress=progress,
        texts=encoder.texts if isinstance(encoder, NativeEncoder) else {},
    )
    return Prepared(lesson=lesson, encoder=encoder, classes=source.classes)


def _roles(work: TrainWork, objective: Objective, options: Mapping[str, Parsed]) -> Roles:
    """The roles of the columns, those that the objective has."""
    if options.get(EARLY_STOPPING) and work.validation is None and not options.get("validation_fraction"):
        raise OptionError(
            "SR456",
            f"{EARLY_STOPPING} needs validation rows",
            hint="set validation_fraction, or name a table with VALIDATE ON",
        )
    roles = roles_of(work.model, options)
    _require_defined(work.model, roles, objective)
    if objective is Objective.RANKING and not roles.group:
        raise OptionError(
            "SR544",
            "objective = 'ranking' needs groups",
            hint="add the option group_column, such as 'query_id'",
        )
    return replace(
        roles,
        labels=roles.labels if objective.has_label else (),
        group=roles.group if objective is Objective.RANKING else "",
    )


def _require_defined(model: ModelSpec, roles: Roles, objective: Objective) -> None:
    """Raise ``OptionError`` SR549 when options of TRAIN change what the model takes or answers."""
    for option, name in ((WEIGHT, roles.weight), (GROUP, roles.group)):
        if name and model.features.get(name):
            raise OptionError(
                "SR549",
                f"{option} names {name!r}, which is a feature of model {model.name}",
                hint=f"give {option} in CREATE MODEL, or leave {name!r} out of its columns",
            )
    several = any(column.type.kind is Kind.ARRAY for column in model.outputs)
    if several != (objective is Objective.MULTICLASS) and objective in FEW_OUTPUTS:
        raise OptionError(
            "SR549",
            f"objective = {str(objective)!r} does not answer {', '.join(map(str, model.outputs.names))} as "
            f"model {model.name} is defined",
            hint="give objective in CREATE MODEL",
        )


def _given_up(source: Source) -> tuple[Source, list[pa.RecordBatch]]:
    """The source without its columns, and these."""
    return replace(source, table=source.table.select([])), source.table.to_batches()


def _whole(
    source: Source, batches: list[pa.RecordBatch], encoder: TableEncoder, objective: Objective
) -> Examples:
    rows = np.arange(sum(batch.num_rows for batch in batches))
    (matrix,) = encoded(batches, encoder, [rows])
    return _ordered(_with_labels(matrix, source, rows), objective)


def _split(
    source: Source,
    batches: list[pa.RecordBatch],
    encoder: TableEncoder,
    objective: Objective,
    options: Mapping[str, Parsed],
) -> tuple[Examples, Examples | None]:
    kept, held = split(
        sum(batch.num_rows for batch in batches),
        float(str(options.get("validation_fraction") or 0)),
        int(str(options.get("seed") or 0)),
        objective=objective,
        labels=source.labels,
        groups=source.groups,
    )
    train, validation = (
        _ordered(_with_labels(matrix, source, rows), objective)
        for matrix, rows in zip(encoded(batches, encoder, [kept, held]), (kept, held), strict=True)
    )
    return train, validation if len(held) else None


def _with_labels(matrix: Floats, source: Source, rows: Rows) -> Examples:
    return Examples(
        matrix=matrix,
        labels=source.labels[rows] if source.labels.size else source.labels,
        weights=None if source.weights is None else source.weights[rows],
        groups=None if source.groups is None else source.groups[rows],
    )


def _ordered(examples: Examples, objective: Objective) -> Examples:
    """With the rows of a group side by side where that matters."""
    if objective is not Objective.RANKING or examples.groups is None:
        return examples
    order = np.argsort(examples.groups, kind="stable")
    return Examples(
        matrix=examples.matrix[order],
        labels=examples.labels[order],
        weights=None if examples.weights is None else examples.weights[order],
        groups=examples.groups[order],
    )


def _grown(base: TableEncoder, fresh: TableEncoder) -> TableEncoder:
    """The encoder to continue with: codes mean what the base learnt them to mean."""
    if isinstance(base, NativeEncoder) and isinstance(fresh, NativeEncoder):
        return base.extended(fresh)
    return base


def _require_same(
    base: Trained, objective: Objective, source: Source, fresh: TableEncoder, model: str
) -> None:
    """Raise ``SchemaError`` SR455 when what the base learnt does not fit."""
    differences = []
    if base.objective is not objective:
        differences.append(f"its objective is {base.objective}")
    if source.classes != base.classes:
        differences.append(
            f"its classes are {_listed(base.classes)}, those of {source.name} {_listed(source.classes)}"
        )
    then, now = _columns(base.encoder.encoder), _columns(fresh.encoder)
    differences += [f"it has no column {name!r}" for name in now if name not in then]
    differences += [f"it has a column {name!r}" for name in then if name not in now]
    differences += [
        f"column {name!r} is {then[name]} in it, {now[name]} in the model"
        for name in now
        if name in then and then[name] != now[name]
    ]
    if differences:
        raise SchemaError(
            "SR455",
            f"the base checkpoint does not fit model {model}: {'; '.join(sorted(differences))}",
            hint="train without FROM, or restore the definition the checkpoint was trained with",
        )


def _columns(encoder: Encoder) -> dict[str, str]:
    """Type and reading of each feature by folded name."""
    return {
        f.config.name.casefold(): f"{f.config.type}{'' if f.config.numeric else ' by name'}"
        for f in encoder.features
    }


def _listed(classes: tuple[ClassValue, ...]) -> str:
    return ", ".join(map(repr, classes)) or "none"
