"""At which place among all items the one stands that a user took: the measure of each epoch of two towers.

Validation rows hold codes, not names, and all items that the vocabulary does not have share one code. But an
answer depends on codes alone: items of the same codes in all columns have the same embedding, and share
their places. So a row's item is found among the candidates by its code where that is known, else by all of
its columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sqlrec.models.deep.goal import Answers
from sqlrec.models.deep.rows import Rows
from sqlrec.models.measuring.retrieval import ranks

COMPARISONS = 4e9
"""Most similarities that one measurement computes; beyond it fewer users are asked about."""
FEWEST_USERS = 1000

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemColumns:
    """Where the columns of the item tower are in :class:`Rows`.

    ``identity`` is the place of the identity among the slots; its codes lie between ``first`` (missing) and
    ``last`` (not in the vocabulary). ``seen`` are the places of bags whose items are not looked for again.
    """

    slots: tuple[int, ...]
    bags: tuple[int, ...]
    dense: tuple[int, ...]
    identity: int
    first: int
    last: int
    seen: tuple[int, ...] = ()

    def numbers(self, rows: Rows) -> Tensor:
        """The number of each row's item, int64 [rows], from 0 (missing)."""
        return rows.ids[:, self.identity].long() - self.first

    def seen_numbers(self, rows: Rows) -> Tensor | None:
        """The items that are not looked for, int64 [rows, …], below 0 where there is none."""
        if not self.seen:
            return None
        found = torch.cat([rows.bags[place].long() for place in self.seen], dim=1) - self.first
        return torch.where(found < self.last - self.first, found, -1).clamp(min=-1)

    def columns(self, rows: Rows) -> npt.NDArray[np.int32]:
        """All that the item tower sees of each row, int32 [rows, …]."""
        parts: list[Tensor] = [rows.ids[:, list(self.slots)].int()]
        parts += [rows.bags[place].int() for place in self.bags]
        parts.append(rows.dense[:, list(self.dense)].contiguous().view(torch.int32))
        joined: npt.NDArray[np.int32] = torch.cat(parts, dim=1).numpy()
        return joined


def places(
    answers: Answers, rows: Rows, candidates: Answers, catalogue: Rows, columns: ItemColumns
) -> npt.NDArray[np.float64]:
    """The place of the item of each row with label 1, from 1; of some of the rows when there are many.

    ``answers`` [rows, 2, dim] are those for ``rows``, ``candidates`` [items, 2, dim] those for ``catalogue``.
    An item that is no candidate stands behind all of them.
    """
    counted = _some(np.flatnonzero(rows.labels[:, 0].numpy() == 1), len(candidates))
    chosen = rows.take(torch.from_numpy(counted))
    truth = _positions(chosen, catalogue, columns)
    known = truth >= 0
    found = np.full(len(counted), len(candidates) + 1.0)
    seen = _seen_positions(chosen, catalogue, columns)
    found[known] = ranks(
        answers[counted[known], 0],
        np.ascontiguousarray(candidates[:, 1]),
        truth[known],
        None if seen is None else seen[known],
    )
    return found


def most_users(candidates: int) -> int:
    """How many users are compared with that many candidates."""
    return max(FEWEST_USERS, int(COMPARISONS / max(candidates, 1)))


def _some(rows: Numbers, candidates: int) -> Numbers:
    most = most_users(candidates)
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def _positions(rows: Rows, catalogue: Rows, columns: ItemColumns) -> Numbers:
    """The candidate that each row's item is, or one of the same columns; -1 when there is none."""
    codes, own = columns.numbers(catalogue).numpy(), columns.numbers(rows).numpy()
    truth: Numbers = _by_number(codes, columns)[own]
    for code in (0, columns.last - columns.first):
        asked, offered = np.flatnonzero(own == code), np.flatnonzero(codes == code)
        if len(asked):
            seen, wanted = rows.take(torch.from_numpy(asked)), catalogue.take(torch.from_numpy(offered))
            truth[asked] = _matched(columns.columns(seen), columns.columns(wanted), offered)
    return truth


def _by_number(numbers: Numbers, columns: ItemColumns) -> Numbers:
    """The first candidate of each number, -1 where there is none."""
    found = np.full(columns.last - columns.first + 1, -1, np.int64)
    found[numbers[::-1]] = np.arange(len(numbers))[::-1]
    return found


def _seen_positions(rows: Rows, catalogue: Rows, columns: ItemColumns) -> Numbers | None:
    """The candidates that a row does not look for, [rows, …], -1 for none."""
    seen = columns.seen_numbers(rows)
    if seen is None:
        return None
    by_number = _by_number(columns.numbers(catalogue).numpy(), columns)
    found: Numbers = np.where(seen.numpy() < 0, -1, by_number[seen.numpy()])
    return found


def _matched(asked: npt.NDArray[np.int32], offered: npt.NDArray[np.int32], numbers: Numbers) -> Numbers:
    """For each row of ``asked`` the number of an equal row of ``offered``, or -1."""
    both = np.unique(np.concatenate([offered, asked]), axis=0, return_inverse=True)[1].ravel()
    table = np.full(len(both), -1, np.int64)
    table[both[: len(offered)]] = numbers
    return table[both[len(offered) :]]
