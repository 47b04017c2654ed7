"""One tower by itself: its columns, its embedding rows and its layers, cut out of the trained model."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from sqlrec.features.columns import Bag, Category, Feature
from sqlrec.features.encoder import Encoder
from sqlrec.models.deep.checkpoint import Trained
from sqlrec.models.deep.dssm import OUTPUTS, USER, sides_of
from sqlrec.models.deep.heads.dssm import Towers
from sqlrec.spec.schema import Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """``tower`` is its name and ``place`` its place among the answers of both; ``table`` are its rows."""

    tower: str
    place: int
    field: Field
    encoder: Encoder
    table: Tensor
    head: nn.Module


def part_of(trained: Trained, tower: str) -> Part:
    """The user's or the item's side of a trained model."""
    sides, head = sides_of(trained.model), trained.head
    assert isinstance(head, Towers)
    is_user = tower == USER
    encoder, rows = cut(trained.encoder, sides.user if is_user else sides.item)
    place = 0 if is_user else 1
    return Part(
        tower=tower,
        place=place,
        field=OUTPUTS.fields[place],
        encoder=encoder,
        table=trained.table.index_select(0, rows),
        head=head.user if is_user else head.item,
    )


def cut(encoder: Encoder, names: Collection[str]) -> tuple[Encoder, Tensor]:
    """An encoder of some features alone, and for each row of its table the row of the whole one.

    A feature that uses the values and rows of one outside of ``names`` gets its own copy of them.
    """
    kept = [feature for feature in encoder.features if feature.config.name in names]
    part = Encoder.from_json(Encoder(tuple(_alone(feature, names) for feature in kept)).to_json())
    rows = torch.empty(part.table_rows, dtype=torch.int64)
    whole = {slot.name: slot for slot in (*encoder.slots, *encoder.bags)}
    for slot in (*part.slots, *part.bags):
        start = whole[slot.name].offset
        rows[slot.offset : slot.offset + slot.rows] = torch.arange(start, start + slot.rows)
    return part, rows


def _alone(feature: Feature, names: Collection[str]) -> Feature:
    if isinstance(feature, Category | Bag) and feature.config.shared_with not in names:
        return replace(feature, config=replace(feature.config, shared_with=""))
    return feature
