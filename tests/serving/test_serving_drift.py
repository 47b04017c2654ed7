from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.serving.drift import REST, Drift
from sqlrec.spec.profile import InputProfile, Profile
from sqlrec.spec.schema import DataType
from sqlrec.spec.signature import MISSING_INT, InputColumn


def column(name: str, sql: str, tensor: str, *, is_array: bool = False) -> InputColumn:
    return InputColumn(name=name, type=DataType.parse(sql), tensor=tensor, is_array=is_array)


CITY, SHOP = column("city", "STRING", "string"), column("shop", "BIGINT", "int64")
PRICE, DAY = column("price", "DOUBLE", "float32"), column("day", "DATE", "int64")
TAGS = column("tags", "ARRAY<BIGINT>", "int64", is_array=True)
PROFILE = Profile(
    inputs={
        "city": InputProfile(values=("bonn", "köln")),
        "shop": InputProfile(values=(3, 5)),
        "price": InputProfile(low=1.0, high=9.5),
        "day": InputProfile(low=10, high=20),
        "tags": InputProfile(values=(1, 2)),
        "free": InputProfile(),
    }
)


class Clock:
    """Time that passes when it is told to; a look takes ``cost`` seconds."""

    def __init__(self, cost: float = 0.0) -> None:
        self.now, self.cost = 100.0, cost

    def __call__(self) -> float:
        self.now += self.cost / 2
        return self.now


def counted(inputs: InputColumn, values: Any) -> tuple[int, int]:
    """Unseen values and those out of range."""
    drift = Drift([inputs], PROFILE, Clock())
    drift.look({inputs.name: np.asarray(values)}, len(values))
    return drift.unseen[inputs.name], drift.out_of_range[inputs.name]


def test_values_by_name() -> None:
    assert counted(CITY, np.array(["köln", "rom", "", "Bonn", "bonn"], object)) == (2, 0)
    assert counted(SHOP, [3, 4, 5, MISSING_INT, 2**62, -1]) == (3, 0)
    assert counted(TAGS, [[1, 2, MISSING_INT], [2, 7, 8]]) == (2, 0)


def test_quantities() -> None:
    assert counted(PRICE, np.array([0.5, 1.0, 9.5, 10, np.nan, np.inf], np.float32)) == (0, 3)
    assert counted(DAY, [9, 10, 20, 21, MISSING_INT]) == (0, 2)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20), st.sets(st.integers(-9, 9), max_size=5))
def test_unseen_integers_are_those_that_are_not_known(values: list[int], known: set[int]) -> None:
    profile = Profile(inputs={"shop": InputProfile(values=tuple(sorted(known)))})
    drift = Drift([SHOP], profile, Clock())
    drift.look({"shop": np.array(values, np.int64)}, len(values))
    assert drift.unseen["shop"] == sum(v not in known and v != MISSING_INT for v in values)


def test_inputs_of_which_nothing_is_known_are_not_looked_at() -> None:
    drift = Drift([column("free", "STRING", "string"), column("new", "INT", "int64")], PROFILE, Clock())
    drift.look({"free": np.array(["x"], object), "new": np.array([1])}, 1)
    assert drift.rows == 0


def test_looking_takes_a_small_share_of_the_time() -> None:
    clock = Clock(cost=0.01)
    drift = Drift([SHOP], PROFILE, clock)
    tensors = {"shop": np.array([4])}
    drift.look(tensors, 1)
    clock.cost = 0.0
    drift.look(tensors, 1)
    assert (drift.rows, drift.unseen["shop"]) == (1, 1)
    clock.now += 0.005 * REST + 0.001
    drift.look(tensors, 1)
    assert (drift.rows, drift.unseen["shop"]) == (2, 2)


@pytest.mark.parametrize("known", [(), (7,)])
def test_few_known_values(known: tuple[int, ...]) -> None:
    drift = Drift([SHOP], Profile(inputs={"shop": InputProfile(values=known)}), Clock())
    drift.look({"shop": np.array([7, 8])}, 2)
    assert drift.unseen["shop"] == 2 - len(known)
