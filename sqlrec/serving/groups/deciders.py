"""Deciders: one answer from those of several models.

A decider of one's own is an entry point in the group ``sqlrec.deciders``: a function that is called once,
``make(group, outputs)``, with the :class:`Group` and the :class:`OutputColumn` of the service, and gives a
:data:`Decide`. It may be called from any thread, with one :class:`Answer` or more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import cast

import numpy as np

from sqlrec.errors import StateError
from sqlrec.serving.frame import Array
from sqlrec.spec.group import DECIDERS, Decider, Group
from sqlrec.spec.signature import OutputColumn


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answered in time: arrays ``[rows]`` or ``[rows, width]`` by output name.

    ``member`` is its place in the service, from 0.
    """

    member: int
    model: str
    version: int
    outputs: Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer of the service, and the members whose answers it was made from."""

    outputs: Mapping[str, Array]
    chosen: frozenset[int]


Decide = Callable[[Sequence[Answer]], Decision]
"""Answers in the order of their members, one at least → decision."""
Make = Callable[[Group, tuple[OutputColumn, ...]], Decide]


def decider_of(group: Group, outputs: tuple[OutputColumn, ...]) -> Decide:
    """The decider of a group; raises ``StateError`` SR682 for one that cannot be loaded."""
    match group.decider:
        case Decider.FIRST:
            return first
        case Decider.MEAN:
            return mean
        case Decider.MAX_CONFIDENCE:
            return max_confidence
        case Decider.VOTE:
            threshold = group.threshold
            return lambda answers: vote(answers, threshold)
        case name:
            return _loaded(name, group, outputs)


def _loaded(name: str, group: Group, outputs: tuple[OutputColumn, ...]) -> Decide:
    found = next(iter(entry_points(group=DECIDERS, name=name)), None)
    if found is None:
        message = f"no installed package has the decider {name!r}"
        raise StateError("SR682", message, hint=f"install the one that declares it in {DECIDERS}")
    try:
        decide = cast(Make, found.load())(group, outputs)
    except Exception as error:  # it is not ours
        raise StateError("SR682", f"decider {name!r} ({found.value}) cannot be loaded: {error}") from error
    if not callable(decide):
        raise StateError("SR682", f"decider {name!r} ({found.value}) made {decide!r}, which is no function")
    return decide


def first(answers: Sequence[Answer]) -> Decision:
    """The first of them."""
    return Decision(answers[0].outputs, frozenset((answers[0].member,)))


def mean(answers: Sequence[Answer]) -> Decision:
    """The mean of every number; NaN where a model gave NaN."""
    outputs = {name: _mean(_stack(answers, name)) for name in answers[0].outputs}
    return Decision(outputs, frozenset(answer.member for answer in answers))


def max_confidence(answers: Sequence[Answer]) -> Decision:
    """Row by row, all outputs of the surest model; of equally sure ones the first.

    A probability is as sure as it is far from 0.5, a list of class probabilities as its largest one.
    """
    stacks = {name: _stack(answers, name) for name in answers[0].outputs}
    sure = sum((_confidence(stack) for stack in stacks.values() if _is_float(stack)), np.zeros(()))
    rows = len(next(iter(stacks.values()))[0])
    picked = np.argmax(np.broadcast_to(sure, (len(answers), rows)), axis=0)
    outputs = {name: stack[picked, np.arange(rows)] for name, stack in stacks.items()}
    return Decision(outputs, _members(answers, np.unique(picked)))


def vote(answers: Sequence[Answer], threshold: float) -> Decision:
    """What most models say, row by row and output by output.

    Of classes the one named most often, of equally often named ones that of the first model. A probability
    is a vote for its side of the threshold, a list of class probabilities one for its largest; the answer is
    the mean of those that won, so it lies on their side. A tie goes to the side of the mean of all.
    """
    outputs: dict[str, Array] = {}
    won = np.zeros(len(answers), bool)
    for name in answers[0].outputs:
        stack = _stack(answers, name)
        if not _is_float(stack):
            outputs[name], winners = _majority(stack)
        else:
            votes = _votes(stack, threshold)
            winners = _winners(votes, stack, threshold)
            outputs[name] = _mean_of(stack, winners)
        won |= winners.any(axis=1)
    return Decision(outputs, _members(answers, np.flatnonzero(won)))


def _votes(stack: Array, threshold: float) -> Array:
    """The side or class that each member is for ``[members, rows]``; -1 for one that answered NaN."""
    said = stack >= threshold if stack.ndim == 2 else np.argmax(stack, axis=2)
    silent = np.isnan(stack) if stack.ndim == 2 else np.isnan(stack).any(axis=2)
    return np.where(silent, -1, said)


def _majority(stack: Array) -> tuple[Array, Array]:
    """The class named most often in each row, and who named it ``[members, rows]``."""
    counts = np.stack([(stack == one).sum(axis=0) for one in stack])
    best = np.argmax(counts, axis=0)
    chosen = stack[best, np.arange(stack.shape[1])]
    return chosen, stack == chosen


def _winners(votes: Array, stack: Array, threshold: float) -> Array:
    """Who voted as most did ``[members, rows]``; a tie goes to what the mean of the tied says."""
    counts = np.stack([(votes == one).sum(axis=0) for one in votes])
    tied = counts == counts.max(axis=0)
    average = _mean_of(stack, tied)
    says = average >= threshold if stack.ndim == 2 else np.argmax(average, axis=1)
    agrees = tied & (votes == says)
    fallback: Array = votes == votes[np.argmax(tied, axis=0), np.arange(votes.shape[1])]
    winners: Array = np.where(agrees.any(axis=0), agrees, fallback)
    return winners


def _mean_of(stack: Array, mask: Array) -> Array:
    """The mean over the members that the mask ``[members, rows]`` has, which lies between them."""
    wide = mask if stack.ndim == 2 else mask[:, :, None]
    middle: Array = np.where(wide, stack, 0).sum(axis=0, dtype=np.float64) / wide.sum(axis=0)
    low = np.where(wide, stack, np.inf).min(axis=0)
    high = np.where(wide, stack, -np.inf).max(axis=0)
    between: Array = np.clip(middle.astype(stack.dtype), low, high)
    return between


def _confidence(stack: Array) -> Array:
    sure = 2 * np.abs(stack - 0.5) if stack.ndim == 2 else stack.max(axis=2)
    return np.nan_to_num(sure.astype(np.float64), nan=-1.0)


def _mean(stack: Array) -> Array:
    middle: Array = stack.mean(axis=0, dtype=np.float64)
    return middle.astype(stack.dtype)


def _stack(answers: Sequence[Answer], name: str) -> Array:
    return np.stack([answer.outputs[name] for answer in answers])


def _is_float(stack: Array) -> bool:
    return bool(np.issubdtype(stack.dtype, np.floating))


def _members(answers: Sequence[Answer], places: Array) -> frozenset[int]:
    return frozenset(answers[place].member for place in places)
