"""The rows that a trainer sees: where they are kept, and in which order an epoch gives them.

Rows are held in memory (:mod:`sqlrec.models.deep.in_memory`) or, when they are more than that, on local
disk (:mod:`sqlrec.models.deep.spool`).
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sqlrec.features.columns import FeatureConfig
from sqlrec.features.encoder import Encoded, Encoder
from sqlrec.models.deep.group import Group
from sqlrec.models.deep.options import Architecture
from sqlrec.models.deep.rows import Rows
from sqlrec.models.tables.source import Source
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import canonical_key

ENCODING_ROWS = 131_072
"""Rows encoded at once by one thread."""

Batch = tuple[Rows, int]
"""This process's share of a global batch, and the rows of the global batch."""


class Dataset(Protocol):
    """Training rows. A job's processes hold data sets of the same length, and each asks for its share."""

    def __len__(self) -> int:
        """Rows of an epoch, over all processes."""

    def batches(
        self, epoch: int, batch_size: int, seed: int, group: Group, start_step: int = 0
    ) -> Iterator[Batch]:
        """The batches of an epoch from the ``start_step``-th on: ceil(rows / batch_size) - ``start_step``.

        Every row is in one share of one batch. The order depends on ``seed`` and ``epoch`` alone, and the
        later batches are the same wherever the epoch is entered.
        """


def feature_configs(model: ModelSpec, shape: Architecture) -> list[FeatureConfig]:
    """The encoder's view of a model's feature columns, in declared order."""
    names = {canonical_key(column.name): column.name for column in model.features}
    configs = []
    for column in model.features:
        key = canonical_key(column.name)
        owner = shape.owners.get(key, "")
        configs.append(
            FeatureConfig(
                name=column.name,
                type=column.type,
                embedding_dim=shape.embedding_dims.get(owner or key, shape.embedding_dim),
                bucket_size=shape.bucket_sizes.get(owner or key, shape.num_buckets),
                max_length=shape.max_array_length,
                shared_with=names[owner] if owner else "",
                history=shape.histories.get(key, ""),
            )
        )
    return configs


def encode(encoder: Encoder, source: Source, threads: int) -> Rows:
    """The rows of a table as tensors; blocks of rows are encoded by ``threads`` threads."""
    table = source.table
    starts = range(0, max(table.num_rows, 1), ENCODING_ROWS)
    with ThreadPoolExecutor(threads) as pool:
        blocks = list(pool.map(lambda start: encoder.transform(table.slice(start, ENCODING_ROWS)), starts))
    return Rows(
        ids=_joined(block.ids.astype(np.int32) for block in blocks),
        bags=tuple(_bags(blocks, i) for i in range(len(encoder.bags))),
        dense=_joined(block.dense for block in blocks),
        labels=_labels(source),
        histories=tuple(
            _joined(block.histories[i].astype(np.int32) for block in blocks)
            for i in range(len(encoder.histories))
        ),
    )


def _labels(source: Source) -> Tensor:
    """Labels [rows, label columns]; without such a column every row is an example of what is learnt, 1."""
    return (
        torch.from_numpy(source.labels).reshape(len(source), -1)
        if source.labels.size
        else torch.ones(len(source), 1)
    )


def _bags(blocks: list[Encoded], position: int) -> Tensor:
    return _joined(block.bags[position].astype(np.int32) for block in blocks)


def _joined(parts: Iterator[npt.NDArray[Any]]) -> Tensor:
    return torch.from_numpy(np.concatenate(list(parts)))
