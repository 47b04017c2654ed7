"""Training tables → tensors, block by block: into memory, or into files when they are more than that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sqlrec.features.columns import FeatureConfig
from sqlrec.features.encoder import Encoder
from sqlrec.models.deep.examples import Block, Held, cut
from sqlrec.models.deep.options import Architecture
from sqlrec.models.deep.rows import Rows
from sqlrec.models.deep.spool import Shape, empty_rows, row_bytes, shapes_of
from sqlrec.models.objective import Objective
from sqlrec.models.tables.source import Source
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import canonical_key

ENCODING_BYTES, ENCODING_ROWS = 1 << 22, 1 << 17
"""Rows that one thread encodes at once: as many as stay below both."""

Places = npt.NDArray[np.int64]
"""Row numbers, ascending."""


class Target(Protocol):
    """Where encoded rows go: :class:`Rows` or :class:`~sqlrec.models.deep.spool.Spool`."""

    def write(self, start: int, rows: Rows) -> None:
        """Put ``rows`` at row ``start``."""


@dataclass(frozen=True, slots=True)
class Coding:
    """A fitted encoder at work on ``threads`` threads; ``shapes`` are those of the tensors it makes."""

    encoder: Encoder
    shapes: dict[str, Shape]
    threads: int

    @classmethod
    def of(cls, encoder: Encoder, example: Source, threads: int) -> Coding:
        """For tables like ``example``, which has a row at least."""
        return cls(encoder, shapes_of(encoded(encoder, cut(example, 0, 1))), threads)

    @property
    def row_bytes(self) -> int:
        """Bytes of an encoded row."""
        return row_bytes(self.shapes)

    @property
    def at_once(self) -> int:
        """Rows to encode at once."""
        return max(min(ENCODING_ROWS, ENCODING_BYTES // max(self.row_bytes, 1)), 1)

    def rows(self, count: int) -> Rows:
        """Room for encoded rows in memory."""
        return empty_rows(self.shapes, count)

    def divide(self, blocks: Iterable[Block], held: Places, train: Target | None, validation: Rows) -> int:
        """Encode blocks; the rows ``held`` go to ``validation``, the others to ``train``.

        Gives how many of the others have a first label above 0.
        """
        positive = 0
        for start, rows in self._encoded(blocks):
            first, last = np.searchsorted(held, [start, start + len(rows)]).tolist()
            if last > first:
                out = torch.zeros(len(rows), dtype=torch.bool)
                out[torch.from_numpy(held[first:last] - start)] = True
                validation.write(first, rows.take(out.nonzero().squeeze(1)))
                rows = rows.take((~out).nonzero().squeeze(1))
            if train is not None:
                train.write(start - first, rows)
                positive += int((rows.labels[:, 0] > 0).sum())
        return positive

    def _encoded(self, blocks: Iterable[Block]) -> Iterator[tuple[int, Rows]]:
        """Encoded blocks in their order; no more than one a thread is in memory."""
        left = iter(blocks)
        with ThreadPoolExecutor(self.threads) as pool:
            while window := list(islice(left, self.threads)):
                starts, sources = zip(*window, strict=True)
                yield from zip(starts, pool.map(lambda s: encoded(self.encoder, s), sources), strict=True)


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
    """The rows of a table in memory as tensors."""
    if not len(source):
        return encoded(encoder, source)
    coding = Coding.of(encoder, source, threads)
    rows = coding.rows(len(source))
    blocks = Held(source, Objective.TRANSFORM).blocks(coding.at_once)
    coding.divide(blocks, np.empty(0, np.int64), rows, coding.rows(0))
    return rows


def encoded(encoder: Encoder, source: Source) -> Rows:
    """The rows of a block as tensors."""
    block = encoder.transform(source.table)
    return Rows(
        ids=_int32(block.ids),
        bags=tuple(map(_int32, block.bags)),
        dense=torch.from_numpy(block.dense),
        labels=labels_of(source),
        weights=None if source.weights is None else torch.from_numpy(source.weights),
        histories=tuple(map(_int32, block.histories)),
    )


def _int32(ids: npt.NDArray[np.int64]) -> Tensor:
    return torch.from_numpy(ids.astype(np.int32))


def labels_of(source: Source) -> Tensor:
    """Labels [rows, label columns]; without such a column every row is an example of what is learnt, 1."""
    if not source.labels.size:
        return torch.ones(len(source), 1)
    return torch.from_numpy(source.labels).reshape(len(source), -1)
