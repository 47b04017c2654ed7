"""Shadows: what they are asked, what is compared, and that they never stand in the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sqlrec.serving.errors import RequestError
from sqlrec.serving.frame import Array
from sqlrec.serving.groups.differences import Differences, compare
from sqlrec.serving.groups.shadow import WAITING_BYTES, WAITING_CALLS, Shadow
from sqlrec.spec.group import Group, Routing
from tests.serving.group_members import FakeCall, FakeLane, in_loop, slots_of


def shadowed() -> tuple[Shadow, FakeLane, FakeLane]:
    lanes = {"old": FakeLane("old"), "new": FakeLane("new", output="Probs")}
    return Shadow("s", slots_of(lanes), Group(routing=Routing.SHADOW)), lanes["old"], lanes["new"]


def figures(rule: Shadow) -> Any:
    found: Any = rule.figures()
    return found["shadows"][0]


@in_loop
async def test_the_answer_goes_out_before_the_shadow_is_asked() -> None:
    rule, old, new = shadowed()
    call = FakeCall(rows=2)
    rule.submit(call)
    assert not new.asked
    old.reply(0.25, 0.5)
    assert call.answers == [([[0.25, 0.5]], 2)]
    assert call.answered_by == "old@v1_export; version=1"
    new.reply(0.5, 0.5)
    assert len(call.answers) == 1
    assert figures(rule)["outputs"] == {
        "probs": {"values": 2, "mean_difference": 0.125, "max_difference": 0.25, "unlike": 0}
    }
    assert (figures(rule)["usage"], rule.answered.usage) == (1, 1)


@in_loop
async def test_a_shadow_that_fails_is_counted_and_nothing_else() -> None:
    rule, old, new = shadowed()
    call = FakeCall()
    rule.submit(call)
    old.reply(0.5)
    new.refuse()
    new.full = True
    rule.submit(FakeCall())
    old.reply(0.5)
    assert (figures(rule)["failed"], figures(rule)["skipped"], figures(rule)["usage"]) == (1, 1, 0)


@in_loop
async def test_nothing_is_mirrored_that_was_not_answered() -> None:
    rule, old, new = shadowed()
    call = FakeCall()
    rule.submit(call)
    old.refuse("SR652", 422)
    assert call.answered.code == "SR652"
    old.full = True
    with pytest.raises(RequestError):
        rule.submit(FakeCall())
    assert not new.asked
    assert rule.failed == 2


@in_loop
async def test_a_shadow_that_lags_is_asked_less() -> None:
    rule, old, new = shadowed()
    for _ in range(WAITING_CALLS + 3):
        rule.submit(FakeCall())
        old.reply(0.5)
    assert (len(new.asked), figures(rule)["skipped"]) == (WAITING_CALLS, 3)
    while new.asked:
        new.reply(0.5)
    for _ in range(3):
        rule.submit(FakeCall(body=b"x" * (WAITING_BYTES // 2 + 1)))
        old.reply(0.5)
    assert (len(new.asked), figures(rule)["skipped"]) == (1, 5)


@in_loop
async def test_the_comparison_is_made_though_the_client_has_gone() -> None:
    rule, old, new = shadowed()
    call = FakeCall()
    rule.submit(call)
    old.reply(0.5)
    call.abandoned = True
    new.reply(0.75)
    assert figures(rule)["outputs"]["probs"]["max_difference"] == 0.25


VALUES = st.floats(-100, 100, width=32) | st.just(float("nan"))


@given(hnp.arrays(np.float32, st.tuples(st.just(2), st.integers(1, 6)), elements=VALUES))
def test_differences_of_numbers(pair: Array) -> None:
    one, other = pair
    (found,) = compare({"p": one}, {"p": other})
    lone = np.isnan(one) != np.isnan(other)
    wanted = np.abs(one.astype(float) - other)[~np.isnan(one) & ~np.isnan(other)]
    assert found.unlike == lone.sum()
    assert found.values == len(one) - found.unlike
    assert found.total == pytest.approx(wanted.sum())
    assert found.greatest == (wanted.max() if len(wanted) else 0.0)


def test_differences_of_classes_shapes_and_of_many_requests() -> None:
    sums = Differences()
    sums.add(compare({"kind": np.array(["a", "b"], object)}, {"kind": np.array(["a", "c"], object)}))
    sums.add(compare({"kind": np.array(["a"], object)}, {"kind": np.array(["d"], object)}))
    sums.add(compare({"v": np.zeros((2, 3))}, {"v": np.zeros((2, 4))}))
    assert sums.figures()["kind"]["unlike"] == 2
    assert sums.figures()["kind"]["values"] == 3
    assert sums.figures()["v"]["unlike"] == 2
    assert compare({"p": np.zeros(1)}, {"q": np.zeros(1)}) == []
