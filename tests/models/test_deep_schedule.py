"""Learning rates over a training."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.models.deep.schedule import Curve, Schedule


def test_warm_up_rises_evenly_to_the_full_rate() -> None:
    schedule = Schedule(curve=Curve.CONSTANT, steps=10, epoch_steps=5, warmup=4)
    assert [schedule.factor(step) for step in range(6)] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


@pytest.mark.parametrize("curve", [Curve.LINEAR, Curve.COSINE])
def test_curves_go_from_one_to_the_final_share(curve: Curve) -> None:
    schedule = Schedule(curve=curve, steps=11, epoch_steps=11, final=0.2)
    assert schedule.factor(0) == 1.0
    assert schedule.factor(5) == pytest.approx(0.6)
    assert schedule.factor(10) == pytest.approx(0.2)


def test_cosine_and_linear_differ_between_their_ends() -> None:
    linear, cosine = (
        Schedule(curve=curve, steps=101, epoch_steps=101) for curve in (Curve.LINEAR, Curve.COSINE)
    )
    assert linear.factor(25) == pytest.approx(0.75)
    assert cosine.factor(25) == pytest.approx((1 + math.cos(math.pi / 4)) / 2)


def test_step_decays_after_each_epoch_down_to_the_final_share() -> None:
    schedule = Schedule(curve=Curve.STEP, steps=12, epoch_steps=3, decay=0.5, final=0.2)
    assert [schedule.factor(step) for step in (0, 2, 3, 6, 9)] == [1.0, 1.0, 0.5, 0.25, 0.2]


@given(
    curve=st.sampled_from(Curve),
    steps=st.integers(1, 50),
    warmup=st.integers(0, 50),
    final=st.floats(0, 1),
    decay=st.floats(0, 1),
)
def test_a_share_is_between_zero_and_one_and_falls_after_the_warm_up(
    curve: Curve, steps: int, warmup: int, final: float, decay: float
) -> None:
    warmup = min(warmup, steps)
    schedule = Schedule(curve=curve, steps=steps, epoch_steps=7, warmup=warmup, final=final, decay=decay)
    shares = [schedule.factor(step) for step in range(steps)]
    assert all(0 <= share <= 1 for share in shares)
    after = shares[warmup:]
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(after))
