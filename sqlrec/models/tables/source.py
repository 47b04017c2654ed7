"""Tables of a training, an export or an evaluation: which columns are read, and what they are checked for.

Without torch, so that a job that only runs an exported model starts quickly. A table is read whole
(:func:`read`) or as a stream of blocks (:func:`select`, then :func:`checked` for each block).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sqlrec.data.engine import Engine
from sqlrec.data.types import quote
from sqlrec.errors import DataError, SchemaError, suggest
from sqlrec.models.objective import Objective
from sqlrec.models.tables.cells import refuse_missing
from sqlrec.models.tables.labels import ClassValue, class_values, read_labels
from sqlrec.models.tables.roles import Roles
from sqlrec.models.tables.rows import Groups, read_weights
from sqlrec.spec.table import Relation

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A relation that gives the columns of ``roles`` and no others.

    ``name`` is for messages. ``labels``, ``weight`` and ``group`` are spelt as the table spells them.
    """

    name: str
    relation: Relation
    roles: Roles
    labels: tuple[str, ...]
    weight: str = ""
    group: str = ""

    @property
    def label(self) -> str:
        """The first label column."""
        return self.labels[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Rows that were checked. ``name`` is for messages.

    ``labels`` float32 ``[rows]``, or ``[rows, labels]`` for several label columns, or empty without one;
    ``classes`` are the values that MULTICLASS labels number. ``weights`` float32 and ``groups`` int64
    ``[rows]`` when there are such columns.
    """

    name: str
    table: pa.Table
    labels: Floats
    classes: tuple[ClassValue, ...] = ()
    weights: Floats | None = None
    groups: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return int(self.table.num_rows)


def select(relation: Relation, roles: Roles, what: str, engine: Engine, *more: str) -> Selection:
    """The needed columns of a table, and those asked for besides; ``what`` names the model in messages.

    Raises ``SchemaError`` SR450 for missing columns.
    """
    name = ", ".join(relation.sources) or "the query"
    spelled = _present(engine.schema(relation).names, (*roles.columns, *more), name, what, roles)
    chosen = ", ".join(map(quote, dict.fromkeys(spelled.values())))
    query = f"SELECT {chosen} FROM (\n{relation.query}\n)"  # noqa: S608 - quoted names
    return Selection(
        name=name,
        relation=replace(relation, query=query),
        roles=roles,
        labels=tuple(spelled[label] for label in roles.labels),
        weight=spelled.get(roles.weight, ""),
        group=spelled.get(roles.group, ""),
    )


def read(
    relation: Relation,
    roles: Roles,
    what: str,
    engine: Engine,
    *,
    objective: Objective = Objective.BINARY,
    classes: tuple[ClassValue, ...] = (),
) -> Source:
    """The columns of a table that a model needs, in memory, checked.

    The classes of MULTICLASS labels are those of the table unless ``classes`` gives them. Raises
    ``SchemaError`` SR450 (a column is missing), ``DataError`` SR451 (no rows) and those of :func:`checked`.
    """
    chosen = select(relation, roles, what, engine)
    table = engine.table(chosen.relation)
    if not table.num_rows:
        raise no_rows(chosen.name)
    if objective is Objective.MULTICLASS and not classes:
        classes = class_values([table.column(chosen.label)], chosen.roles.labels[0], chosen.name)
    return checked(chosen, table, objective=objective, classes=classes)


def checked(
    chosen: Selection,
    table: pa.Table,
    *,
    objective: Objective = Objective.BINARY,
    classes: tuple[ClassValue, ...] = (),
    groups: Groups | None = None,
    before: int = 0,
) -> Source:
    """A table, or a block of it after ``before`` rows, with its labels, weights and groups.

    ``groups`` holds the numbers of groups across blocks. Raises the errors of
    :func:`~sqlrec.models.tables.labels.read_labels` and :func:`~sqlrec.models.tables.rows.read_weights`,
    and ``DataError`` SR542 for a row without a group.
    """
    columns = [
        read_labels(
            table.column(column), name, chosen.name, objective=objective, classes=classes, before=before
        )
        for column, name in zip(chosen.labels, chosen.roles.labels, strict=True)
    ]
    weights = numbers = None
    if chosen.weight:
        weights = read_weights(table.column(chosen.weight), chosen.weight, chosen.name, before=before)
    if chosen.group:
        column, what = table.column(chosen.group), f"group_column {chosen.group!r} of {chosen.name}"
        refuse_missing(column, what, chosen.group, code="SR542", before=before)
        numbers = (groups or Groups()).codes(column, chosen.group)
    return Source(
        name=chosen.name,
        table=table,
        labels=_side_by_side(columns),
        classes=classes,
        weights=weights,
        groups=numbers,
    )


def _side_by_side(columns: Sequence[Floats]) -> Floats:
    if not columns:
        return np.empty(0, np.float32)
    return columns[0] if len(columns) == 1 else np.stack(columns, axis=1)


def no_rows(name: str) -> DataError:
    """SR451: a table without rows."""
    return DataError("SR451", f"{name} has no rows", hint="check the WHERE clause and the partition")


_NEEDED = {
    Objective.BINARY: "a model needs rows with label 0 and rows with label 1",
    Objective.RETRIEVAL: "a model needs rows with label 1: who took what",
}


def require_different_labels(source: Source, objective: Objective = Objective.BINARY) -> None:
    """Raise ``DataError`` SR452 when all labels of a column are equal: there is nothing to learn.

    Rows of RETRIEVAL may all have label 1.
    """
    if source.labels.size:
        labels = source.labels.reshape(len(source), -1)
        require_different(source, len(source), labels.min(axis=0), labels.max(axis=0), objective)


def require_different(source: Source, count: int, least: Floats, most: Floats, objective: Objective) -> None:
    """As :func:`require_different_labels`, for ``count`` rows like those with labels in these bounds."""
    for low, high in zip(least, most, strict=True):
        if low < high or (objective is Objective.RETRIEVAL and high == 1):
            continue
        value = source.classes[int(low)] if source.classes else f"{low:g}"
        raise DataError(
            "SR452",
            f"all {count:,} rows of {source.name} have label {value}",
            hint=_NEEDED.get(objective, "a model needs rows with different labels"),
        )


def _present(
    names: Sequence[str], wanted: tuple[str, ...], source: str, what: str, roles: Roles
) -> dict[str, str]:
    """The table's spelling of the wanted columns."""
    spelled = {name.casefold(): name for name in names}
    missing = [name for name in wanted if name.casefold() not in spelled]
    if missing:
        hints = [suggest(name, names) for name in missing]
        kind = "label column" if set(missing) <= set(roles.labels) else "column"
        raise SchemaError(
            "SR450",
            f"{source} has no {kind}{'s' if len(missing) > 1 else ''} {', '.join(map(repr, missing))}, "
            f"which model {what} needs",
            hint=" ".join(filter(None, hints)) or f"columns: {', '.join(names)}",
        )
    return {name: spelled[name.casefold()] for name in wanted}
