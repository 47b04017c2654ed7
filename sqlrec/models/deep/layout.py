"""What a head sees of a row, told by the fitted encoder: the sizes its layers are made for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlrec.features.encoder import Encoder
from sqlrec.spec.model import ModelSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """An embedded column: ``dim`` is the width of its deep vector, ``is_pooled`` one of an array."""

    name: str
    dim: int
    is_pooled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Array columns side by side.

    ``targets`` are the positions in ``Layout.columns`` of the columns whose rows they share.
    """

    name: str
    targets: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """``columns`` are the encoder's slots, then its bags (pooled); ``outputs`` is the number of labels.

    ``dense`` names the feature that each dense column belongs to.
    """

    columns: tuple[Column, ...]
    dense_width: int
    dense: tuple[str, ...] = ()
    histories: tuple[History, ...] = ()
    outputs: int = 1

    @property
    def dims(self) -> tuple[int, ...]:
        """Widths of the deep vectors."""
        return tuple(column.dim for column in self.columns)

    @property
    def row_width(self) -> int:
        """Width of an embedding row: the widest deep vector and, last, the value's wide weight."""
        return max(self.dims, default=0) + 1


def layout_of(encoder: Encoder, model: ModelSpec) -> Layout:
    """The layout of a model over its fitted encoder."""
    slots = (*encoder.slots, *encoder.bags)
    places = {slot.name: place for place, slot in enumerate(slots)}
    return Layout(
        columns=tuple(
            Column(name=slot.name, dim=slot.embedding_dim, is_pooled=place >= len(encoder.slots))
            for place, slot in enumerate(slots)
        ),
        dense_width=encoder.dense_width,
        dense=tuple(_dense_names(encoder)),
        histories=tuple(
            History(name=h.name, targets=tuple(places[bag.config.shared_with] for bag in h.bags))
            for h in encoder.histories
        ),
        outputs=max(len(model.labels), 1),
    )


def _dense_names(encoder: Encoder) -> Iterator[str]:
    """In the order of :attr:`Encoder.dense_width`'s columns."""
    for _ in ("values", "missing flags"):
        yield from (number.config.name for number in encoder.numbers)
    for vector in encoder.vectors:
        yield from [vector.config.name] * vector.width
