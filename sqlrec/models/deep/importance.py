"""Feature importance of a deep model: how much its metric loses when a feature belongs to other rows."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sqlrec.models.controller import Progress
from sqlrec.models.deep.layout import Layout
from sqlrec.models.deep.network import Network
from sqlrec.models.deep.rows import Rows
from sqlrec.models.measuring.permutation import drops, ordered, sampled


def feature_importance(
    network: Network, layout: Layout, validation: Rows, progress: Progress, *, seed: int = 0
) -> dict[str, float]:
    """Loss of the goal's metric for each feature, the largest first; empty where the metric is undefined.

    Of the encoded rows all that comes from a feature is shuffled together; arrays of one history are one
    feature. See :func:`sqlrec.models.measuring.permutation.permutation_importance`.
    """
    drawn = sampled(len(validation), seed)
    rows = validation if drawn is None else validation.take(torch.from_numpy(drawn))

    def measure(name: str, order: npt.NDArray[np.int64]) -> float | None:
        answers = network.predict(_shuffled(rows, layout, name, torch.from_numpy(order)))
        value = network.goal.measure(answers, rows, network.predict)[network.goal.metric]
        return value if math.isfinite(value) else None

    names = (*(c.name for c in layout.columns), *layout.dense, *(h.name for h in layout.histories))
    return ordered(drops(tuple(dict.fromkeys(names)), measure, len(rows), seed=seed, progress=progress))


def _shuffled(rows: Rows, layout: Layout, name: str, order: Tensor) -> Rows:
    """The rows with what a feature became taken from the rows ``order``."""
    slots = rows.ids.shape[1]
    ids, dense = rows.ids.clone(), rows.dense.clone()
    for place, column in enumerate(layout.columns[:slots]):
        if column.name == name:
            ids[:, place] = ids[order, place]
    for place, feature in enumerate(layout.dense):
        if feature == name:
            dense[:, place] = dense[order, place]
    bags = (column.name for column in layout.columns[slots:])
    return replace(
        rows,
        ids=ids,
        dense=dense,
        bags=tuple(b[order] if n == name else b for n, b in zip(bags, rows.bags, strict=True)),
        histories=tuple(
            h[order] if known.name == name else h
            for known, h in zip(layout.histories, rows.histories, strict=True)
        ),
    )
