"""Functions, chunked calls and APIs are done: registered, run, deployed, dropped, each once per run."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlrec.errors import DataError, NameNotFoundError, PolicyError, StateError
from tests.execution.steps import MODEL, World, make_world, probabilities, server, steps_of

DOUBLED = """
CREATE SQL FUNCTION doubled;
DEFINE INPUT TABLE t (id BIGINT);
CACHE TABLE r AS SELECT id, id * 2 AS twice FROM t;
RETURN r;
"""
SERVED = f"""{MODEL}
TRAIN MODEL ctr CHECKPOINT = 'v1' ON samples;
EXPORT MODEL ctr CHECKPOINT = 'v1' ON samples;
CREATE SERVICE rank ON MODEL ctr CHECKPOINT = 'v1_export';
"""
SLOW = "SELECT count(*) AS n FROM range(100000000000) AS x(i) WHERE i % 7 = 8"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def run_all(world: World, text: str, run_id: str = "r1") -> dict[str, Any]:
    """The outcomes of a script's steps, by id."""
    return {id_: world.run(step, run_id) for id_, step in steps_of(text).items()}


def rows(path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return found


class TestFunctions:
    def test_a_function_is_registered_once(self, world: World) -> None:
        step = steps_of(DOUBLED)["define_function_doubled"]
        assert world.run(step).message == "defined function doubled"
        assert world.run(step, "r2").message == "kept function doubled"
        assert [function.name for function in world.registry.functions()] == ["doubled"]

    def test_another_function_of_the_name_needs_or_replace(self, world: World) -> None:
        run_all(world, DOUBLED)
        other = DOUBLED.replace("* 2", "* 3")
        with pytest.raises(StateError, match="SR201"):
            run_all(world, other, "r2")
        run_all(world, other.replace("CREATE", "CREATE OR REPLACE", 1), "r3")
        assert "* 3" in world.registry.functions()[0].source

    def test_a_function_is_dropped_once(self, world: World) -> None:
        run_all(world, DOUBLED)
        (step,) = steps_of("DROP SQL FUNCTION doubled").values()
        assert world.run(step).message == "dropped function doubled"
        with pytest.raises(NameNotFoundError, match="SR240"):
            world.run(step, "r2")
        (step,) = steps_of("DROP SQL FUNCTION IF EXISTS doubled").values()
        assert world.run(step, "r3").message == "no function doubled to drop"


class TestCalls:
    def test_a_call_in_place(self, world: World) -> None:
        text = DOUBLED + "CACHE TABLE u AS SELECT 4 AS id, 'x' AS more; CACHE TABLE x AS CALL doubled(u);"
        assert rows(run_all(world, text)["cache_x"].facts["path"]) == [{"id": 4, "twice": 8}]

    def test_what_a_call_returns_is_shown(self, world: World) -> None:
        outcomes = run_all(world, DOUBLED + "CACHE TABLE u AS SELECT 4 AS id; CALL doubled(u);")
        preview = outcomes["select_doubled_u_r"].preview
        assert preview is not None
        assert (preview.columns, preview.rows) == (("id", "twice"), (("4", "8"),))

    def test_chunks_give_the_rows_in_order(self, world: World) -> None:
        text = DOUBLED + (
            "CACHE TABLE u AS SELECT i AS id FROM range(25) r(i);"
            "CACHE TABLE x AS CALL doubled(u) PARTITION BY u SIZE 4;"
        )
        outcome = run_all(world, text)["call_x"]
        assert rows(outcome.facts["path"]) == [{"id": n, "twice": 2 * n} for n in range(25)]
        assert (outcome.rows, outcome.message) == (25, "called doubled: cached 25 rows as x")
        assert "[100%] 7 of 7 chunks" in world.said

    def test_each_chunk_is_a_call_of_its_own(self, world: World) -> None:
        text = """
            CREATE SQL FUNCTION size;
            DEFINE INPUT TABLE t (id BIGINT); DEFINE INPUT TABLE all_ids (id BIGINT);
            CACHE TABLE r AS SELECT count(*) AS n, (SELECT count(*) FROM all_ids) AS all FROM t; RETURN r;
            CACHE TABLE u AS SELECT i AS id FROM range(5) r(i);
            CACHE TABLE x AS CALL size(u, u) PARTITION BY u SIZE 2;
        """
        # the table is both inputs, of which the first is divided
        found = rows(run_all(world, text)["call_x"].facts["path"])
        assert found == [{"n": 2, "all": 5}, {"n": 2, "all": 5}, {"n": 1, "all": 5}]

    def test_no_rows_are_one_chunk(self, world: World) -> None:
        text = DOUBLED + (
            "CACHE TABLE u AS SELECT 1 AS id WHERE false; CALL doubled(u) PARTITION BY u SIZE 4;"
        )
        preview = run_all(world, text)["call_doubled"].preview
        assert preview is not None
        assert (preview.columns, preview.total) == (("id", "twice"), 0)

    def test_a_function_that_returns_nothing(self, world: World) -> None:
        text = """
            CREATE SQL FUNCTION few; DEFINE INPUT TABLE t (id BIGINT);
            ASSERT SELECT count(*) <= 3 AS few FROM t; RETURN;
            CACHE TABLE u AS SELECT i AS id FROM range(5) r(i);
        """
        outcome = run_all(world, text + "CALL few(u) PARTITION BY u SIZE 3;")["call_few"]
        assert outcome.message == "called few, which returns nothing"
        with pytest.raises(PolicyError, match=r"SR266.*few = false.*in: ASSERT SELECT count"):
            run_all(world, text + "CALL few(u) PARTITION BY u SIZE 4;", "r2")

    def test_within_if(self, world: World) -> None:
        text = DOUBLED + (
            "CACHE TABLE u AS SELECT 4 AS id; IF (SELECT count(*) = 1 FROM u) THEN"
            " (CACHE TABLE x AS CALL doubled(u)) ELSE (CACHE TABLE x AS SELECT id, id AS twice FROM u);"
            "IF (SELECT false) THEN (CACHE TABLE y AS CALL doubled(u)); SELECT * FROM x; SELECT * FROM y;"
        )
        outcomes = run_all(world, text)
        assert outcomes["select_x"].preview.rows == (("4", "8"),)
        assert (outcomes["select_y"].preview.columns, outcomes["select_y"].rows) == (("id", "twice"), 0)

    def test_tables_of_the_warehouse_are_read(self, world: World, tmp_path: Path) -> None:
        (tmp_path / "data").mkdir()
        pq.write_table(pa.table({"id": [3]}), tmp_path / "data" / "wide.parquet")
        text = """
            CREATE SQL FUNCTION f; DEFINE INPUT TABLE t LIKE wide;
            CACHE TABLE r AS SELECT t.id, w.id AS found FROM t JOIN wide w ON true; RETURN r;
            CACHE TABLE x AS CALL f(wide) PARTITION BY wide SIZE 1;
        """
        assert rows(run_all(world, text)["call_x"].facts["path"]) == [{"id": 3, "found": 3}]

    def test_a_table_that_there_is_not(self, world: World) -> None:
        text = DOUBLED + "CACHE TABLE x AS CALL doubled(nowhere) PARTITION BY nowhere SIZE 1;"
        with pytest.raises(NameNotFoundError, match=r"SR401.*nowhere"):
            run_all(world, text)

    def test_values_that_do_not_fit_an_input(self, world: World) -> None:
        text = (
            DOUBLED
            + "CACHE TABLE u AS SELECT 'x' AS id; CACHE TABLE x AS CALL doubled(u) PARTITION BY u SIZE 1;"
        )
        with pytest.raises(DataError, match="SR404"):
            run_all(world, text)

    def test_services_are_called_chunk_by_chunk(self, tmp_path: Path) -> None:
        text = """
            CREATE SQL FUNCTION f; DEFINE INPUT TABLE t (user_id BIGINT, age INT);
            CACHE TABLE r AS CALL call_service('rank', t); RETURN r;
            CACHE TABLE u AS SELECT i AS user_id, 5 AS age FROM range(5) r(i);
            CACHE TABLE x AS CALL f(u) PARTITION BY u SIZE 2;
        """
        asked: list[int] = []

        def answer(given: list[dict[str, Any]]) -> object:
            asked.append(len(given))
            return probabilities(given)

        (tmp_path / "data").mkdir()
        pq.write_table(
            pa.table({"user_id": [1], "age": [2], "is_click": [0]}), tmp_path / "data/samples.parquet"
        )
        with server(answer) as url:
            world = make_world(tmp_path, url)
            run_all(world, SERVED)
            asked.clear()
            found = rows(run_all(world, text)["call_x"].facts["path"])
        assert [(row["user_id"], row["probs"]) for row in found] == [(n, 0.25) for n in range(5)]
        assert sorted(asked) == [1, 2, 2]

    def test_a_service_that_is_not_there(self, world: World) -> None:
        text = """
            CREATE SQL FUNCTION f; DEFINE INPUT TABLE t (id BIGINT);
            CACHE TABLE r AS CALL call_service('ctr', t); RETURN r;
            CACHE TABLE u AS SELECT 1 AS id; CACHE TABLE x AS CALL f(u) PARTITION BY u SIZE 2;
        """
        with pytest.raises(NameNotFoundError, match=r"SR206.*ctr"):
            run_all(world, text)

    def test_a_call_can_be_stopped(self, world: World) -> None:
        class Stop(BaseException):
            pass

        def stop(number: int, frame: FrameType | None) -> None:
            raise Stop

        text = (
            f"CREATE SQL FUNCTION f; DEFINE INPUT TABLE t (id INT); CACHE TABLE r AS {SLOW}; RETURN r;"
            "CACHE TABLE u AS SELECT 1 AS id; CACHE TABLE x AS CALL f(u) PARTITION BY u SIZE 1;"
        )
        steps = steps_of(text)
        world.run(steps["cache_u"])
        before = signal.signal(signal.SIGUSR1, stop)
        timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGUSR1))
        timer.start()
        started = time.monotonic()
        try:
            with pytest.raises(Stop):
                world.run(steps["call_x"])
        finally:
            timer.join()
            signal.signal(signal.SIGUSR1, before)
        assert time.monotonic() - started < 20
