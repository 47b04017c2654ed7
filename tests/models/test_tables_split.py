"""Rows that are held out: a share, of each class or of whole groups, and never all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.models.objective import Objective
from sqlrec.models.tables.split import split

NO_LABELS = np.empty(0, np.float32)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.floats(0, 0.9), st.sampled_from([*Objective]))
def test_every_row_is_on_one_side(values: list[int], fraction: float, objective: Objective) -> None:
    labels, groups = np.array(values, np.float32), np.array(values, np.int64)
    kept, held = split(len(values), fraction, 0, objective=objective, labels=labels, groups=groups)
    assert sorted([*kept.tolist(), *held.tolist()]) == list(range(len(values)))
    assert len(kept) > 0
    assert np.all(np.diff(kept) > 0)
    if objective in (Objective.BINARY, Objective.MULTICLASS):
        assert set(labels[kept]) == set(labels)
    if objective is Objective.RANKING:
        assert not set(groups[kept]) & set(groups[held])


@pytest.mark.parametrize("objective", [Objective.REGRESSION, Objective.CLUSTERING])
def test_the_share_and_the_seed_decide(objective: Objective) -> None:
    kept, held = split(1000, 0.2, 1, objective=objective, labels=NO_LABELS)
    assert (len(kept), len(held)) == (800, 200)
    again, other = (split(1000, 0.2, seed, objective=objective, labels=NO_LABELS)[1] for seed in (1, 2))
    assert held.tolist() == again.tolist() != other.tolist()
    assert len(split(1000, 0.0, 1, objective=objective, labels=NO_LABELS)[1]) == 0
