"""Programs are run over tables in memory: queries, services, conditions, time limits, errors."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from sqlrec.errors import DataError, NameNotFoundError, PolicyError, RemoteError, SchemaError, SqlRecError
from sqlrec.programs.executor import Executor
from sqlrec.spec.function import ProgramParam, ProgramQuery
from sqlrec.spec.table import Relation
from tests.predict_server import Reply, ok, running
from tests.programs.programs import (
    assertion,
    callee,
    choice,
    columns,
    own,
    program,
    query,
    run,
    score,
    stored,
    with_executor,
)

SLOW = "SELECT count(*) AS n FROM range(1000000) x(i), range(1000000) y(j) WHERE (i * j) % 7 = 3"


def tenths(rows: list[dict[str, Any]]) -> Reply:
    return ok({"probs": [row["a"] / 10 for row in rows]})


def test_statements_hand_tables_on() -> None:
    made = program(
        query("a", "SELECT id, id * 2 AS double FROM u", "u"),
        query("r", "SELECT a.double + u.id AS triple FROM a JOIN u ON a.id = u.id ORDER BY 1", "a", "u"),
    )
    assert run(made, u={"id": [1, 2]}) == [{"triple": 3}, {"triple": 6}]


def test_case_of_names_does_not_count() -> None:
    made = program(query("Result", "SELECT ID FROM U", "U"), returns="RESULT")
    assert run(made, u={"id": [7]}) == [{"id": 7}]


def test_a_function_called_has_its_own_meaning_of_a_name(tmp_path: Path) -> None:
    """The table that an inner function calls ``t`` is not the ``t`` of the function around it."""
    outside = stored(tmp_path / "t", {"id": [10]}, name="t")
    inner = Relation(query="SELECT id + 1 AS id FROM t", sources={"t": own("u")})
    both = Relation(
        query="SELECT a.id AS outside, x.id AS inside FROM a, x", sources={"a": own("a"), "x": own("f.x")}
    )
    made = program(
        query("a", "SELECT sum(id)::BIGINT AS id FROM t", outside),
        ProgramQuery(target="f.x", query=inner),
        ProgramQuery(target="r", query=both),
    )
    assert run(made, u={"id": [1]}) == [{"outside": 10, "inside": 2}]


def test_tables_outside_are_read_by_any_name(tmp_path: Path) -> None:
    items = stored(tmp_path / "items", {"id": [1, 2], "name": ["a", "b"]}, name="shop.items")
    made = program(query("r", "SELECT u.id, name FROM u JOIN shop.items i ON i.id = u.id", "u", items))
    assert run(made, u={"id": [2]}) == [{"id": 2, "name": "b"}]


def test_an_input_has_the_columns_of_the_table_it_is_like(tmp_path: Path) -> None:
    items = stored(tmp_path / "items", {"id": [1], "name": ["a"]})
    made = program(query("r", "SELECT name FROM u", "u"), inputs={"u": columns()}, likes={"u": items})

    async def work(executor: Executor) -> Any:
        return executor.inputs["u"], executor.result

    inputs, result = with_executor(made, work)
    assert inputs == pa.schema([("id", pa.int64()), ("name", pa.string())])
    assert result == pa.schema([("name", pa.string())])


def test_a_program_may_return_nothing() -> None:
    assert run(program(query("a", "SELECT * FROM u", "u"), returns=""), u={"id": [1]}) == []


def test_what_it_takes_may_be_what_it_returns() -> None:
    assert run(program(returns="u"), u={"id": [3]}) == [{"id": 3}]


def test_parameters_are_given_with_each_run() -> None:
    made = program(
        query("r", "SELECT id FROM u WHERE id > CAST($p1 AS INT)", "u", p1="param:least"),
        params=(ProgramParam(name="least", type="INT", default=0),),
    )
    assert run(made, params={"least": "1"}, u={"id": [1, 2]}) == [{"id": 2}]
    fixed = program(query("r", "SELECT $p1 AS day", p1="2026-01-31"))
    assert run(fixed, u={"id": []}) == [{"day": "2026-01-31"}]


class TestServices:
    def test_a_service_adds_its_outputs(self) -> None:
        with running() as service:
            service.answer = tenths
            made = program(
                query("x", "SELECT id, id AS a, id + 1 AS b FROM u", "u"),
                score("r", "ctr", "x", batch_size=2),
            )
            found = run(made, callee("ctr", service.url), u={"id": [1, 2, 3, 4, 5]})
            assert [(row["id"], round(row["probs"], 3)) for row in found] == [
                (n, n / 10) for n in range(1, 6)
            ]
            assert sorted(map(len, service.requests)) == [1, 2, 2]

    def test_no_rows_are_no_request(self) -> None:
        with running() as service:
            made = program(query("x", "SELECT id AS a, id AS b FROM u", "u"), score("r", "ctr", "x"))
            assert run(made, callee("ctr", service.url), u={}) == []
            assert service.requests == []

    def test_a_query_table_gives_what_holds_for_all_rows(self) -> None:
        with running() as service:
            service.script(ok({"probs": [0.5, 0.25]}))
            made = program(
                query("x", "SELECT id AS a FROM u", "u"),
                query("q", "SELECT 7 AS b"),
                score("r", "ctr", "x", "q"),
            )
            found = run(made, callee("ctr", service.url), u={"id": [1, 2]})
            assert found == [{"a": 1, "probs": 0.5}, {"a": 2, "probs": 0.25}]
            assert service.requests == [{"a": [1, 2], "b": [7]}]

    def test_connections_are_kept_from_run_to_run(self) -> None:
        with running() as service:
            service.answer = tenths
            made = program(query("x", "SELECT id AS a, id AS b FROM u", "u"), score("r", "ctr", "x"))

            async def work(executor: Executor) -> Any:
                table = pa.table({"id": [1]})
                for _ in range(5):
                    await executor.run({"u": table}, {})

            with_executor(made, work, callee("ctr", service.url))
            assert len(service.clients) == 1

    def test_a_failure_ends_the_calls_beside_it(self) -> None:
        def answer(rows: list[dict[str, Any]]) -> Reply:
            return Reply(status=400, body=b"no") if rows[0]["a"] == 1 else tenths(rows)

        with running() as service:
            service.answer = answer
            made = program(
                query("x", "SELECT id AS a, id AS b FROM u", "u"), score("r", "ctr", "x", batch_size=1)
            )
            with pytest.raises(RemoteError, match=r"SR611.*CALL call_service"):
                run(made, callee("ctr", service.url), u={"id": [1, 2, 3]})


class TestBeforeAnyRun:
    """What is wrong with a program shows when it is made ready."""

    def fails(self, error: type[SqlRecError], match: str, *steps: Any) -> None:
        async def work(executor: Executor) -> None:
            pytest.fail("it should not be ready")

        with pytest.raises(error, match=match):
            with_executor(program(*steps), work, callee("ctr", "http://127.0.0.1:1/predict"))

    def test_a_column_that_there_is_not(self) -> None:
        self.fails(NameNotFoundError, "SR402.*nmae.*in: CACHE TABLE r", query("r", "SELECT nmae FROM u", "u"))

    def test_a_feature_that_is_missing(self) -> None:
        self.fails(
            SchemaError,
            "SR615.*feature b.*in: CACHE TABLE r",
            query("x", "SELECT id AS a FROM u", "u"),
            score("r", "ctr", "x"),
        )

    def test_a_service_that_there_is_not(self) -> None:
        self.fails(NameNotFoundError, "SR206.*ctr2", score("r", "ctr2", "u"))

    def test_a_condition_that_is_none(self) -> None:
        self.fails(SchemaError, "SR267.*ASSERT", assertion("SELECT 1 AS one"))

    def test_branches_that_differ(self) -> None:
        step = choice(
            "SELECT true", then=(query("r", "SELECT 1 AS a"),), otherwise=(query("r", "SELECT 'x' AS a"),)
        )
        self.fails(SchemaError, "SR645.*'r' the columns a int32, ELSE a string.*IF", step)

    def test_a_table_that_cannot_be_read(self, tmp_path: Path) -> None:
        gone = stored(tmp_path / "t", {"a": [1]})
        (tmp_path / "t" / "part.parquet").write_bytes(b"nothing")
        self.fails(DataError, "SR407", query("r", "SELECT * FROM items", gone))


class TestAssert:
    def test_it_holds(self) -> None:
        made = program(
            assertion("SELECT count(*) > 0 AS some, true AS all FROM u", "u"), query("r", "SELECT 1 AS a")
        )
        assert run(made, u={"id": [1]}) == [{"a": 1}]

    @pytest.mark.parametrize(
        ("sql", "why"),
        [
            ("SELECT id > 1 AS big FROM u ORDER BY id DESC", "row 2 has big = false"),
            ("SELECT true AS a, NULL::BOOLEAN AS b FROM u", "row 1 has a = true, b = NULL"),
            ("SELECT true AS a FROM u WHERE id > 5", "no rows"),
        ],
    )
    def test_it_does_not_hold(self, sql: str, why: str) -> None:
        with pytest.raises(PolicyError, match=f"SR266.*{why}.*in: ASSERT"):
            run(program(assertion(sql, "u"), returns=""), u={"id": [2, 1]})


class TestIf:
    def one_or_other(self, condition: str) -> Any:
        return choice(
            condition,
            "u",
            then=(query("x", "SELECT 'then' AS way"), query("r", "SELECT way FROM x", "x")),
            otherwise=(query("r", "SELECT 'else' AS way"),),
        )

    @pytest.mark.parametrize(("least", "way"), [(0, "then"), (5, "else")])
    def test_one_branch_is_taken(self, least: int, way: str) -> None:
        made = program(self.one_or_other(f"SELECT count(*) > {least} FROM u"))
        assert run(made, u={"id": [1]}) == [{"way": way}]

    def test_without_else_the_table_has_no_rows(self) -> None:
        made = program(
            choice("SELECT false", then=(query("a", "SELECT 1 AS n"),)),
            query("r", "SELECT count(*) AS rows, max(n) AS most FROM a", "a"),
        )
        assert run(made, u={}) == [{"rows": 0, "most": None}]

    def test_within_another(self) -> None:
        inner = choice(
            "SELECT false", then=(query("r", "SELECT 1 AS n"),), otherwise=(query("r", "SELECT 2 AS n"),)
        )
        made = program(choice("SELECT true", then=(inner,), otherwise=(query("r", "SELECT 3 AS n"),)))
        assert run(made, u={}) == [{"n": 2}]

    @pytest.mark.parametrize(
        ("condition", "error", "message"),
        [
            ("SELECT id > 0 FROM u", DataError, "SR268.*2 rows and 1 columns.*in: IF"),
            ("SELECT NULL::BOOLEAN", DataError, "SR268.*NULL"),
            ("SELECT 1", SchemaError, "SR267"),
        ],
    )
    def test_a_condition_is_one_truth_value(
        self, condition: str, error: type[SqlRecError], message: str
    ) -> None:
        with pytest.raises(error, match=message):
            run(program(self.one_or_other(condition)), u={"id": [1, 2]})


class TestTimein:
    def program(self, condition: str, then: Any) -> Any:
        otherwise = (query("r", "SELECT 0::BIGINT AS n"),)
        return program(choice(condition, then=then, otherwise=otherwise, timein=True))

    def test_in_time(self) -> None:
        assert run(self.program("SELECT 5000", (query("r", "SELECT 1::BIGINT AS n"),)), u={}) == [{"n": 1}]

    def test_a_query_is_stopped_when_its_time_is_over(self) -> None:
        started = time.monotonic()
        assert run(self.program("SELECT 100", (query("r", SLOW),)), u={}) == [{"n": 0}]
        assert time.monotonic() - started < 5

    def test_a_service_is_not_waited_for(self) -> None:
        with running() as service:
            service.answer = lambda rows: Reply(delay=2.0)
            then = (
                query("x", "SELECT 1 AS a, 2 AS b"),
                score("y", "ctr", "x"),
                query("r", "SELECT count(*) AS n FROM y", "y"),
            )
            started = time.monotonic()
            found = run(self.program("SELECT 100.0", then), callee("ctr", service.url), u={})
            assert found == [{"n": 0}]
            assert time.monotonic() - started < 1.5

    def test_a_service_that_is_away_is_as_one_that_is_late(self) -> None:
        then = (
            query("x", "SELECT 1 AS a, 2 AS b"),
            score("y", "ctr", "x", attempts=1),
            query("r", "SELECT count(*) AS n FROM y", "y"),
        )
        found = run(self.program("SELECT 60000", then), callee("ctr", "http://127.0.0.1:1/predict"), u={})
        assert found == [{"n": 0}]

    def test_other_failures_are_failures(self) -> None:
        with pytest.raises(DataError, match="SR404"):
            run(
                self.program("SELECT 60000", (query("r", "SELECT CAST('x' AS BIGINT) AS n FROM range(1)"),)),
                u={},
            )

    @pytest.mark.parametrize("milliseconds", ["0", "-1.5"])
    def test_a_time_of_zero_or_less_is_no_limit(self, milliseconds: str) -> None:
        then = (query("r", "SELECT count(*) AS n FROM range(1000)"),)
        assert run(self.program(f"SELECT {milliseconds}", then), u={}) == [{"n": 1000}]

    def test_a_limit_within_a_limit(self) -> None:
        inner = choice(
            "SELECT 60000",
            then=(query("r", SLOW),),
            otherwise=(query("r", "SELECT 2::BIGINT AS n"),),
            timein=True,
        )
        assert run(self.program("SELECT 100", (inner,)), u={}) == [{"n": 0}]

    def test_time_is_a_number(self) -> None:
        with pytest.raises(SchemaError, match=r"SR267.*milliseconds"):
            run(self.program("SELECT true", (query("r", "SELECT 1::BIGINT AS n"),)), u={})


class TestRuns:
    def test_runs_at_once_share_nothing(self) -> None:
        made = program(
            query("a", "SELECT id + 1 AS id FROM u", "u"),
            query("r", "SELECT sum(id)::BIGINT AS n FROM a", "a"),
        )

        async def work(executor: Executor) -> Any:
            tables = [pa.table({"id": [n]}) for n in range(40)]
            found = await asyncio.gather(*(executor.run({"u": table}, {}) for table in tables))
            return [table.to_pylist()[0]["n"] for table in found if table is not None]

        assert with_executor(made, work, sessions=3) == [n + 1 for n in range(40)]

    def test_a_run_that_is_given_up_leaves_nothing(self) -> None:
        made = program(query("a", SLOW), query("r", "SELECT * FROM a, u", "a", "u"))

        async def work(executor: Executor) -> Any:
            task = asyncio.ensure_future(executor.run({"u": pa.table({"id": [1]})}, {}))
            await asyncio.sleep(0.05)
            task.cancel()
            started = time.monotonic()
            with pytest.raises(asyncio.CancelledError):
                await task
            return time.monotonic() - started

        assert with_executor(made, work, sessions=1) < 5

    def test_a_run_after_a_failed_one_is_as_any(self) -> None:
        made = program(query("r", "SELECT CAST(id AS TINYINT) AS n FROM u", "u"))

        async def work(executor: Executor) -> Any:
            with pytest.raises(DataError, match=r"SR404.*in: CACHE TABLE r"):
                await executor.run({"u": pa.table({"id": [1000]})}, {})
            found = await executor.run({"u": pa.table({"id": [10]})}, {})
            return found.to_pylist() if found else None

        assert with_executor(made, work, sessions=1) == [{"n": 10}]

    def test_changed_files_are_noticed(self, tmp_path: Path) -> None:
        items = stored(tmp_path / "items", {"id": [1]})
        made = program(query("r", "SELECT id FROM items", items))

        async def work(executor: Executor) -> Any:
            before = executor.is_current()
            stored(tmp_path / "items", {"id": [1, 2, 3]})
            after = executor.is_current()
            (tmp_path / "items" / "part.parquet").unlink()
            (tmp_path / "items").rmdir()
            gone = executor.is_current()
            found = await executor.run({"u": pa.table({"id": [1]})}, {})
            return before, after, gone, found.to_pylist() if found else None

        assert with_executor(made, work) == (True, False, False, [{"id": 1}])

    def test_a_small_run_takes_milliseconds(self) -> None:
        made = program(
            query("a", "SELECT id, id % 7 AS k FROM u", "u"),
            query("b", "SELECT k, count(*) AS n FROM a GROUP BY k", "a"),
            query("r", "SELECT * FROM b ORDER BY n DESC LIMIT 3", "b"),
        )

        async def work(executor: Executor) -> float:
            table = pa.table({"id": list(range(50))})
            best = 1.0
            for _ in range(20):
                started = time.perf_counter()
                await executor.run({"u": table}, {})
                best = min(best, time.perf_counter() - started)
            return best

        assert with_executor(made, work) < 0.05
