"""DLRM (Naumov et al., 2019): numbers become one more vector, and pairs of vectors are compared."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sqlrec.models.deep.head import units
from sqlrec.models.deep.layers import Style, dense_layers
from sqlrec.models.deep.layout import Layout
from sqlrec.spec.options import Parsed


class DLRM(nn.Module):
    """The top layers see all vectors and the inner products of all pairs of them."""

    def __init__(self, layout: Layout, options: Mapping[str, Parsed]) -> None:
        super().__init__()
        style, dim = Style.read(options), layout.row_width - 1
        below = units(options, "bottom_hidden_units")
        has_bottom = bool(layout.dense_width and layout.columns)
        self.bottom = dense_layers(layout.dense_width, below, dim, style) if has_bottom else None
        vectors = len(layout.columns) + has_bottom
        first, second = torch.triu_indices(vectors, vectors, offset=1)
        self.pairs: Tensor
        self.register_buffer("pairs", first * vectors + second, persistent=False)
        width = vectors * dim + len(first) + (0 if has_bottom else layout.dense_width)
        self.top = dense_layers(width, units(options, "hidden_units"), 1, style)

    def forward(self, embedded: Tensor, dense: Tensor) -> Tensor:
        """Logits [batch, 1] of ``embedded`` [batch, columns, row_width] and ``dense`` [batch, width]."""
        vectors = embedded[:, :, :-1]
        if self.bottom is not None:
            vectors = torch.cat((vectors, self.bottom(dense).unsqueeze(1)), dim=1)
            dense = dense[:, :0]
        products = vectors @ vectors.transpose(1, 2)
        pairs = products.flatten(start_dim=1).index_select(1, self.pairs)
        logit: Tensor = self.top(torch.cat((vectors.flatten(start_dim=1), pairs, dense), dim=1))
        return logit
