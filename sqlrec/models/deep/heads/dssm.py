"""DSSM (Huang et al., 2013): a stack of dense layers for the user and one for the item, which never meet.

What they answer is compared by an inner product, so items can be found by their vectors alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from sqlrec.models.deep.dssm import Sides
from sqlrec.models.deep.head import units, vectors
from sqlrec.models.deep.layers import Style, dense_layers
from sqlrec.models.deep.layout import Layout
from sqlrec.spec.options import Parsed


class Tower(nn.Module):
    """One side: dense layers over its own columns, with ``is_unit`` to vectors of length 1.

    With ``are_arrays_normalised`` the mean of an array goes through a layer normalisation of its own first
    (Ba et al., 2016): it is the shorter the more values it is of, and would hardly be heard beside others.
    """

    def __init__(
        self,
        layout: Layout,
        hidden: tuple[int, ...],
        outputs: int,
        *,
        style: Style,
        is_unit: bool,
        are_arrays_normalised: bool,
    ) -> None:
        super().__init__()
        self.dims, self.is_unit = layout.dims, is_unit
        pooled = [place for place, column in enumerate(layout.columns) if column.is_pooled]
        self.pooled = pooled if are_arrays_normalised else []
        self.norms = nn.ModuleList(nn.LayerNorm(self.dims[place]) for place in self.pooled)
        self.layers = dense_layers(sum(layout.dims) + layout.dense_width, hidden, outputs, style)

    def forward(self, embedded: Tensor, dense: Tensor) -> Tensor:
        """Vectors [batch, outputs] of the tower's ``embedded`` [batch, columns, row_width] and ``dense``."""
        parts = list(torch.split(vectors(embedded, self.dims), list(self.dims), dim=1))
        for place, norm in zip(self.pooled, self.norms, strict=True):
            parts[place] = norm(parts[place])
        answer: Tensor = self.layers(torch.cat((*parts, dense), dim=1))
        return normalize(answer, dim=1) if self.is_unit else answer


class Towers(nn.Module):
    """Both sides; each picks its columns of what the fused table gives."""

    def __init__(self, layout: Layout, options: Mapping[str, Parsed]) -> None:
        super().__init__()
        names = tuple(dict.fromkeys((*(column.name for column in layout.columns), *layout.dense)))
        sides, style = Sides.of(names, options), Style.read(options)
        outputs, is_unit = cast(int, options["output_dim"]), options["similarity"] == "cosine"
        self.places: list[tuple[Tensor, Tensor]] = []
        towers = []
        for side, hidden in ((sides.user, "user_hidden_units"), (sides.item, "item_hidden_units")):
            part, columns, dense = _part(layout, side)
            self.places.append((torch.tensor(columns).long(), torch.tensor(dense).long()))
            towers.append(
                Tower(
                    part,
                    units(options, hidden),
                    outputs,
                    style=style,
                    is_unit=is_unit,
                    are_arrays_normalised=bool(options["normalize_arrays"]),
                )
            )
        self.user, self.item = towers

    def forward(self, embedded: Tensor, dense: Tensor) -> Tensor:
        """Vectors [batch, 2, output_dim], the user's first, of all columns."""
        answers = [
            tower(embedded.index_select(1, columns), dense.index_select(1, numbers))
            for tower, (columns, numbers) in zip((self.user, self.item), self.places, strict=True)
        ]
        return torch.stack(answers, dim=1)


def _part(layout: Layout, names: Collection[str]) -> tuple[Layout, list[int], list[int]]:
    """The layout of some columns alone, and the places of theirs in the whole."""
    columns = [place for place, column in enumerate(layout.columns) if column.name in names]
    dense = [place for place, name in enumerate(layout.dense) if name in names]
    part = replace(
        layout,
        columns=tuple(layout.columns[place] for place in columns),
        dense_width=len(dense),
        dense=tuple(layout.dense[place] for place in dense),
    )
    return part, columns, dense
