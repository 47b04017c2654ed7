"""Weighted A/B: who is asked."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.serving.errors import RequestError
from sqlrec.serving.groups.split import Split, place_of
from sqlrec.spec.group import Group, Routing
from tests.serving.group_members import FakeCall, FakeLane, in_loop, slots_of


def split(*weights: int) -> tuple[Split, dict[str, FakeLane]]:
    lanes = {name: FakeLane(name) for name in "abc"[: len(weights) or 2]}
    return Split("trial", slots_of(lanes), Group(routing=Routing.SPLIT, weights=weights)), lanes


def asked(rule: Split, lanes: dict[str, FakeLane], **headers: str) -> str:
    call = FakeCall(headers=headers)
    rule.submit(call)
    (name,) = [name for name, lane in lanes.items() if lane.asked]
    lanes[name].reply(0.5)
    assert call.answered_by == f"{name}@v1_export; version=1"
    return name


@given(st.text() | st.binary(max_size=300_000), st.text())
def test_a_place_is_fixed_and_between_0_and_1(key: str | bytes, salt: str) -> None:
    assert 0 <= place_of(key, salt) < 1
    assert place_of(key, salt) == place_of(key, salt)


def test_shares_are_those_of_the_weights_and_differ_by_service() -> None:
    places = [place_of(f"user {i}", "trial") for i in range(4000)]
    assert sum(place < 0.9 for place in places) == pytest.approx(3600, abs=100)
    others = [place_of(f"user {i}", "other") for i in range(4000)]
    both = sum(one < 0.5 and two < 0.5 for one, two in zip(places, others, strict=True))
    assert both == pytest.approx(1000, abs=150)


@in_loop
async def test_the_key_decides_then_the_request_id_then_the_body() -> None:
    rule, lanes = split(1, 1)
    keys = [str(i) for i in range(50)]
    by_key = {key: asked(rule, lanes, x_sqlrec_key=key) for key in keys}
    assert set(by_key.values()) == {"a", "b"}
    for key in keys:
        assert asked(rule, lanes, x_sqlrec_key=key, x_request_id="other") == by_key[key]
        assert asked(rule, lanes, x_request_id=key) == by_key[key]
    assert len({asked(rule, lanes) for _ in range(5)}) == 1


@in_loop
async def test_other_weights_move_few_keys() -> None:
    before, lanes = split(90, 10)
    after, others = split(80, 20)
    moves = Counter(
        (asked(before, lanes, x_sqlrec_key=key), asked(after, others, x_sqlrec_key=key))
        for key in map(str, range(300))
    )
    assert ("b", "a") not in moves
    assert 0 < moves["a", "b"] < 60


@in_loop
async def test_a_weight_of_0_is_never_asked_and_no_weights_are_equal_ones() -> None:
    rule, lanes = split(0, 1, 0)
    assert {asked(rule, lanes, x_sqlrec_key=str(i)) for i in range(50)} == {"b"}
    rule, lanes = split()
    assert {asked(rule, lanes, x_sqlrec_key=str(i)) for i in range(50)} == {"a", "b"}


@in_loop
async def test_what_is_counted() -> None:
    rule, lanes = split(1, 0)
    asked(rule, lanes)
    rule.submit(FakeCall())
    lanes["a"].refuse()
    gone = FakeCall()
    rule.submit(gone)
    gone.abandoned = True
    lanes["a"].reply(0.5)
    lanes["a"].full = True
    with pytest.raises(RequestError):
        rule.submit(FakeCall())
    found: Any = rule.figures()
    first, second = found["models"]
    assert (first["usage"], first["failed"], first["weight"]) == (1, 2, 1.0)
    assert (second["usage"], second["mean"]) == (0, None)
