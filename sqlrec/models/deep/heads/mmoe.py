"""Multi-gate Mixture-of-Experts (Ma et al., 2018): tasks share experts, each in its own proportion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from sqlrec.models.deep.head import units, vectors
from sqlrec.models.deep.layers import Style, dense_layers
from sqlrec.models.deep.layout import Layout
from sqlrec.spec.options import Parsed


class MMoE(nn.Module):
    """Experts see the whole input; a gate of each task mixes what they say for the task's tower."""

    def __init__(self, layout: Layout, options: Mapping[str, Parsed]) -> None:
        super().__init__()
        self.dims = layout.dims
        style, count = Style.read(options), cast(int, options["num_expert"])
        expert, tower = units(options, "expert_hidden_units"), units(options, "tower_hidden_units")
        width = sum(layout.dims) + layout.dense_width
        self.experts = nn.ModuleList(dense_layers(width, expert, style=style) for _ in range(count))
        self.gate = nn.Linear(width, layout.outputs * count)
        mixed = expert[-1] if expert else width
        self.towers = nn.ModuleList(dense_layers(mixed, tower, 1, style) for _ in range(layout.outputs))

    def forward(self, embedded: Tensor, dense: Tensor) -> Tensor:
        """Logits [batch, outputs] of ``embedded`` [batch, columns, row_width], ``dense`` [batch, width]."""
        whole = torch.cat((vectors(embedded, self.dims), dense), dim=1)
        said = torch.stack([expert(whole) for expert in self.experts], dim=1)
        shares = torch.softmax(self.gate(whole).unflatten(1, (len(self.towers), -1)), dim=2)
        mixed = shares @ said
        return torch.cat([tower(mixed[:, task]) for task, tower in enumerate(self.towers)], dim=1)
