"""The items of a training: one row each with the columns of the item tower, and how often each occurs.

They are the candidates that a model is measured with. A checkpoint keeps them (``items.parquet``), because
the rows of an evaluation alone would leave out most of what a user did not take.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from torch import Tensor

from sqlrec.data.engine import Engine
from sqlrec.data.types import arrow_type, quote
from sqlrec.errors import DataError, StateError
from sqlrec.features.columns import Category
from sqlrec.features.encoder import Encoder, column_of
from sqlrec.models.tables.roles import Roles
from sqlrec.models.tables.source import select
from sqlrec.spec.schema import Schema
from sqlrec.spec.table import Relation

FILE = "items.parquet"
MOST_ITEMS = 1_000_000
"""More items than these are sampled: an evaluation compares every user with all of them."""
COUNT = "rows of the item"


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """``table`` holds the item columns of at most :data:`MOST_ITEMS` of the ``total`` different items.

    ``shares`` float32 [codes] is the share of the training rows of each code of the identity: 0 the missing
    value, then the vocabulary, last all items that it does not have.
    """

    table: pa.Table
    total: int
    shares: Tensor


def identity_of(encoder: Encoder, column: str) -> Category:
    """The feature that tells items apart."""
    return next(f for f in encoder.categories if f.config.name == column)


def read_catalogue(
    data: Relation, validation: Relation | None, columns: Schema, identity: Category, model: str
) -> Catalogue:
    """The items of the training rows, and behind them those that only the validation rows have.

    ``columns`` are those of the item tower. A row without an identity is no item; of an item with several
    values in a column the smallest row counts. Raises ``SchemaError`` SR450 for a missing column and
    ``DataError`` SR589 when there are not two items to tell apart.
    """
    name = identity.config.name
    with Engine() as engine:
        counted = _counted(data, columns, name, model, engine)
        shares, table = _shares(counted, identity), _identified(counted, name)
        _require_several(table, name)
        if validation is not None:
            table = joined_items(table, validation, columns, identity, model, engine)
    return Catalogue(table=_some(table), total=table.num_rows, shares=shares)


def _require_several(table: pa.Table, name: str) -> None:
    if table.num_rows < 2:
        raise DataError(
            "SR589",
            f"the training rows have {table.num_rows} item{'s'[: table.num_rows != 1]} by {name!r}: "
            "there is nothing to tell apart",
            hint="train on rows of many items, or name what identifies them with item_id_column",
        )


def joined_items(
    table: pa.Table, relation: Relation, columns: Schema, identity: Category, model: str, engine: Engine
) -> pa.Table:
    """The items of ``table``, and behind them those that only ``relation`` has."""
    name = identity.config.name
    others = _identified(_counted(relation, columns, name, model, engine), name).cast(table.schema)
    fresh = pc.invert(pc.is_in(others.column(name), value_set=table.column(name)))
    return pa.concat_tables([table, others.filter(fresh)])


def _counted(relation: Relation, columns: Schema, name: str, model: str, engine: Engine) -> pa.Table:
    """A row for each item, by item, with its number of rows in the last column."""
    chosen = select(relation, Roles(features=columns), model, engine)
    spelled = {found.casefold(): found for found in engine.schema(chosen.relation).names}
    fields = ", ".join(f"{quote(c)}: {quote(spelled[c.casefold()])}" for c in columns.names)
    query = (
        f"SELECT item.*, {quote(COUNT)} FROM (SELECT min({{{fields}}}) AS item, count(*) AS {quote(COUNT)} "  # noqa: S608 - quoted names
        f"FROM (\n{chosen.relation.query}\n) GROUP BY {quote(spelled[name.casefold()])}) ORDER BY item"
    )
    return engine.table(replace(chosen.relation, query=query))


def _shares(counted: pa.Table, identity: Category) -> Tensor:
    codes = identity.ids(column_of(counted, identity.config)) - identity.offset
    counts = np.bincount(codes, counted.column(COUNT).to_numpy(), identity.slot.rows)
    return torch.from_numpy((counts / counts.sum()).astype(np.float32))


def _identified(counted: pa.Table, name: str) -> pa.Table:
    return counted.drop_columns([COUNT]).filter(pc.is_valid(counted.column(name)))


def _some(table: pa.Table) -> pa.Table:
    """Evenly spread rows of a table in the order of items."""
    if table.num_rows <= MOST_ITEMS:
        return table
    return table.take(pa.array(np.linspace(0, table.num_rows - 1, MOST_ITEMS).astype(np.int64)))


def save_items(table: pa.Table, folder: Path) -> None:
    """Write :data:`FILE` into an existing folder."""
    pq.write_table(table, folder / FILE, compression="zstd")


def load_items(folder: Path) -> pa.Table:
    """What :func:`save_items` wrote; ``StateError`` SR521 when it is missing or damaged."""
    try:
        return pq.read_table(folder / FILE)
    except (OSError, pa.ArrowException) as error:
        raise StateError(
            "SR521", f"{folder} holds no readable items: {error}", hint="train the model again"
        ) from error


def beside(table: pa.Table, others: Schema) -> pa.Table:
    """The rows of a table with empty columns of these types, those of the other tower."""
    for field in others:
        table = table.append_column(field.name, pa.nulls(table.num_rows, arrow_type(field.type)))
    return table
