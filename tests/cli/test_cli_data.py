"""``sqlrec generate`` and the project that ``sqlrec demo`` makes."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sqlrec.artifacts.folder import digests
from sqlrec.cli.demo import HOLDOUT, ceiling, prepare
from sqlrec.data.behavior import BehaviorConfig, write_behavior
from sqlrec.errors import EXIT_FAILED, EXIT_SETUP
from tests.cli.conftest import Command


def test_the_same_seed_makes_the_same_bytes(sqlrec: Command, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        told = sqlrec("generate", "behavior", tmp_path / name, "--rows", 300, "--days", 2, "--seed", seed)
        assert (told.status, told.out) == (0, "")
        assert told.err == f"300 rows in {tmp_path / name}\n"
    a, b, c = (digests(tmp_path / name) for name in "abc")
    assert a == b != c
    assert sorted(a) == ["dt=2026-01-01/part-0.parquet", "dt=2026-01-02/part-0.parquet"]


@pytest.mark.parametrize(
    ("place", "status", "code"), [("full", EXIT_FAILED, "SR414"), ("file/x", EXIT_SETUP, "SR703")]
)
def test_a_place_that_cannot_be_used(
    sqlrec: Command, tmp_path: Path, place: str, status: int, code: str
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("kept")
    (tmp_path / "file").write_text("kept")
    told = sqlrec("generate", "behavior", tmp_path / place, "--rows", 10)
    assert told.status == status
    assert told.err.startswith(f"error[{code}]: ")
    assert (tmp_path / "full" / "thesis.txt").read_text() == "kept"


def test_fewer_rows_than_days(sqlrec: Command, tmp_path: Path) -> None:
    told = sqlrec("generate", "behavior", tmp_path / "few", "--rows", 2, "--days", 3)
    assert told.status == EXIT_FAILED
    assert "rows ≥ days" in told.err
    assert not (tmp_path / "few").exists()


def test_the_demo_keeps_what_is_there(tmp_path: Path) -> None:
    write_behavior(tmp_path / "demo" / "data" / "behavior", BehaviorConfig(rows=800))
    (tmp_path / "demo" / "rank.sql").write_text("-- mine")
    script = prepare(tmp_path / "demo")
    assert script.read_text() == "-- mine"
    assert sum(pq.read_metadata(f).num_rows for f in (tmp_path / "demo" / "data").rglob("*.parquet")) == 800


def test_the_demo_on_a_file(sqlrec: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    told = sqlrec("demo", tmp_path / "file")
    assert told.status == EXIT_SETUP
    assert told.err.startswith("error[SR703]: cannot write ")


def test_the_script_of_the_demo_is_that_of_the_dag_folder(sqlrec: Command, project: Path) -> None:
    root = Path(__file__).parents[2]
    template = root / "sqlrec" / "cli" / "templates" / "rank.sql"
    assert template.read_text() == (root / "dags" / "rank.sql").read_text()
    assert f"DEFAULT '{HOLDOUT}'" in template.read_text()
    assert sqlrec("check", template).status == 0


def test_the_ceiling_is_the_auc_of_the_true_probability(tmp_path: Path) -> None:
    write_behavior(tmp_path / "data" / "behavior", BehaviorConfig(rows=20_000, days=2))
    assert 0.7 < ceiling(tmp_path, "2026-01-02") < 0.9
