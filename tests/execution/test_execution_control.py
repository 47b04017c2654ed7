"""ASSERT, IF and IF TIMEIN: what passes, which branch is taken, and that a retry takes the same one."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType

import pyarrow.parquet as pq
import pytest

from sqlrec.errors import EXIT_REFUSED, DataError, PolicyError, SchemaError, SetupError, SqlRecError
from sqlrec.execution.cached import without_rows
from sqlrec.execution.limit import TimeIsUp, time_limit
from sqlrec.execution.select import select_steps
from sqlrec.plan.plan import AssertStep, IfStep, Plan, QueryMode, QueryStep, ScoreStep, Step
from sqlrec.spec.names import ModelName
from sqlrec.spec.table import PredictedTable, Relation, TableFormat, TableSource, UsedModel
from tests.execution.steps import MODEL, World, make_world, probabilities, server, steps_of

SLOW = "SELECT count(*) AS x FROM range(100000000000) AS r(i) WHERE i % 7 = 8"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def ask(query: str) -> AssertStep:
    return AssertStep(id="assert", line=1, sql=f"ASSERT {query}", query=Relation(query=query))


def cache(query: str, name: str = "t") -> QueryStep:
    target = TableSource(name=name, format=TableFormat.CACHE)
    return QueryStep(id="", line=1, sql="", mode=QueryMode.CACHE, query=Relation(query=query), target=target)


def choose(condition: str, then: Step, otherwise: Step | None = None, *, timein: bool = False) -> IfStep:
    return IfStep(
        id="if",
        line=1,
        sql="",
        condition=Relation(query=condition),
        then=then,
        otherwise=otherwise,
        timein=timein,
    )


def rows(world: World, name: str = "t", run: str = "r1") -> list[dict[str, object]]:
    (folder,) = world.env.runs.glob(f"*/{run}/tables/{name}")
    found: list[dict[str, object]] = pq.read_table(folder).to_pylist()
    return found


# ASSERT


def test_an_assertion_holds_when_every_value_of_every_row_is_true(world: World) -> None:
    outcome = world.run(ask("SELECT n > 0 AS some, n < 9 AS few FROM (VALUES (1), (2)) AS v(n)"))
    assert (outcome.message[:6], outcome.rows) == ("holds:", 2)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT n < 3 AS small, true AS t FROM range(9) AS r(n)", r"row 4 has small = false, t = true"),
        ("SELECT NULL::BOOLEAN AS b", r"row 1 has b = NULL"),
        ("SELECT true AS b WHERE false", "has no rows"),
        ("SELECT i < 70000 AS b FROM range(100000) AS r(i)", r"row 70,001 has b = false"),
    ],
)
def test_an_assertion_that_does_not_hold_shows_the_first_row(world: World, query: str, says: str) -> None:
    with pytest.raises(PolicyError, match=rf"SR266.*{says}") as caught:
        world.run(ask(query))
    assert caught.value.exit_status == EXIT_REFUSED
    assert query in caught.value.message
    assert caught.value.hint.startswith("correct the data, or the condition")


def test_an_assertion_is_about_booleans(world: World) -> None:
    with pytest.raises(SchemaError, match=r"SR267.*'n' is int32, not BOOLEAN"):
        world.run(ask("SELECT true AS ok, 1 AS n"))


# IF


@pytest.mark.parametrize(("condition", "value"), [("SELECT true", 1), ("SELECT 1 > 2", 2)])
def test_the_condition_chooses_a_branch(world: World, condition: str, value: int) -> None:
    outcome = world.run(choose(condition, cache("SELECT 1 AS x"), cache("SELECT 2 AS x")))
    assert rows(world) == [{"x": value}]
    assert outcome.message.endswith("cached 1 rows as t")
    assert outcome.facts["branch"] == ("then" if value == 1 else "else")


def test_without_else_a_cached_table_has_its_columns_and_no_rows(world: World) -> None:
    nested = choose("SELECT true", cache("SELECT 1 AS x, 'a' AS y"))
    world.run(choose("SELECT false", nested))
    assert rows(world) == []
    (folder,) = world.env.runs.glob("*/r1/tables/t")
    assert pq.read_table(folder).schema.names == ["x", "y"]


def test_without_else_and_without_a_table_nothing_is_done(world: World) -> None:
    then = replace(cache("SELECT 1 AS x"), mode=QueryMode.SELECT, target=None)
    outcome = world.run(choose("SELECT false", then))
    assert (outcome.message, outcome.preview) == ("the condition is false: nothing to do", None)
    shown = world.run(choose("SELECT true", then), "r2").preview
    assert shown is not None
    assert shown.rows == (("1",),)


def test_scores_that_are_not_wanted_are_a_table_without_rows(tmp_path: Path) -> None:
    with server(probabilities) as url:
        world = make_world(tmp_path, url)
        script = f"""{MODEL}
        TRAIN MODEL ctr CHECKPOINT = 'v1' ON (SELECT 1 AS user_id); EXPORT MODEL ctr CHECKPOINT = 'v1';
        CREATE SERVICE rank ON MODEL ctr CHECKPOINT = 'v1_export';
        CACHE TABLE asked AS SELECT 1 AS user_id, 2 AS age;
        CACHE TABLE scored AS CALL call_service('rank', asked);
        """
        steps = steps_of(script)
        for name in ("define_ctr", "train_ctr", "export_ctr", "deploy_rank", "cache_asked"):
            world.run(steps[name])
        then = steps["score_scored"]
        assert isinstance(then, ScoreStep)
        world.run(choose("SELECT false", then))
    (folder,) = world.env.runs.glob("*/r1/tables/scored")
    assert pq.read_table(folder).schema.names == ["user_id", "age", "probs"]
    assert rows(world, "scored") == []


def test_models_that_a_query_calls_are_asked_for_nothing_when_its_rows_are_not_wanted() -> None:
    model = UsedModel(name=ModelName.of("ctr"), service="rank")
    predicted = PredictedTable(name="p", model=model, inputs=Relation(query="FROM users"), columns=("a",))
    step = replace(cache("FROM p"), query=Relation(query="FROM p", calls=(predicted,)))
    emptied = without_rows(step)
    assert isinstance(emptied, QueryStep)
    (asked,) = emptied.query.calls
    assert isinstance(asked, PredictedTable)
    assert asked.inputs.query == "SELECT * FROM (\nFROM users\n) LIMIT 0"


def test_a_retry_takes_the_branch_that_was_taken(world: World) -> None:
    condition = "SELECT EXISTS (FROM s)"
    step = choose(condition, cache("SELECT 1 AS x"), cache("SELECT * FROM (SELECT 2 AS x)"))
    source = TableSource(name="s", format=TableFormat.CACHE)
    step = replace(step, condition=Relation(query=condition, sources={"s": source}))
    world.run(replace(cache("SELECT 1 AS x WHERE false", "s"), id="s"))
    world.run(step)
    for file in world.env.runs.rglob("if*.json"):
        if "decision" not in file.name:
            file.unlink()
    world.run(replace(cache("SELECT 1 AS x", "s"), id="s2"))
    world.run(step)
    assert rows(world) == [{"x": 2}]


def test_a_table_that_was_removed_is_made_again(world: World) -> None:
    step = choose("SELECT true", cache("SELECT 1 AS x"))
    world.run(step)
    (folder,) = world.env.runs.glob("*/r1/tables/t")
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    world.run(step)
    assert rows(world) == [{"x": 1}]


@pytest.mark.parametrize(
    ("condition", "error", "says"),
    [
        ("SELECT 1", SchemaError, r"SR267.*int32, not BOOLEAN"),
        ("SELECT true, true AS b", DataError, r"SR268.*1 rows and 2 columns"),
        ("SELECT true FROM range(9)", DataError, r"SR268.*several rows"),
        ("SELECT true WHERE false", DataError, r"SR268.*0 rows"),
        ("SELECT NULL::BOOLEAN", DataError, r"SR268.*NULL"),
    ],
)
def test_a_condition_is_one_boolean(world: World, condition: str, error: type[Exception], says: str) -> None:
    with pytest.raises(SqlRecError, match=says) as caught:
        world.run(choose(condition, cache("SELECT 1 AS x")))
    assert isinstance(caught.value, error)
    assert caught.value.hint


def test_a_part_of_a_script_keeps_the_ifs_whose_tables_it_reads() -> None:
    made = replace(choose("SELECT true", cache("SELECT 1 AS x")), id="if_t")
    shown = replace(cache("SELECT * FROM t", "u"), id="u", upstream=("if_t",))
    plan = select_steps(Plan(name="s", path="s.sql", steps=(made, shown)), from_step="u")
    assert [step.id for step in plan.steps] == ["if_t", "u"]


# IF TIMEIN


def test_what_is_done_in_time_counts(world: World) -> None:
    step = choose("SELECT 60000", cache("SELECT 1 AS x"), cache("SELECT 2 AS x"), timein=True)
    assert world.run(step).message == "done within 60 s: cached 1 rows as t"
    assert rows(world) == [{"x": 1}]


def test_what_takes_longer_is_stopped_and_else_is_done(world: World) -> None:
    step = choose("SELECT 150", cache(SLOW), cache("SELECT 2 AS x"), timein=True)
    began = time.monotonic()
    outcome = world.run(step)
    assert time.monotonic() - began < 20
    assert outcome.message == "not done within 0.15 s: cached 1 rows as t"
    assert rows(world) == [{"x": 2}]
    for file in world.env.runs.rglob("if.json"):
        file.unlink()
    began = time.monotonic()
    world.run(step)
    assert time.monotonic() - began < 0.1, "it was decided before"


@pytest.mark.parametrize("milliseconds", ["0", "-1.5"])
def test_a_time_of_zero_or_less_is_no_limit(world: World, milliseconds: str) -> None:
    then = cache("SELECT count(*) AS x FROM range(1000)")
    step = choose(f"SELECT {milliseconds}", then, cache("SELECT 2::BIGINT AS x"), timein=True)
    assert world.run(step).message == "done without a limit of time: cached 1 rows as t"
    assert rows(world) == [{"x": 1000}]


def test_a_service_that_does_not_answer_leaves_it_to_else(tmp_path: Path) -> None:
    with server(probabilities) as url:
        world = make_world(tmp_path, url)
        script = f"""{MODEL} SET 'score.attempts' = 1;
        TRAIN MODEL ctr CHECKPOINT = 'v1' ON (SELECT 1 AS user_id); EXPORT MODEL ctr CHECKPOINT = 'v1';
        CREATE SERVICE rank ON MODEL ctr CHECKPOINT = 'v1_export';
        CACHE TABLE asked AS SELECT 1 AS user_id, 2 AS age;
        CACHE TABLE scored AS CALL call_service('rank', asked);
        """
        steps = steps_of(script)
        for name in ("define_ctr", "train_ctr", "export_ctr", "deploy_rank", "cache_asked"):
            world.run(steps[name])
    step = choose("SELECT 60000", steps["score_scored"], cache("SELECT 0.5 AS probs", "scored"), timein=True)
    world.run(step)
    assert [float(str(row["probs"])) for row in rows(world, "scored")] == [0.5]
    assert any("THEN failed in its time: [SR610]" in line for line in world.said)


def test_other_failures_are_failures(world: World) -> None:
    step = choose("SELECT 60000", cache("SELECT 'x'::INT AS x"), cache("SELECT 2 AS x"), timein=True)
    with pytest.raises(DataError):
        world.run(step)


@pytest.mark.parametrize("condition", ["SELECT 'soon'", "SELECT true"])
def test_a_time_is_a_number(world: World, condition: str) -> None:
    with pytest.raises(SchemaError, match=r"SR267.*number of milliseconds.*SELECT 500"):
        world.run(choose(condition, cache("SELECT 1 AS x"), cache("SELECT 2 AS x"), timein=True))


# The limit itself


@pytest.fixture
def alarms() -> Iterator[list[int]]:
    """Alarms of the timer outside, which is off at the end."""
    seen: list[int] = []

    def heard(number: int, frame: FrameType | None) -> None:
        seen.append(number)

    before = signal.signal(signal.SIGALRM, heard)
    yield seen
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def wait(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.005)


def test_a_timer_outside_goes_on_after_the_limit(alarms: list[int]) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    with pytest.raises(TimeIsUp), time_limit(0.03):
        wait(5)
    assert alarms == []
    wait(0.3)
    assert alarms == [signal.SIGALRM]


def test_a_timer_outside_that_is_due_first_stays_in_force(alarms: list[int]) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.03)
    with time_limit(5):
        wait(0.1)
    assert alarms == [signal.SIGALRM]


def test_work_that_is_done_is_not_stopped_later() -> None:
    with time_limit(0.05):
        pass
    wait(0.1)
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_other_threads_have_no_limit() -> None:
    failures: list[Exception] = []

    def run() -> None:
        try:
            with time_limit(1):
                pass
        except SetupError as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert "SR269" in str(failures[0])
