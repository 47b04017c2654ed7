"""Queries of a script: what is kept, what is shown, and that one can be stopped."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from types import FrameType

import pyarrow.parquet as pq
import pytest

from sqlrec.data.engine import Engine
from sqlrec.errors import DataError, NameNotFoundError, SetupError
from sqlrec.execution.interruptible import interruptible
from sqlrec.spec.table import Relation
from tests.execution.steps import World, make_world, steps_of

SLOW = "SELECT count(*) AS n FROM range(100000000000) AS r(i) WHERE i % 7 = 8"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def test_a_cached_table_lives_in_its_run(world: World) -> None:
    steps = steps_of("CACHE TABLE a AS SELECT 1 AS x UNION ALL SELECT 2; SELECT sum(x) AS x FROM a;")
    assert world.run(steps["cache_a"]).message == "cached 2 rows as a"
    preview = world.run(steps["select_a"]).preview
    assert preview is not None
    assert (preview.columns, preview.rows) == (("x",), (("3",),))
    with pytest.raises(NameNotFoundError, match=r"SR401.*'a' is not cached in this run"):
        world.run(steps["select_a"], "r2")


def test_an_empty_cached_table_keeps_its_columns(world: World) -> None:
    steps = steps_of("CACHE TABLE a AS SELECT 1 AS x WHERE false; SELECT x FROM a;")
    world.run(steps["cache_a"])
    preview = world.run(steps["select_a"]).preview
    assert preview is not None
    assert (preview.columns, preview.rows, preview.total) == (("x",), (), 0)


def test_a_preview_is_short_but_all_rows_are_kept(world: World) -> None:
    step = next(iter(steps_of("SELECT i, repeat('long ', 100) AS t FROM range(1000) AS r(i);").values()))
    outcome = world.run(step)
    assert outcome.preview is not None
    assert (len(outcome.preview.rows), outcome.preview.total) == (20, 1000)
    assert max(len(text) for text in outcome.preview.rows[0]) == 100
    assert pq.read_table(outcome.facts["path"]).num_rows == 1000


def test_a_result_that_was_removed_is_made_again(world: World) -> None:
    steps = steps_of("CACHE TABLE a AS SELECT 1 AS x;")
    outcome = world.run(steps["cache_a"])
    for file in Path(outcome.facts["path"]).iterdir():
        file.unlink()
    Path(outcome.facts["path"]).rmdir()
    world.run(steps["cache_a"])
    assert pq.read_table(outcome.facts["path"]).num_rows == 1


def test_insert_adds_or_replaces_in_the_warehouse(world: World, tmp_path: Path) -> None:
    steps = steps_of("INSERT INTO db.t SELECT 1 AS x; INSERT OVERWRITE db.t SELECT 2 AS x;")
    table = tmp_path / "data" / "db" / "t"
    world.run(steps["insert_db_t"])
    world.run(steps["insert_db_t"], "r2")
    assert pq.read_table(table)["x"].to_pylist() == [1, 1]
    world.run(steps["overwrite_db_t"])
    assert pq.read_table(table)["x"].to_pylist() == [2]


def test_values_that_cannot_be_read_leave_the_target_alone(world: World, tmp_path: Path) -> None:
    steps = steps_of("INSERT INTO t SELECT 1 AS x; INSERT OVERWRITE t SELECT CAST('one' AS INT) AS x;")
    world.run(steps["insert_t"])
    with pytest.raises(DataError):
        world.run(steps["overwrite_t"])
    assert pq.read_table(tmp_path / "data" / "t")["x"].to_pylist() == [1]


def test_a_work_directory_that_cannot_be_used_is_told(world: World, tmp_path: Path) -> None:
    (tmp_path / ".sqlrec").write_text("in the way")
    with pytest.raises(SetupError, match="SR703"):
        world.run(steps_of("CACHE TABLE a AS SELECT 1 AS x;")["cache_a"])


def test_a_signal_stops_a_query() -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit("stopped")

    before = signal.signal(signal.SIGUSR1, stop)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGUSR1))
    began = time.monotonic()
    try:
        timer.start()
        with Engine() as engine, pytest.raises(SystemExit):
            interruptible(lambda: engine.table(Relation(query=SLOW)), engine.interrupt)
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)
    assert time.monotonic() - began < 20
