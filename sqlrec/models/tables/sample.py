"""The rows an export is calibrated, checked and timed on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sqlrec.data.engine import Engine
from sqlrec.data.types import quote
from sqlrec.errors import DataError, SchemaError, suggest
from sqlrec.features.encoder import Encoder
from sqlrec.features.raw import MISSING, Tensor, raw_inputs
from sqlrec.features.synthesis import made_up_rows
from sqlrec.models.objective import Objective
from sqlrec.models.tables.labels import ClassValue
from sqlrec.models.tables.roles import Roles
from sqlrec.models.tables.rows import Groups
from sqlrec.models.tables.source import Selection, checked
from sqlrec.spec.schema import Kind
from sqlrec.spec.signature import InputColumn
from sqlrec.spec.table import Relation

SAMPLE_ROWS = 65_536
MADE_UP_ROWS = 8192
SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Rows with the model's feature columns.

    ``labels`` float32 ``[rows]`` (``[rows, labels]`` for several) when the table has them and they differ;
    ``groups`` int64 ``[rows]`` (below 0: none) when labels are ranked within groups.
    """

    table: pa.Table
    labels: npt.NDArray[np.float32] | None = None
    groups: npt.NDArray[np.int64] | None = None
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def raw(self, inputs: Sequence[InputColumn]) -> dict[str, npt.NDArray[Any]]:
        """The rows as inputs of the exported model."""
        return raw_inputs(self.table, inputs)


def made_up(encoder: Encoder) -> Sample:
    """Rows that hold known, unseen and missing values of every feature."""
    return Sample(table=made_up_rows(encoder, MADE_UP_ROWS, SEED))


def read_sample(
    relation: Relation | None,
    roles: Roles,
    what: str,
    encoder: Encoder,
    *,
    objective: Objective = Objective.BINARY,
    classes: tuple[ClassValue, ...] = (),
) -> Sample:
    """At most :data:`SAMPLE_ROWS` random rows of a table; made-up rows without a table or without rows.

    ``what`` names the model. Raises ``SchemaError`` SR450 when a feature column is missing. Unusable labels
    are a warning: they are only measured with.
    """
    if relation is None:
        return made_up(encoder)
    with Engine(threads=1) as engine:
        spelled = {name.casefold(): name for name in engine.schema(relation).names}
        wanted = [column.name for column in encoder.inputs]
        missing = [name for name in wanted if name.casefold() not in spelled]
        if missing:
            raise SchemaError(
                "SR450",
                f"the sample table has no column {', '.join(map(repr, missing))}, which {what} needs",
                hint=suggest(missing[0], spelled.values()) or f"columns: {', '.join(spelled.values())}",
            )
        others = [spelled[n.casefold()] for n in (*roles.labels, roles.group) if n.casefold() in spelled]
        columns = [spelled[name.casefold()] for name in wanted] + others
        chosen = ", ".join(map(quote, dict.fromkeys(columns)))
        query = f"SELECT {chosen} FROM (\n{relation.query}\n) USING SAMPLE reservoir({SAMPLE_ROWS} ROWS) "  # noqa: S608 - quoted names
        table = engine.table(replace(relation, query=f"{query} REPEATABLE ({SEED})"))
    if not table.num_rows:
        return replace(made_up(encoder), warnings=("the sample has no rows: made-up rows were used",))
    wanted_labels = roles.labels if objective.has_label else ()
    labels = tuple(spelled[n.casefold()] for n in wanted_labels if n.casefold() in spelled)
    group = spelled.get(roles.group.casefold(), "") if objective is Objective.RANKING else ""
    is_complete = (
        labels and len(labels) == len(wanted_labels) and (group or objective is not Objective.RANKING)
    )
    if not is_complete:
        return Sample(table=table)
    named = Selection(name="the sample", relation=relation, roles=replace(roles, weight=""), labels=labels)
    return _labelled(table, named, group, objective, classes)


def _labelled(
    table: pa.Table, chosen: Selection, group: str, objective: Objective, classes: tuple[ClassValue, ...]
) -> Sample:
    try:
        source = checked(chosen, table, objective=objective, classes=classes)
    except DataError as error:
        return Sample(table=table, warnings=(f"no metrics were measured: {error.message}",))
    same = source.labels.min(axis=0) == source.labels.max(axis=0)
    if np.any(same) and not (objective is Objective.RETRIEVAL and source.labels.max() == 1):
        value = f"{source.labels.flat[int(np.argmax(same))]:g}"
        return Sample(
            table=table, warnings=(f"no metrics were measured: all labels of the sample are {value}",)
        )
    groups = Groups().codes(table.column(group), group) if group else None
    return Sample(table=table, labels=source.labels, groups=groups)


def json_row(raw: dict[str, npt.NDArray[Any]], columns: tuple[InputColumn, ...], row: int) -> dict[str, Any]:
    """One row of raw inputs as JSON data: null for missing, arrays without their filling."""
    return {column.name: _json_value(raw[column.name][row], column) for column in columns}


def _json_value(value: Any, column: InputColumn) -> Any:
    kind = column.type.element.kind if column.is_array else column.type.kind
    missing = MISSING[Tensor(column.tensor)]
    items = value.tolist() if column.is_array else [value]
    items = [_json_scalar(item, missing, boolean=kind is Kind.BOOLEAN) for item in items]
    if not column.is_array:
        return items[0]
    while items and items[-1] is None:
        items.pop()
    return items


def _json_scalar(value: Any, missing: Any, *, boolean: bool) -> Any:
    plain = value.item() if isinstance(value, np.generic) else value
    if plain == missing or (isinstance(plain, float) and not math.isfinite(plain)):
        return None
    return bool(plain) if boolean else plain
