"""Statements one by one: what a session keeps, what it asks anew, and that a failure changes nothing."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from sqlrec.errors import JobError, NameNotFoundError, OptionError, ScriptError, SetupError
from sqlrec.execution.session import Done, Rows, Session, folder_of, open_session, read
from sqlrec.execution.session_folder import held_folder
from sqlrec.plan.plan import Step
from sqlrec.registry.view import RegistryCatalog
from tests.execution.steps import MODEL, World, make_world

TABLE = "CREATE TABLE t (user_id BIGINT, age INT, is_click INT) WITH (connector = 'csv', path = 't.csv')"
Do = Callable[[str], list[Done]]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


@pytest.fixture
def session(world: World) -> Iterator[Session]:
    given = {"n": "7", "unused": "1"}
    with open_session(world.env, catalog=RegistryCatalog(world.registry), given=given) as opened:
        yield opened


@pytest.fixture
def do(session: Session, world: World) -> Do:
    """Do all statements of a text."""

    def run(text: str) -> list[Done]:
        def working(step: Step) -> nullcontext[Callable[[str], None]]:
            return nullcontext(world.said.append)

        return [done for block in read(text, "t") for done in session.do(session.plan(block), working)]

    return run


def rows(done: list[Done]) -> tuple[tuple[object, ...], ...]:
    """Rows of the last step."""
    assert done[-1].rows is not None
    return done[-1].rows.rows


def test_rows_come_back_with_their_types_and_nulls(do: Do) -> None:
    (done,) = do("SELECT 1 AS a, NULL AS b, 'x' AS c, [1, 2] AS d")
    assert done.rows == Rows(columns=("a", "b", "c", "d"), rows=((1, None, "x", [1, 2]),), total=1)


def test_a_long_result_is_read_in_part_and_an_empty_one_has_its_columns(do: Do) -> None:
    (done,) = do("SELECT range AS a FROM range(5000)")
    assert done.rows is not None
    assert (len(done.rows.rows), done.rows.total) == (100, 5000)
    (done,) = do("SELECT 1 AS a WHERE FALSE")
    assert done.rows == Rows(columns=("a",), rows=(), total=0)


def test_tables_settings_and_parameters_live_for_the_session(do: Do, world: World) -> None:
    (world.env.settings.project / "t.csv").write_text("a\n1\n2\n")
    do("CREATE TABLE t (a INT) WITH (connector = 'csv', path = 't.csv')")
    (done,) = do("CACHE TABLE c AS SELECT sum(a) AS s FROM t")
    assert (done.rows, done.outcome.message) == (None, "cached 1 rows as c")
    do("DECLARE day STRING DEFAULT '2026-01-31'; DECLARE n INT")
    assert rows(do("SELECT s, '{{ params.day }}' AS day, '{{ params.n }}' AS n FROM c")) == (
        (3, "2026-01-31", "7"),
    )
    do("SET 'who' = 'c'")
    assert rows(do("SHOW TABLES LIKE 'c'"))


def test_names_may_be_given_anew(do: Do) -> None:
    do("CACHE TABLE c AS SELECT 1 AS a; DECLARE d STRING DEFAULT 'x'")
    do("CACHE TABLE c AS SELECT 2 AS a; DECLARE d STRING DEFAULT 'y'")
    do("CREATE TABLE t (a INT) WITH (connector = 'csv', path = 't.csv')")
    do("CREATE TABLE t (a INT, b INT) WITH (connector = 'csv', path = 't.csv')")
    do("CREATE TABLE IF NOT EXISTS t (a INT) WITH (connector = 'csv', path = 't.csv')")
    assert rows(do("SELECT a, '{{ params.d }}' AS d FROM c")) == ((2, "y"),)


def test_a_branch_of_if_may_name_a_table_anew_and_explain_takes_none_away(do: Do) -> None:
    do("CACHE TABLE x AS SELECT 0 AS a")
    for number, holds in ((1, "true"), (2, "true"), (3, "false")):
        then = f"CACHE TABLE X AS SELECT {number} AS a"
        do(f"IF (SELECT {holds}) THEN ({then}) ELSE (CACHE TABLE X AS SELECT 9 AS a)")
        assert rows(do("SELECT a FROM x")) == ((number if holds == "true" else 9,),)
    do(
        "EXPLAIN IF (SELECT true) THEN (CACHE TABLE x AS SELECT 4 AS a);"
        "EXPLAIN CACHE TABLE x AS SELECT 5 AS a"
    )
    assert rows(do("SELECT a FROM x")) == ((9,),)
    with pytest.raises(ScriptError, match="SR213"):
        do("INSERT INTO x SELECT 1 AS a")


def test_the_tables_of_a_function_are_its_own(do: Do) -> None:
    do("CACHE TABLE r AS SELECT 1 AS a")
    do("CREATE SQL FUNCTION one; CACHE TABLE r AS SELECT 2 AS a; RETURN r;")
    with pytest.raises(ScriptError, match="SR213"):
        do("INSERT INTO r SELECT 1 AS a")


@pytest.mark.parametrize(
    "again", [MODEL, MODEL.replace("CREATE", "CREATE TEMPORARY"), "CREATE SQL FUNCTION f; RETURN;"]
)
def test_what_an_earlier_input_made_is_the_sessions_and_has_no_line(do: Do, again: str) -> None:
    do(again)
    with pytest.raises(ScriptError) as caught:
        do(again)
    (found,) = caught.value.diagnostics
    assert found.code == "SR201"
    assert (found.hint or "").startswith("this session creates it; write CREATE OR REPLACE")


def test_models_are_asked_of_the_registry_every_time(do: Do, world: World) -> None:
    do(MODEL)
    spec = world.registry.models()[0]
    assert (spec.name.name, spec.type) == ("ctr", "tzrec.wide_and_deep")
    assert rows(do("SHOW MODELS")) == (("ctr",),)
    world.registry.drop_model(spec.name)
    with pytest.raises(ScriptError) as caught:
        do("TRAIN MODEL ctr CHECKPOINT = 'v1' ON t")
    assert caught.value.code == "SR205"
    do(MODEL)


def test_a_job_is_done_and_registered(do: Do, world: World) -> None:
    (world.env.settings.project / "t.csv").write_text("user_id,age,is_click\n1,2,0\n")
    do(
        MODEL
        + "CREATE TABLE t (user_id BIGINT, age INT, is_click INT) WITH (connector = 'csv', path = 't.csv')"
    )
    do("TRAIN MODEL ctr CHECKPOINT = '{{ ds_nodash }}' ON t")
    (made,) = world.registry.checkpoints(world.registry.models()[0].name)
    assert len(made.name) == 8
    assert any("registered" in line for line in world.said)
    do("TRAIN MODEL ctr CHECKPOINT = 'again' ON t; TRAIN MODEL ctr CHECKPOINT = 'again' ON t")
    assert len(world.registry.checkpoints(made.model)) == 3


def test_temporary_models_and_the_current_database_are_the_sessions_own(
    do: Do, session: Session, world: World
) -> None:
    do(MODEL.replace("CREATE", "CREATE TEMPORARY"))
    assert world.registry.models() == ()
    assert rows(do("DESCRIBE MODEL ctr"))
    assert session.namespace == "sqlrec.default"
    do("USE other.place")
    assert session.namespace == "other.place"
    do(MODEL)
    assert [spec.name.full for spec in world.registry.models()] == ["other.place.ctr"]


def test_a_registered_function_can_be_called(do: Do) -> None:
    do(
        "CREATE SQL FUNCTION double; DEFINE INPUT TABLE t (a INT);"
        "CACHE TABLE r AS SELECT a * 2 AS b FROM t; RETURN r;"
    )
    do("CACHE TABLE x AS SELECT 4 AS a")
    do("CACHE TABLE y AS CALL double(x)")
    assert rows(do("SELECT b FROM y")) == ((8,),)


def test_problems_are_at_their_places(do: Do) -> None:
    text = "SELECT 1;\n\n  SELECT 2; TRAIN MODEL nope CHECKPOINT = 'v' ON t"
    with pytest.raises(ScriptError) as caught:
        do(text)
    (found,) = caught.value.diagnostics
    assert text[found.span.start : found.span.end] == "nope"
    assert "--> t:3:25" in str(caught.value)
    with pytest.raises(ScriptError) as caught:
        do("SELECT 1; selec 2; SELEC 3")
    assert len(caught.value.diagnostics) == 2


def test_warnings_are_at_their_places_too(session: Session) -> None:
    text = "SELECT 1;\n  SET 'dga.owner' = 'x'"
    (found,) = session.plan(read(text, "t")[1]).plan.warnings
    assert text[found.span.start : found.span.end] == "'dga.owner'"


def test_what_fails_changes_nothing(do: Do, session: Session) -> None:
    do("CACHE TABLE c AS SELECT 1 AS a")
    for text, error in (
        ("CACHE TABLE c AS SELECT CAST('x' AS INT) AS a", Exception),
        ("CACHE TABLE d AS SELECT * FROM nope", NameNotFoundError),
        ("SELECT '{{ params.m }}' AS x", ScriptError),
        ("DECLARE m INT; SELECT '{{ params.m }}' AS x", OptionError),
    ):
        with pytest.raises(error):
            do(text)
    assert rows(do("SELECT a FROM c")) == ((1,),)
    with pytest.raises(NameNotFoundError):
        do("SELECT * FROM d")


def test_an_interrupt_leaves_the_session_as_it_was(session: Session, do: Do) -> None:
    do("CACHE TABLE c AS SELECT 1 AS a")

    def stopped(step: Step) -> nullcontext[Callable[[str], None]]:
        raise KeyboardInterrupt

    (block,) = read("CACHE TABLE d AS SELECT 2 AS a", "t")
    with pytest.raises(KeyboardInterrupt):
        list(session.do(session.plan(block), stopped))
    assert "d" not in session.kept.caches
    assert rows(do("SELECT a FROM c")) == ((1,),)


def test_a_job_that_fails_is_told(do: Do, world: World) -> None:
    (world.env.settings.project / "t.csv").write_text("user_id,age,is_click\n1,2,0\n")
    do(
        MODEL
        + "CREATE TABLE t (user_id BIGINT, age INT, is_click INT) WITH (connector = 'csv', path = 't.csv')"
    )

    def fail(job: object, say: object) -> None:
        raise JobError("SR501", "no")

    world.jobs.program = fail
    with pytest.raises(JobError):
        do("TRAIN MODEL ctr CHECKPOINT = 'v1' ON t")
    assert world.registry.checkpoints(world.registry.models()[0].name) == ()


def test_names_for_completion(do: Do, session: Session, world: World) -> None:
    (world.env.settings.warehouse / "behavior").mkdir(parents=True)
    do(MODEL)
    do("CACHE TABLE c AS SELECT 1 AS a")
    scope = session.scope("DECLARE d STRING; selec 1; CREATE TEMPORARY MODEL x (a INT) WITH (model = 'nope')")
    assert scope.model_names() == ("x", "ctr")
    assert list(scope.params) == ["d"]
    assert list(scope.caches) == ["c"]
    assert list(session.tables()) == ["behavior"]
    assert session.scope("").params == {}


def test_another_runtime_is_that_of_the_setting(do: Do) -> None:
    do("SET 'runtime' = 'local'")
    assert rows(do("SELECT 1 AS a")) == ((1,),)


def test_the_folder_goes_with_the_session(world: World) -> None:
    with open_session(world.env, catalog=RegistryCatalog(world.registry)) as session:
        folder = folder_of(world.env, session.run_id)
        assert (folder / "lock").exists()
    assert not folder.exists()
    assert folder.parent.is_dir()


def test_the_folder_of_a_session_that_died_is_removed_and_that_of_a_living_one_is_not(tmp_path: Path) -> None:
    program = """
    import sys, time
    from pathlib import Path
    from sqlrec.execution.session_folder import held_folder
    with held_folder(Path(sys.argv[1])):
        print("held", flush=True)
        time.sleep(60)
    """
    dead, living, own = (tmp_path / f"session-{name}" for name in ("dead", "living", "own"))
    (tmp_path / "manual__run").mkdir()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program), str(folder)], stdout=subprocess.PIPE, text=True
        )
        for folder in (dead, living)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
        processes[0].kill()
        processes[0].wait()
        assert dead.exists()
        with held_folder(own):
            assert sorted(p.name for p in tmp_path.iterdir()) == [
                "manual__run",
                "session-living",
                "session-own",
            ]
    finally:
        for process in processes:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(SetupError) as caught, held_folder(tmp_path / "runs" / "session-1"):
        pass
    assert caught.value.code == "SR703"


FUNCTION = """
CREATE OR REPLACE SQL FUNCTION times;
DEFINE INPUT TABLE t (a BIGINT);
CACHE TABLE r AS SELECT a * 2 AS b FROM t WHERE a > CAST('{{ params.n }}' AS INT);
RETURN r;
"""


def test_functions_of_the_registry_are_called(do: Do, world: World) -> None:
    do("DECLARE n INT;" + FUNCTION)
    do("CACHE TABLE u AS SELECT range AS a FROM range(10)")
    assert rows(do("CALL times(u)")) == ((16,), (18,))
    assert rows(do("CALL times(u)")) == ((16,), (18,))
    do("CACHE TABLE x AS CALL times(u); CACHE TABLE y AS CALL times(u) PARTITION BY u SIZE 3")
    assert rows(do("SELECT sum(x.b), sum(y.b) FROM x JOIN y USING (b)")) == ((34, 34),)
    world.registry.put_function(
        replace(world.registry.functions()[0], source=FUNCTION.replace("* 2", "* 3").strip()), replace=True
    )
    assert rows(do("CALL times(u)")) == ((24,), (27,))


def test_what_is_wrong_with_a_function_now_is_told_at_its_call(do: Do) -> None:
    do("DECLARE n INT;" + FUNCTION)
    with pytest.raises(ScriptError, match=r"SR402.*no column 'a', which function times takes"):
        do("CREATE TABLE t (b INT) WITH (connector = 'csv', path = 't.csv'); CALL times(t)")
    with pytest.raises(ScriptError, match=r"SR214.*unknown function 'tims'"):
        do("CALL tims(u)")
