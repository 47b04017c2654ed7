"""The loss of two towers: an estimate of the softmax over all items, whatever the number of processes."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sqlrec.models.deep.group import Group
from sqlrec.models.deep.towers import loss as module
from sqlrec.models.deep.towers.loss import Batch, sampled_softmax

pytestmark = pytest.mark.ml

ITEMS, DIM = 12, 4


def _rows(rows: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Vectors [rows, 2, dim] whose second half depends on the item alone, items and weights."""
    generator = torch.Generator().manual_seed(seed)
    table = torch.randn(ITEMS, DIM, generator=generator)
    items = torch.randint(0, ITEMS, (rows,), generator=generator)
    users = torch.randn(rows, DIM, generator=generator)
    weights = torch.rand(rows, generator=generator) * (torch.rand(rows, generator=generator) < 0.8)
    return torch.stack((users, table[items]), dim=1), items, weights


def _batch(items: Tensor, weights: Tensor, group: Group | None = None, temperature: float = 0.5) -> Batch:
    shares = torch.bincount(items, minlength=ITEMS).float() / len(items)
    return Batch(items=items, shares=shares, weights=weights, temperature=temperature, group=group or Group())


def _plain(vectors: Tensor, batch: Batch) -> Tensor:
    """The same loss row by row, in torch's own operations."""
    users, items = vectors.unbind(1)
    total = vectors.new_zeros(())
    for row in range(len(users)):
        own = users[row] @ items[row] / batch.temperature
        terms = [own]
        for item in torch.unique(batch.items):
            if item != batch.items[row]:
                first = int((batch.items == item).nonzero()[0])
                there = 1 - (1 - batch.shares[item].double()) ** len(users)
                terms.append(users[row] @ items[first] / batch.temperature - there.log().float())
        total = total + batch.weights[row] * (torch.stack(terms).logsumexp(0) - own)
    return total


def test_loss_and_gradient_are_those_of_its_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_ROWS", 7)
    vectors, items, weights = _rows(20)
    batch = _batch(items, weights)
    results = []
    for function in (sampled_softmax, _plain):
        leaf = vectors.clone().requires_grad_()
        value = function(leaf, batch)
        results.append((value.detach(), *torch.autograd.grad(3 * value, leaf)))
    torch.testing.assert_close(results[0], results[1], rtol=1e-4, atol=1e-5)


def test_when_all_items_are_in_the_batch_it_is_the_whole_softmax() -> None:
    vectors, items, _ = _rows(4000)
    table = torch.zeros(ITEMS, DIM).index_copy_(0, items, vectors[:, 1])
    whole = torch.nn.functional.cross_entropy(vectors[:, 0] @ table.T / 0.5, items, reduction="sum")
    estimate = sampled_softmax(vectors, _batch(items, torch.ones(len(items))))
    torch.testing.assert_close(estimate, whole, rtol=1e-4, atol=0)


def test_a_rare_item_counts_for_those_that_the_batch_does_not_have() -> None:
    vectors, items, _ = _rows(1500, seed=1)
    table = torch.zeros(ITEMS, DIM).index_copy_(0, items, vectors[:, 1])
    whole = torch.nn.functional.cross_entropy(vectors[:, 0] @ table.T / 2, items)
    shares = _batch(items, torch.ones(len(items))).shares
    ones, group = torch.ones(6), Group()
    pairs = list(zip(torch.split(vectors, 6), torch.split(items, 6), strict=True))
    found = [
        sampled_softmax(v, Batch(items=i, shares=shares, weights=ones, temperature=2, group=group)) / 6
        for v, i in pairs
    ]
    naive = [torch.nn.functional.cross_entropy(v[:, 0] @ v[:, 1].T / 2, torch.arange(6)) for v, _ in pairs]
    error, before = (abs(torch.stack(losses).mean() - whole) for losses in (found, naive))
    assert error < 0.5 * before, "six of twelve items are in a batch, and stand for all"


def test_a_row_of_weight_zero_is_only_a_candidate() -> None:
    vectors, items, _ = _rows(3)
    items = torch.tensor([0, 1, 2])
    weights = torch.tensor([1.0, 0.0, 0.0])
    leaf = vectors.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(sampled_softmax(leaf, _batch(items, weights)), leaf)
    assert not gradient[1:, 0].any(), "nothing is learnt about its user"
    assert gradient[:, 1].any(dim=1).all(), "all items are pushed or pulled"


def test_a_row_does_not_look_for_what_it_has_seen() -> None:
    vectors, items, _ = _rows(30, seed=3)
    weights = torch.ones(len(items))
    plain = _batch(items, weights)
    seen = torch.full((30, 3), -1)
    seen[:, 0], seen[::2, 1], seen[0, 2] = (items + 1) % ITEMS, items[::2], 99 % ITEMS
    leaf = vectors.clone().requires_grad_()
    loss = sampled_softmax(leaf, replace(plain, seen=seen))
    expected = vectors.new_zeros(())
    for row in range(30):
        hidden = set(seen[row].tolist()) - {int(items[row])}
        others = [i for i in torch.unique(items).tolist() if i not in hidden and i != items[row]]
        own = vectors[row, 0] @ vectors[row, 1] / 0.5
        terms = [own]
        for item in others:
            there = 1 - (1 - plain.shares[item].double()) ** 30
            at = int((items == item).nonzero()[0])
            terms.append(vectors[row, 0] @ vectors[at, 1] / 0.5 - there.log().float())
        expected += torch.stack(terms).logsumexp(0) - own
    torch.testing.assert_close(loss.detach(), expected, rtol=1e-4, atol=1e-5)
    (gradient,) = torch.autograd.grad(loss, leaf)
    assert gradient.isfinite().all()


class _Room:
    """Sums tensors of threads as a group of processes does."""

    def __init__(self, size: int) -> None:
        self.barrier = threading.Barrier(size)
        self.tensors: dict[int, Tensor] = {}

    def sum(self, rank: int, tensor: Tensor) -> Tensor:
        self.tensors[rank] = tensor
        self.barrier.wait()
        total = torch.stack(list(self.tensors.values())).sum(0).to(tensor.dtype)
        self.barrier.wait()
        return total


class _Member(Group):
    def __init__(self, rank: int, size: int, room: _Room) -> None:
        super().__init__(rank, size)
        object.__setattr__(self, "room", room)

    def sum(self, tensor: Tensor) -> Tensor:
        return self.room.sum(self.rank, tensor)  # type: ignore[attr-defined, no-any-return]


def test_processes_have_each_others_items_for_candidates() -> None:
    vectors, items, weights = _rows(31, seed=2)
    alone = vectors.clone().requires_grad_()
    value = sampled_softmax(alone, _batch(items, weights))
    (gradient,) = torch.autograd.grad(value, alone)
    room, parts, shares = (
        _Room(3),
        [slice(0, 10), slice(10, 12), slice(12, 31)],
        _batch(items, weights).shares,
    )
    values: dict[int, Tensor] = {}
    leaves = [vectors[part].clone().requires_grad_() for part in parts]

    def one(rank: int) -> None:
        batch = Batch(
            items=items[parts[rank]],
            shares=shares,
            weights=weights[parts[rank]],
            temperature=0.5,
            group=_Member(rank, 3, room),
        )
        values[rank] = sampled_softmax(leaves[rank], batch)

    threads = [threading.Thread(target=one, args=(rank,)) for rank in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    torch.testing.assert_close(torch.stack(list(values.values())).sum(), value)
    found = [torch.autograd.grad(values[rank], leaves[rank])[0] for rank in range(3)]
    torch.testing.assert_close(torch.cat(found), gradient)
