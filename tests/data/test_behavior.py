"""The demo's table: repeatable, and with the ceiling it promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlrec.data.behavior import BehaviorConfig, days, write_behavior
from sqlrec.errors import DataError
from sqlrec.models.measuring.metrics import auc

SMALL = BehaviorConfig(rows=6_000, days=3, users=200, items=50)


def whole(config: BehaviorConfig) -> pa.Table:
    return pa.concat_tables([table for _, table in days(config)])


def test_the_same_seed_gives_the_same_rows_and_another_one_others() -> None:
    assert whole(SMALL).equals(whole(SMALL))
    assert not whole(SMALL).equals(whole(BehaviorConfig(rows=6_000, days=3, users=200, items=50, seed=8)))


def test_rows_are_shared_out_over_the_days() -> None:
    parts = dict(days(BehaviorConfig(rows=10, days=3, users=5, items=5)))
    assert list(parts) == ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert [t.num_rows for t in parts.values()] == [3, 3, 4]


def test_clicks_follow_their_probability() -> None:
    table = whole(BehaviorConfig(rows=60_000, days=1))
    clicks = table["is_click"].to_numpy().astype(float)
    probability = table["click_probability"].to_numpy()
    spread = float(np.sqrt((probability * (1 - probability)).sum()))
    assert abs(clicks.sum() - probability.sum()) < 4 * spread
    assert auc(clicks, probability) > 0.8


def test_values_are_missing_where_they_should_be() -> None:
    table = whole(SMALL)
    assert {n for n in table.column_names if table[n].null_count} == {"age", "gender", "price"}


def test_written_folder_appears_whole_and_is_replaced_whole(tmp_path: Path) -> None:
    folder = tmp_path / "behavior"
    assert write_behavior(folder, SMALL) == 6_000
    assert write_behavior(folder, BehaviorConfig(rows=20, days=2, users=5, items=5)) == 20
    assert sorted(p.name for p in folder.iterdir()) == ["dt=2026-01-01", "dt=2026-01-02"]
    assert [p.name for p in tmp_path.iterdir()] == ["behavior"]
    assert pq.read_table(folder).num_rows == 20


def test_other_files_are_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(DataError, match="holds other files"):
        write_behavior(tmp_path, SMALL)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("config", [BehaviorConfig(rows=2, days=3), BehaviorConfig(items=0)])
def test_sizes_that_make_no_table(config: BehaviorConfig) -> None:
    with pytest.raises(DataError, match="must be positive"):
        next(days(config))
