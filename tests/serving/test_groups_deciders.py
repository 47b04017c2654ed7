"""Deciders: laws that hold whatever models answer."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import EntryPoint, EntryPoints

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sqlrec.errors import StateError
from sqlrec.serving.frame import Array
from sqlrec.serving.groups import deciders
from sqlrec.serving.groups.deciders import Answer, Decision, decider_of, first, max_confidence, mean, vote
from sqlrec.spec.group import Group

PROBABILITY = st.floats(0, 1, width=32)
NUMBER = st.floats(-1e6, 1e6, width=32)
SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 6))
WIDE = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(2, 4))


def answers(**stacks: Array | Sequence[Sequence[object]]) -> list[Answer]:
    """Answers whose outputs are the rows of ``[members, rows, …]`` arrays."""
    arrays = {name: np.asarray(stack) for name, stack in stacks.items()}
    members = len(next(iter(arrays.values())))
    return [Answer(i, f"m{i}", 1, {name: stack[i] for name, stack in arrays.items()}) for i in range(members)]


@given(hnp.arrays(np.float32, SHAPES, elements=NUMBER))
def test_first_is_the_first(stack: Array) -> None:
    decision = first(answers(p=stack))
    assert decision.outputs["p"].tolist() == stack[0].tolist()
    assert decision.chosen == {0}


@given(hnp.arrays(np.float32, st.one_of(SHAPES, WIDE), elements=NUMBER))
def test_a_mean_lies_between_and_knows_no_order(stack: Array) -> None:
    made = mean(answers(p=stack))
    found = made.outputs["p"]
    assert found.dtype == np.float32
    assert found.shape == stack.shape[1:]
    assert (found >= stack.min(axis=0)).all()
    assert (found <= stack.max(axis=0)).all()
    assert np.allclose(found, mean(answers(p=stack[::-1])).outputs["p"], rtol=1e-6)
    assert made.chosen == set(range(len(stack)))


@given(hnp.arrays(np.float32, SHAPES, elements=PROBABILITY), st.floats(0, 1))
def test_a_vote_of_probabilities_is_on_the_side_of_most(stack: Array, threshold: float) -> None:
    made = vote(answers(p=stack), threshold)
    found = made.outputs["p"]
    yes = (stack >= threshold).sum(axis=0)
    no = len(stack) - yes
    says = found >= threshold
    assert (says[yes > no]).all()
    assert not (says[yes < no]).any()
    tied = yes == no
    assert (says[tied] == (stack.astype(np.float64).mean(axis=0).astype(np.float32) >= threshold)[tied]).all()
    assert (found >= stack.min(axis=0)).all()
    assert (found <= stack.max(axis=0)).all()
    for member in set(range(len(stack))) - made.chosen:
        assert ((stack[member] >= threshold) != says).all()


@given(hnp.arrays(np.float32, SHAPES, elements=PROBABILITY), st.floats(0, 1))
def test_who_all_agree_with_is_right(stack: Array, threshold: float) -> None:
    same = np.broadcast_to(stack[:1], stack.shape)
    for decision in (
        vote(answers(p=same), threshold),
        mean(answers(p=same)),
        max_confidence(answers(p=same)),
    ):
        assert np.allclose(decision.outputs["p"], stack[0], atol=1e-7)


@given(hnp.arrays(np.int64, SHAPES, elements=st.integers(0, 3)))
def test_a_vote_of_classes_is_the_class_named_most_often(stack: Array) -> None:
    for made in (vote(answers(kind=stack), 0.5), vote(answers(kind=stack.astype(str).astype(object)), 0.5)):
        for row, found in enumerate(made.outputs["kind"]):
            named = [type(found)(one) for one in stack[:, row]]
            assert named.count(found) == max(map(named.count, named))
            assert found == next(one for one in named if named.count(one) == named.count(found))


@given(hnp.arrays(np.float32, WIDE, elements=PROBABILITY))
def test_a_vote_of_class_probabilities_gives_the_class_of_most(stack: Array) -> None:
    found = vote(answers(probs=stack), 0.5).outputs["probs"]
    named = np.argmax(stack, axis=2)
    for row, probabilities in enumerate(found):
        counts = np.bincount(named[:, row], minlength=stack.shape[2])
        best = probabilities.max()
        assert any(probabilities[kind] == best for kind in np.flatnonzero(counts == counts.max()))


@given(hnp.arrays(np.float32, SHAPES, elements=PROBABILITY))
def test_the_surest_is_the_one_farthest_from_a_half(stack: Array) -> None:
    names = np.arange(len(stack))[:, None] * np.ones(stack.shape, int)
    made = max_confidence(answers(p=stack, who=names))
    distance = np.abs(stack - 0.5)
    picked = made.outputs["who"]
    rows = np.arange(stack.shape[1])
    assert (distance[picked, rows] == distance.max(axis=0)).all()
    assert (made.outputs["p"] == stack[picked, rows]).all()
    assert made.chosen == set(picked.tolist())


def test_the_surest_of_class_probabilities_and_of_several_outputs() -> None:
    made = max_confidence(answers(probs=[[[0.4, 0.6], [0.5, 0.5]], [[0.7, 0.3], [0.45, 0.55]]]))
    assert made.outputs["probs"].tolist() == [[0.7, 0.3], [0.45, 0.55]]
    both = answers(click=[[0.5], [0.6]], buy=[[0.9], [0.6]])
    assert {name: array.tolist() for name, array in max_confidence(both).outputs.items()} == {
        "click": [0.5],
        "buy": [pytest.approx(0.9)],
    }


def test_not_a_number_has_no_vote_and_is_not_sure() -> None:
    stack = np.array([[np.nan], [0.8], [0.7]], np.float32)
    assert vote(answers(p=stack), 0.5).outputs["p"].tolist() == [pytest.approx(0.75)]
    assert max_confidence(answers(p=stack)).chosen == {1}
    assert np.isnan(mean(answers(p=stack)).outputs["p"]).all()


class Installed:
    """A package that declares a decider."""

    @staticmethod
    def last(group: Group, outputs: tuple[object, ...]) -> object:
        assert group.decider == "last"
        assert outputs == ()
        return lambda found: Decision(found[-1].outputs, frozenset((found[-1].member,)))

    @staticmethod
    def nothing(group: Group, outputs: tuple[object, ...]) -> object:
        return None


def declared(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> Group:
    entry = EntryPoint(name=name, value=value, group="sqlrec.deciders")
    monkeypatch.setattr(deciders, "entry_points", lambda **chosen: EntryPoints((entry,)).select(**chosen))
    return Group(decider=name)


def test_a_decider_of_another_package(monkeypatch: pytest.MonkeyPatch) -> None:
    decide = decider_of(declared("last", f"{__name__}:Installed.last", monkeypatch), ())
    assert decide(answers(p=[[1.0], [2.0]])).outputs["p"].tolist() == [2.0]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("sqlrec.no_such_module:f", "cannot be loaded: No module named"),
        (f"{__name__}:Installed.nowhere", "cannot be loaded: type object 'Installed' has no attribute"),
        (f"{__name__}:Installed.nothing", "made None, which is no function"),
    ],
)
def test_a_decider_that_cannot_be_loaded(value: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StateError, match=told) as caught:
        decider_of(declared("odd", value, monkeypatch), ())
    assert caught.value.code == "SR682"


def test_a_decider_that_nobody_has() -> None:
    with pytest.raises(StateError, match="no installed package has the decider 'nobody'"):
        decider_of(Group(decider="nobody"), ())
