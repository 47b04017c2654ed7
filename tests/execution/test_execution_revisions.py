"""What a service's history means, compared with a plain stack that is written to as things happen."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sqlrec.execution.revisions import good, in_force, served_before
from sqlrec.registry.registry import DeployAction, Deployment, DeployState
from sqlrec.spec.names import ModelName

DEPLOY, ROLLBACK, DROP = DeployAction.DEPLOY, DeployAction.ROLLBACK, DeployAction.DROP


def entry(revision: int, action: DeployAction, version: int, **facts: Any) -> Deployment:
    values = {
        "service": "rank",
        "revision": revision,
        "action": action,
        "state": DeployState.FINISHED,
        "model": ModelName.of("ctr"),
        "version": version,
        "checkpoint": f"v{version}_export",
        "key": f"run/{revision}",
        "options": {},
        "finished_at": float(revision),
    }
    return Deployment(**{**values, **facts})


def versions(entries: list[Deployment]) -> list[int]:
    return [e.version for e in entries]


MOVES = st.lists(st.sampled_from(["deploy", "deploy", "back", "drop", "failed"]), max_size=25)


@given(MOVES)
def test_the_history_is_read_as_it_was_written(moves: list[str]) -> None:
    history: list[Deployment] = []
    stack: list[int] = []
    for number, move in enumerate(moves, start=1):
        if move == "failed":
            history.append(entry(number, DEPLOY, number, state=DeployState.FAILED))
        elif move == "drop" and stack:
            history.append(entry(number, DROP, stack[-1]))
            stack = []
        elif move == "back" and len(stack) > 1:
            stack.pop()
            history.append(entry(number, ROLLBACK, stack[-1]))
        elif move == "deploy":
            history.append(entry(number, DEPLOY, number))
            stack.append(number)
    current = in_force(reversed(history))
    assert (current.version if current else None) == (stack[-1] if stack else None)
    assert versions(good(reversed(history))) == stack


def test_rolling_back_twice_goes_two_steps_back() -> None:
    history = [entry(n, DEPLOY, n) for n in (1, 2, 3)]
    assert versions(good(history)) == [1, 2, 3]
    history.append(entry(4, ROLLBACK, 2))
    assert versions(good(history)) == [1, 2]
    history.append(entry(5, ROLLBACK, 1))
    assert versions(good(history)) == [1]
    history.append(entry(6, ROLLBACK, 3))
    assert versions(good(history)) == [1, 3]


def test_other_options_are_another_revision_and_a_repetition_is_none() -> None:
    more = entry(2, DEPLOY, 1, options={"replicas": "2"})
    assert len(good([entry(1, DEPLOY, 1), more, entry(3, DEPLOY, 1, options={"replicas": "2"})])) == 2


def test_the_one_that_was_finished_last_is_in_force_whatever_its_number() -> None:
    late = entry(1, DEPLOY, 1, finished_at=9.0)
    assert in_force([late, entry(2, DEPLOY, 2)]) == late


def test_all_that_was_served_since_the_last_drop_can_be_named() -> None:
    history = [entry(1, DEPLOY, 1), entry(2, DROP, 1), entry(3, DEPLOY, 2), entry(4, DEPLOY, 3)]
    history += [entry(5, ROLLBACK, 2), entry(6, DEPLOY, 4, state=DeployState.INTENT, finished_at=0.0)]
    assert versions(served_before(history)) == [3]
    assert served_before([]) == []
    assert in_force([]) is None
