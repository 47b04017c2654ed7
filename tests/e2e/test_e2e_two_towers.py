"""The example of two towers, small: one export makes two services, and a search finds items for visitors."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sqlrec.data.behavior import BehaviorConfig, write_behavior
from tests.e2e.whole_project import Project, started_before

pytestmark = pytest.mark.e2e
EXAMPLE = Path(__file__).parents[2] / "examples" / "two_towers"


@pytest.fixture
def towers(tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path / "towers")
    shutil.copytree(EXAMPLE, project.folder)
    try:
        yield started_before(project)
    finally:
        project.kill_all()


def test_the_example_finds_items_for_visitors(towers: Project) -> None:
    write_behavior(towers.folder / "data" / "behavior", BehaviorConfig(rows=4000, items=60))
    report = towers.json("run", towers.folder / "recall.sql")
    outcome = {task["id"]: task["outcome"] for task in report["tasks"]}
    made = outcome["register_export_recall"]["facts"]["checkpoint"]
    assert [name.partition("_")[2] for name in made.split(", ")] == ["export/item", "export/user"]
    assert outcome["evaluate_recall"]["metrics"]["recall_50"] > 0.5
    assert outcome["score_item_vectors"]["rows"] == outcome["cache_items"]["rows"] == 60
    (file,) = (towers.folder / ".sqlrec" / "runs").rglob("candidates/**/*.parquet")
    rows = pq.read_table(file).to_pylist()
    assert [row["user_id"] for row in rows].count(rows[0]["user_id"]) == 10
    assert len({(row["user_id"], row["item_id"]) for row in rows}) == len(rows) == 30
    assert all(-1.001 <= row["score"] <= 1.001 for row in rows)
