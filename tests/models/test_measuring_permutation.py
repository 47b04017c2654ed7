"""Columns that a model answers from are important, others are not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from sqlrec.models.measuring import permutation
from sqlrec.models.measuring.objectives import Outputs
from sqlrec.models.measuring.permutation import permutation_importance, unit
from sqlrec.models.objective import Objective


@pytest.fixture
def table() -> pa.Table:
    rng = np.random.default_rng(0)
    return pa.table({name: rng.normal(size=800) for name in ("noise", "much", "little")})


def score(rows: pa.Table) -> Outputs:
    value = 3 * rows["much"].to_numpy() + rows["little"].to_numpy()
    return (1 / (1 + np.exp(-value)),)


def test_the_drop_of_auc_orders_columns_and_is_zero_for_unused_ones(table: pa.Table) -> None:
    labels = (score(table)[0] > 0.5).astype(int)
    found = permutation_importance(score, table, labels, Objective.BINARY)
    assert list(found) == ["much", "little", "noise"]
    assert found["much"] > 0.3 > found["little"] > 0.01
    assert found["noise"] == 0
    assert permutation_importance(score, table, labels, Objective.BINARY) == found


def test_growth_of_an_error_counts_as_importance(table: pa.Table) -> None:
    found = permutation_importance(score, table, score(table)[0], Objective.REGRESSION, columns=("much",))
    assert list(found) == ["much"]
    assert found["much"] > 0.2
    assert unit(Objective.REGRESSION) == "growth of RMSE when the column is shuffled"


def test_groups_are_drawn_with_their_rows(table: pa.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permutation, "SAMPLE_ROWS", 300)
    seen: list[int] = []
    told: list[str] = []

    def counted(rows: pa.Table) -> Outputs:
        seen.append(rows.num_rows)
        return score(rows)

    def progress(message: str, *, done: float | None = None) -> None:
        del done
        told.append(message)

    found = permutation_importance(
        counted,
        table,
        (score(table)[0] > 0.7).astype(int),
        Objective.RANKING,
        groups=np.arange(800) // 8,
        progress=progress,
    )
    assert set(seen) == {300}
    assert len(told) == 3
    assert found["much"] > found["little"] > found["noise"] == 0


def test_nothing_is_important_for_a_metric_that_is_undefined(table: pa.Table) -> None:
    assert permutation_importance(score, table, np.zeros(800), Objective.BINARY) == {}
