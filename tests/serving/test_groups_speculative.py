"""All models at once: who decides, when, and what becomes of the others. No test waits for a clock."""

from __future__ import annotations

import pytest

from sqlrec.serving.errors import RequestError
from sqlrec.serving.groups.speculative import Speculative
from sqlrec.spec.group import Group
from tests.serving.group_members import FakeCall, FakeLane, in_loop, slots_of

LONG = 600.0


def group(decider: str = "mean") -> tuple[Speculative, list[FakeLane]]:
    lanes = {name: FakeLane(name, version) for version, name in enumerate("abc", 1)}
    rule = Speculative("jury", slots_of(lanes), Group(decider=decider, timeout=LONG))
    return rule, list(lanes.values())


def counts(rule: Speculative) -> dict[str, list[int]]:
    keys = ("in_time", "late", "failed", "skipped", "chosen")
    return {key: [getattr(member, key) for member in rule.stats.members] for key in keys}


@in_loop
async def test_the_mean_waits_for_all() -> None:
    rule, (a, b, c) = group()
    call = FakeCall(rows=2)
    rule.submit(call)
    a.reply(1.0, 0.0)
    c.reply(0.0, 1.0)
    assert not call.answers
    b.reply(0.5, 0.5)
    assert call.answers == [([[0.5, 0.5]], 2)]
    assert call.answered_by == ", ".join(
        f"{name}@v1_export; version={version}" for version, name in enumerate("abc", 1)
    )
    assert counts(rule) == {
        "in_time": [1, 1, 1],
        "late": [0] * 3,
        "failed": [0] * 3,
        "skipped": [0] * 3,
        "chosen": [1] * 3,
    }
    figures = rule.figures()
    assert (figures["usage"], figures["undecided"], figures["decider"]) == (1, 0, "mean")
    assert figures["min"] == figures["max"] == figures["mean"] == figures["duration"]


@in_loop
async def test_the_first_answer_decides_and_the_others_are_not_begun() -> None:
    rule, (a, b, c) = group("first")
    call = FakeCall()
    rule.submit(call)
    reading = b.asked[0].read({})
    begun, b.asked[0] = b.asked[0], c.asked[0]
    a.reply(0.1)
    assert call.answered == [[pytest.approx(0.1)]]
    assert call.answered_by == "a@v1_export; version=1"
    begun.answer(begun.write(reading, []), 1)  # it had begun when the decision was made
    c.reply(0.3)
    assert len(call.answers) == 1
    assert counts(rule) == {
        "in_time": [1, 1, 0],
        "late": [0] * 3,
        "failed": [0] * 3,
        "skipped": [0, 0, 1],
        "chosen": [1, 0, 0],
    }


@in_loop
async def test_time_runs_from_the_arrival_and_what_came_is_decided() -> None:
    rule, (a, b, c) = group()
    call = FakeCall(age=LONG)
    rule.submit(call)
    begun = c.asked[0]
    reading = begun.read({})
    a.reply(0.2)
    b.reply(0.4)
    assert not call.answers
    await call.done.wait()
    assert call.answered == [[pytest.approx(0.3)]]
    begun.answer(begun.write(reading, []), 1)
    assert len(call.answers) == 1
    assert counts(rule)["late"] == [0, 0, 1]
    assert counts(rule)["in_time"] == counts(rule)["chosen"] == [1, 1, 0]


@in_loop
async def test_nothing_in_time_is_504() -> None:
    rule, (a, _, _) = group("first")
    call = FakeCall(age=LONG)
    rule.submit(call)
    await call.done.wait()
    error = call.answered
    assert isinstance(error, RequestError)
    assert (error.code, error.status) == ("SR680", 504)
    a.reply(0.1)
    assert len(call.answers) == 1
    figures = rule.figures()
    assert (figures["usage"], figures["undecided"], figures["min"], figures["mean"]) == (0, 1, None, None)


@in_loop
async def test_a_model_that_fails_or_is_full_does_not_fail_the_request() -> None:
    rule, (a, b, c) = group()
    a.full = True
    call = FakeCall()
    rule.submit(call)
    b.refuse()
    c.reply(0.7)
    assert call.answered == [[pytest.approx(0.7)]]
    assert counts(rule)["failed"] == [1, 1, 0]


@in_loop
async def test_when_all_fail_the_first_reason_is_told() -> None:
    rule, (a, b, c) = group("first")
    call = FakeCall()
    rule.submit(call)
    b.refuse("SR652", 422)
    a.refuse()
    c.refuse()
    assert call.answered.code == "SR652"
    for lane in (a, b, c):
        lane.full = True
    with pytest.raises(RequestError) as caught:
        rule.submit(FakeCall())
    assert caught.value.status == 429


@pytest.mark.parametrize("decider", ["mean", "first"])
def test_a_request_that_a_model_cannot_read(decider: str) -> None:
    """It is refused where all models count; the first answer is good enough where one does."""

    @in_loop
    async def ask() -> None:
        rule, (a, b, c) = group(decider)
        call = FakeCall()
        rule.submit(call)
        b.refuse("SR652", 422)
        a.reply(0.1)
        c.reply(0.2)
        assert len(call.answers) == 1
        refused = isinstance(call.answered, RequestError)
        assert refused is (decider == "mean")

    ask()


@in_loop
async def test_a_client_that_has_gone_costs_nothing_more() -> None:
    rule, lanes = group()
    call = FakeCall()
    rule.submit(call)
    call.abandoned = True
    for lane in lanes:
        lane.reply(0.1)
    assert call.answered is None
    assert counts(rule)["skipped"] == [1, 1, 1]
    assert rule.figures()["undecided"] == 0


@in_loop
async def test_a_decider_that_fails_is_500() -> None:
    rule, lanes = group()
    rule.decide = lambda answers: (_ for _ in ()).throw(KeyError("x"))
    call = FakeCall()
    rule.submit(call)
    for lane in lanes:
        lane.reply(0.1)
    assert (call.answered.code, call.answered.status) == ("SR681", 500)


@in_loop
async def test_many_rows_are_put_together_beside_the_event_loop() -> None:
    rule, lanes = group()
    call = FakeCall(rows=5000)
    rule.submit(call)
    for lane in lanes:
        lane.reply(*[0.5] * 5000)
    assert not call.answers
    await call.done.wait()
    assert call.answers == [([[0.5] * 5000], 5000)]
    rule.close()


@in_loop
async def test_a_version_that_is_swapped_in_is_asked_and_told() -> None:
    rule, (a, b, c) = group()
    newer = FakeLane("a", 9)
    call, slot = FakeCall(), rule.slots[0]
    rule.submit(call)
    slot.lane = newer  # type: ignore[assignment]  # a fake
    for lane in (a, b, c):
        lane.reply(0.1)
    assert "version=1" in call.answered_by
    after = FakeCall()
    rule.submit(after)
    for lane in (newer, b, c):
        lane.reply(0.1)
    assert "version=9" in after.answered_by
    assert rule.figures()["models"][0]["version"] == 9  # type: ignore[index]
