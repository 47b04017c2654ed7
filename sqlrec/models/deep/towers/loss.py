"""Softmax over the items of a batch, as an estimate of the softmax over all items.

A batch holds a frequent item more often than a rare one, so an item counts by one over the probability that
it is in the batch at all: for an item of the share q of the rows, 1 - (1 - q)^rows. The row's own item is
there for certain and counts once. This is the correction of Yi et al. (Sampling-Bias-Corrected Neural
Modeling for Large Corpus Item Recommendations, 2019) without its two sources of noise: an item that stands
in a batch several times is one candidate, and shares are counted, not estimated while training.

Loss and gradient are computed together, block by block, so that the matrix of all users and items of a batch
never exists (as in Liger's fused cross-entropy); several processes take each other's items as candidates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sqlrec.models.deep.group import Group

BLOCK_ROWS = 1024
"""Users whose similarities to all candidates are held at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What the loss knows of this process's rows.

    ``items`` int64 [rows] number the items, ``shares`` float32 [items] are their shares of the training
    rows, ``weights`` float32 [rows] the weights of the rows (0: the item is a candidate and nothing is learnt
    from the row), ``seen`` int64 [rows, length] are items that are no candidates of their row, below 0 where
    there is none; ``temperature`` divides similarities.
    """

    items: Tensor
    shares: Tensor
    weights: Tensor
    temperature: float
    group: Group
    seen: Tensor | None = None


def sampled_softmax(vectors: Tensor, batch: Batch) -> Tensor:
    """The loss, in nats, summed over this process's rows; ``vectors`` [rows, 2, dim] are users and items."""
    loss: Tensor = _SampledSoftmax.apply(vectors, batch)  # type: ignore[no-untyped-call]
    return loss


class _SampledSoftmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, vectors: Tensor, batch: Batch) -> Tensor:
        loss, gradient = _with_gradient(vectors.detach(), batch)
        ctx.save_for_backward(gradient)
        return loss

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None]:
        (gradient,) = ctx.saved_tensors
        return upstream[0] * gradient, None


@dataclass(frozen=True, slots=True)
class _Candidates:
    """The different items of the global batch.

    ``vectors`` [candidates, dim]; ``rare`` [candidates] is minus the logarithm of the probability of being
    there; ``own`` [rows] is the candidate of each row of this process, ``place`` [candidates] the row of this
    process that ``vectors`` were taken from, below 0 or beyond its rows for those of others; ``which``
    [items] is the candidate that an item is, -1 for those that are not there.
    """

    vectors: Tensor
    rare: Tensor
    own: Tensor
    place: Tensor
    which: Tensor

    def without(self, logits: Tensor, own: Tensor, seen: Tensor) -> Tensor:
        """The ``logits`` [rows, candidates] where no row has its ``seen`` ones; ``own`` [rows, 1] is left."""
        hidden = self.which[seen.clamp(min=0)]
        hidden = torch.where((seen >= 0) & (hidden >= 0), hidden, own)
        return logits.scatter_(1, hidden, -torch.inf)


def _candidates(items: Tensor, batch: Batch) -> _Candidates:
    vectors, start = _from_all(items, batch.group)
    numbers, _ = _from_all(batch.items, batch.group)
    distinct, which = torch.unique(numbers, return_inverse=True)
    rows = len(numbers)
    first = which.new_full((len(distinct),), rows)
    first.scatter_reduce_(0, which, torch.arange(rows), "amin")
    candidate = which.new_full((len(batch.shares),), -1)
    candidate[distinct] = torch.arange(len(distinct))
    absent = torch.log1p(-batch.shares[distinct].double()) * rows
    return _Candidates(
        vectors=vectors[first],
        rare=-torch.log(-torch.expm1(absent)).float(),
        own=which[start : start + len(items)],
        place=first - start,
        which=candidate,
    )


def _from_all(mine: Tensor, group: Group) -> tuple[Tensor, int]:
    """The rows of all processes in their order, and where this process's begin."""
    if group.size == 1:
        return mine, 0
    counts = torch.zeros(group.size, dtype=torch.int64)
    counts[group.rank] = len(mine)
    counts = group.sum(counts)
    start = int(counts[: group.rank].sum())
    rows = mine.new_zeros(int(counts.sum()), *mine.shape[1:])
    rows[start : start + len(mine)] = mine
    return group.sum(rows), start


def _with_gradient(vectors: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    """The summed loss, and its gradient [rows, 2, dim] (that of all processes' losses)."""
    users, items = vectors.unbind(1)
    candidates = _candidates(items, batch)
    gradient = torch.zeros_like(vectors)
    pulled = torch.zeros_like(candidates.vectors)
    loss = vectors.new_zeros(())
    counted = batch.weights.nonzero().squeeze(1)
    for rows in torch.split(counted, BLOCK_ROWS):
        user, item, weight = users[rows], items[rows], batch.weights[rows]
        own = candidates.own[rows].unsqueeze(1)
        positive = (user * item).sum(dim=1, keepdim=True) / batch.temperature
        logits = user @ candidates.vectors.T
        logits.div_(batch.temperature).add_(candidates.rare)
        if batch.seen is not None:
            candidates.without(logits, own, batch.seen[rows])
        logits.scatter_(1, own, positive)
        norm = logits.logsumexp(dim=1, keepdim=True)
        loss += weight @ (norm - positive).squeeze(1)
        slope = logits.sub_(norm).exp_().mul_((weight / batch.temperature).unsqueeze(1))
        pull = slope.gather(1, own) - (weight / batch.temperature).unsqueeze(1)
        slope.scatter_(1, own, 0)
        gradient[rows, 0] = slope @ candidates.vectors + pull * item
        gradient[rows, 1] = pull * user
        pulled += slope.T @ user
    pulled = batch.group.sum(pulled)
    mine = ((candidates.place >= 0) & (candidates.place < len(items))).nonzero().squeeze(1)
    gradient[:, 1].index_add_(0, candidates.place[mine], pulled[mine])
    return loss, gradient
