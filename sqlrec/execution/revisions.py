"""What a service's history means: which revision is in force, and which ones it can go back to."""

from __future__ import annotations

from collections.abc import Iterable

from sqlrec.registry.registry import DeployAction, Deployment, DeployState
from sqlrec.spec.following import unbound


def in_force(history: Iterable[Deployment]) -> Deployment | None:
    """The entry that made the service what it is: the one that was finished last, unless a drop."""
    done = _finished(history)
    return done[-1] if done and done[-1].action is not DeployAction.DROP else None


def good(history: Iterable[Deployment]) -> list[Deployment]:
    """The revisions on which the one in force builds, oldest first, itself last.

    A rollback takes back what came after the revision it restores, so rolling back twice goes two steps
    back, and a drop takes back everything. A repetition of the revision before counts once.
    """
    stack: list[Deployment] = []
    for entry in _finished(history):
        if entry.action is DeployAction.DROP:
            stack.clear()
            continue
        known = [index for index, other in enumerate(stack) if same(other, entry)]
        if entry.action is DeployAction.ROLLBACK and known:
            del stack[known[-1] + 1 :]
        elif not stack or not same(stack[-1], entry):
            stack.append(entry)
    return stack


def served_before(history: Iterable[Deployment]) -> list[Deployment]:
    """All revisions since the last drop that differ from the one in force, the newest first."""
    since: list[Deployment] = []
    for entry in _finished(history):
        if entry.action is DeployAction.DROP:
            since.clear()
        else:
            since.append(entry)
    return [entry for entry in reversed(since) if not same(entry, since[-1])]


def same(one: Deployment, other: Deployment) -> bool:
    """Whether two revisions serve the same version with the same options, whatever they follow."""
    facts = [(d.model, d.version, d.others, unbound(d.options)) for d in (one, other)]
    return facts[0] == facts[1]


def _finished(history: Iterable[Deployment]) -> list[Deployment]:
    done = [e for e in history if e.state is DeployState.FINISHED and not e.action.is_beside]
    return sorted(done, key=lambda entry: (entry.finished_at, entry.revision))
