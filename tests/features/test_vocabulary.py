"""Values → codes: order, capacity, missing, unseen."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlrec.features.raw import Tensor
from sqlrec.features.vocabulary import Vocabulary


def test_values_are_ordered_by_frequency_then_value() -> None:
    values = pa.chunked_array([["b", "a", "c", "c"], ["c", "b", "a", "once", "", "", None]])
    vocabulary = Vocabulary.fit([values], Tensor.STRING, 10)
    assert vocabulary.values == ["c", "a", "b"]
    assert vocabulary.lookup(pa.array(["c", "a", "b", "once", "new", "", None])).tolist() == [
        1,
        2,
        3,
        4,
        4,
        0,
        0,
    ]
    assert vocabulary.unseen == 4


def test_the_most_frequent_values_stay_when_there_are_too_many() -> None:
    values = pa.array([5] * 4 + [7] * 3 + [6] * 3 + [1] * 2)
    vocabulary = Vocabulary.fit([values], Tensor.INT, 2)
    assert vocabulary.values == [5, 6]
    assert vocabulary.lookup(pa.array([5, 6, 7, 1])).tolist() == [1, 2, 3, 3]


@pytest.mark.parametrize("capacity", [0, -1])
def test_without_capacity_everything_is_unseen(capacity: int) -> None:
    vocabulary = Vocabulary.fit([pa.array([1, 1, None])], Tensor.INT, capacity)
    assert vocabulary.lookup(pa.array([1, 2, None])).tolist() == [1, 1, 0]


def test_all_missing() -> None:
    vocabulary = Vocabulary.fit([pa.nulls(3, pa.string())], Tensor.STRING, 5)
    assert vocabulary.values == []
    assert vocabulary.lookup(pa.array(["x", None])).tolist() == [1, 0]


def test_large_strings_and_slices() -> None:
    vocabulary = Vocabulary.fit([pa.array(["a", "a", "b", "b"], pa.large_string())], Tensor.STRING, 5)
    column = pa.chunked_array([pa.array(["z", "b", None, "a"], pa.large_string()).slice(1)])
    assert vocabulary.lookup(column).tolist() == [2, 0, 1]
    assert vocabulary.lookup(pa.chunked_array([], pa.string())).tolist() == []


@settings(max_examples=100, derandomize=True, deadline=None)
@given(
    st.lists(st.none() | st.integers(-3, 3) | st.sampled_from([2**63 - 1, -(2**63)]), min_size=1),
    st.integers(0, 6),
)
def test_agrees_with_plain_counting(values: list[Any], capacity: int) -> None:
    counts = Counter(v for v in values if v is not None and v != -(2**63))
    kept = sorted((v for v, n in counts.items() if n > 1), key=lambda v: (-counts[v], v))[:capacity]
    vocabulary = Vocabulary.fit([pa.array(values, pa.int64())], Tensor.INT, capacity)
    assert vocabulary.values == kept
    codes = {v: i + 1 for i, v in enumerate(kept)} | {None: 0, -(2**63): 0}
    found = vocabulary.lookup(pa.array(values, pa.int64())).tolist()
    assert found == [codes.get(v, len(kept) + 1) for v in values]
