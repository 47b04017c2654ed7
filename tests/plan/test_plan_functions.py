"""Calls of SQL functions put in place, in scripts and in sessions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sqlrec.errors import ScriptError
from sqlrec.plan.build import plan_in
from sqlrec.plan.catalog import Catalog
from sqlrec.plan.plan import (
    AssertStep,
    DefineFunctionStep,
    IfStep,
    Plan,
    QueryMode,
    QueryStep,
    ScoreStep,
)
from sqlrec.plan.scope import ScriptScope
from sqlrec.spec.function import FunctionSpec
from sqlrec.spec.table import TableFormat
from tests.plan.conftest import DEDUP, Compile, FakeCatalog, compile_text, get_fake, shown

TOP = """
CREATE SQL FUNCTION top;
DEFINE INPUT TABLE users (id BIGINT);
CACHE TABLE r AS SELECT id FROM users;
CACHE TABLE few AS CALL dedup(r);
CACHE TABLE best AS SELECT * FROM few LIMIT 3;
RETURN best;
"""


def tables(step: Any) -> dict[str, str]:
    """Tables of a step's query: as the query names them, and as they are called outside."""
    assert isinstance(step, QueryStep | AssertStep)
    return {name: source.name for name, source in step.query.sources.items()}


def targets(plan: Plan) -> list[str]:
    """What the steps cache, in order."""
    return [s.target.name for s in plan.steps if isinstance(s, QueryStep | ScoreStep) and s.target]


class TestInPlace:
    def test_a_call_is_the_steps_of_the_body(self, compiled: Compile) -> None:
        plan = compiled(
            DEDUP + "CACHE TABLE u AS SELECT 1 AS id; CACHE TABLE x AS CALL dedup(u); SELECT * FROM x"
        )
        assert targets(plan) == ["u", "x"]
        cached, shows = plan.steps[2:]
        assert isinstance(cached, QueryStep)
        assert (cached.id, cached.line, cached.mode) == ("cache_x", 4, QueryMode.CACHE)
        assert (tables(cached), cached.upstream) == ({"t": "u"}, ("cache_u",))
        assert (tables(shows), shows.upstream) == ({"x": "x"}, ("cache_x",))

    def test_an_input_has_the_columns_that_it_was_defined_with(self, compiled: Compile) -> None:
        plan = compiled(DEDUP + "CACHE TABLE u AS SELECT 1 AS id, 2 AS more; CACHE TABLE x AS CALL dedup(u)")
        step = plan.step("cache_x")
        assert isinstance(step, QueryStep)
        assert step.query.sources["t"].schema.names == ("id",)

    def test_a_csv_table_keeps_the_columns_by_which_it_is_read(self, compiled: Compile) -> None:
        text = (
            "CREATE TABLE u (more INT, id BIGINT) WITH (connector = 'csv', path = 'u.csv', header = 'false');"
        )
        step = compiled(DEDUP + text + "CACHE TABLE x AS CALL dedup(u)").step("cache_x")
        assert isinstance(step, QueryStep)
        assert step.query.sources["t"].schema.names == ("more", "id")

    def test_an_input_like_a_table(self, compiled: Compile) -> None:
        text = (
            "CREATE TABLE w (a INT, b INT) WITH (connector = 'parquet', path = 'w');"
            "CREATE SQL FUNCTION f; DEFINE INPUT TABLE t LIKE w; CACHE TABLE r AS SELECT * FROM t; RETURN r;"
            "CREATE SQL FUNCTION g; DEFINE INPUT TABLE t LIKE wide; CACHE TABLE r AS SELECT * FROM t;"
            "RETURN r;"
            "CACHE TABLE u AS SELECT 1 AS a, 2 AS b; CACHE TABLE x AS CALL f(u); CACHE TABLE y AS CALL g(u)"
        )
        plan = compiled(text)
        found = [plan.step(id_) for id_ in ("cache_x", "cache_y")]
        assert [list(s.query.sources["t"].schema.names) for s in found if isinstance(s, QueryStep)] == [
            ["a", "b"],
            [],
        ]

    def test_calls_within_functions(self, compiled: Compile) -> None:
        plan = compiled(DEDUP + TOP + "CACHE TABLE x AS CALL top(people)")
        assert targets(plan) == ["top.x.r", "top.x.few", "x"]
        assert tables(plan.step("cache_top_x_few")) == {"t": "top.x.r"}
        assert tables(plan.step("cache_x")) == {"few": "top.x.few"}
        assert plan.step("cache_x").upstream == ("cache_top_x_few",)

    def test_each_call_has_tables_of_its_own(self, compiled: Compile) -> None:
        plan = compiled(DEDUP + TOP + "CACHE TABLE x AS CALL top(a); CACHE TABLE y AS CALL top(a);")
        assert targets(plan) == ["top.x.r", "top.x.few", "x", "top.y.r", "top.y.few", "y"]

    def test_a_call_alone_shows_what_it_returns(self, compiled: Compile) -> None:
        plan = compiled(DEDUP + "CALL dedup(a); CALL dedup(a); CALL dedup(b)")
        assert targets(plan) == ["dedup(a).r", "dedup(a)2.r", "dedup(b).r"]
        shows = plan.steps[2]
        assert isinstance(shows, QueryStep)
        assert (shows.mode, tables(shows), shows.sql) == (
            QueryMode.SELECT,
            {"dedup(a).r": "dedup(a).r"},
            "CALL dedup(a)",
        )

    def test_what_was_given_may_be_what_is_returned(self, compiled: Compile) -> None:
        text = (
            "CREATE SQL FUNCTION same; DEFINE INPUT TABLE t (a INT); RETURN t; CACHE TABLE x AS CALL same(u)"
        )
        step = compiled(text).step("cache_x")
        assert isinstance(step, QueryStep)
        assert (tables(step), step.query.query, step.target and step.target.name) == (
            {"u": "u"},
            'SELECT * FROM "u"',
            "x",
        )

    def test_a_table_of_the_caller_is_not_the_functions(self, compiled: Compile) -> None:
        text = (
            "CACHE TABLE t AS SELECT 1 AS id;"
            "CREATE SQL FUNCTION f; DEFINE INPUT TABLE u (id INT);"
            "CACHE TABLE t AS SELECT id FROM u; CACHE TABLE r AS SELECT * FROM t JOIN s USING (id); RETURN r;"
            "CACHE TABLE s AS SELECT 1 AS id; CACHE TABLE x AS CALL f(t)"
        )
        plan = compiled(text)
        assert tables(plan.step("cache_f_x_t")) == {"u": "t"}
        step = plan.step("cache_x")
        assert isinstance(step, QueryStep)
        assert {n: (s.name, s.format) for n, s in step.query.sources.items()} == {
            "t": ("f.x.t", TableFormat.CACHE),
            "s": ("s", TableFormat.WAREHOUSE),
        }

    def test_services_settings_and_conditions_within(self, compiled: Compile) -> None:
        text = (
            "SET 'score.batch_size' = 5;"
            "CREATE SQL FUNCTION f; DEFINE INPUT TABLE t (u INT); SET 'score.batch_size' = 7;"
            "CACHE TABLE s AS CALL call_service('rank', t);"
            "IF (SELECT count(*) > 0 FROM s) THEN (CACHE TABLE r AS SELECT * FROM s)"
            " ELSE (CACHE TABLE r AS SELECT * FROM t); RETURN r;"
            "CACHE TABLE x AS CALL f(a); CACHE TABLE y AS CALL call_service('rank', x)"
        )
        plan = compiled(text)
        inner, outer = plan.step("score_f_x_s"), plan.step("score_y")
        assert isinstance(inner, ScoreStep)
        assert isinstance(outer, ScoreStep)
        assert (inner.options, outer.options) == ({"batch_size": 7}, {"batch_size": 5})
        branches = plan.steps[2]
        assert isinstance(branches, IfStep)
        assert isinstance(branches.then, QueryStep)
        assert branches.then.target
        assert branches.then.target.name == "x"
        assert outer.upstream == (branches.id,)

    def test_what_follows_waits_for_an_assertion_in_a_function(self, compiled: Compile) -> None:
        text = (
            "CREATE SQL FUNCTION f; DEFINE INPUT TABLE t (u INT); ASSERT SELECT count(*) > 0 FROM t;"
            "RETURN t; CALL f(a); SELECT 1;"
        )
        plan = compiled(text)
        assert [step.upstream for step in plan.steps] == [(), (), ("assert_a",), ("assert_a",)]

    def test_ids_do_not_depend_on_what_stands_before(self, compiled: Compile) -> None:
        text = DEDUP + TOP + "CACHE TABLE x AS CALL top(a);"
        before = [step.id for step in compiled(text).steps]
        after = [
            step.id for step in compiled(text.replace("CACHE TABLE x", "CALL top(b); CACHE TABLE x")).steps
        ]
        assert set(before) <= set(after)

    def test_the_same_script_gives_the_same_plan(self, compiled: Compile) -> None:
        text = DEDUP + TOP + "CACHE TABLE x AS CALL top(a); CREATE API api WITH top;"
        assert compiled(text).digest == compiled(text.replace("\n", "\n\n")).digest

    def test_the_function_in_force_is_called(self, compiled: Compile) -> None:
        text = (
            DEDUP
            + "CACHE TABLE x AS CALL dedup(a);"
            + DEDUP.replace("CREATE", "CREATE OR REPLACE", 1).replace("DISTINCT ", "")
            + "CACHE TABLE y AS CALL dedup(a);"
        )
        plan = compiled(text)
        found = [plan.step("cache_x"), plan.step("cache_y")]
        assert [s.query.query for s in found if isinstance(s, QueryStep)] == [
            "SELECT DISTINCT id FROM t",
            "SELECT id FROM t",
        ]

    def test_variables_name_functions_and_tables(self, compiled: Compile) -> None:
        text = (
            "SET 'how' = 'dedup'; SET 'from' = 'people'; CACHE TABLE x AS CALL GET('how')(GET('from')) LIKE u"
        )
        plan = compiled(DEDUP + "CACHE TABLE u AS SELECT 1 AS id;" + text)
        assert tables(plan.step("cache_x")) == {"t": "people"}

    def test_nobody_waits_for_an_asynchronous_call(self, compiled: Compile) -> None:
        plan = compiled(DEDUP + "CALL dedup(a) ASYNC; SELECT 1")
        assert plan.steps[-1].upstream == ()

    def test_a_function_that_writes(self, compiled: Compile) -> None:
        text = (
            "CREATE SQL FUNCTION f; DEFINE INPUT TABLE t (u INT); INSERT INTO log SELECT u FROM t; RETURN;"
            "CALL f(a)"
        )
        step = compiled(text).steps[1]
        assert isinstance(step, QueryStep)
        assert (step.mode, tables(step)) == (QueryMode.APPEND, {"t": "a"})


class TestSessions:
    """In a session, functions that are registered may be called."""

    def plan(self, text: str, catalog: Catalog, *, adopts: bool) -> Plan:
        scope = ScriptScope(text=text, catalog=catalog, controllers=get_fake, adopts=adopts)
        return plan_in(scope, path="x.sql", name="x")

    @pytest.fixture
    def registered(self, catalog: FakeCatalog) -> FakeCatalog:
        steps = compile_text(DEDUP + TOP).steps
        catalog.specified += [step.function for step in steps if isinstance(step, DefineFunctionStep)]
        return catalog

    def test_they_are_put_in_place(self, registered: FakeCatalog) -> None:
        plan = self.plan("\n\nCACHE TABLE x AS CALL top(a)", registered, adopts=True)
        assert targets(plan) == ["top.x.r", "top.x.few", "x"]
        assert {step.line for step in plan.steps} == {3}

    def test_a_script_holds_what_it_calls(self, registered: FakeCatalog) -> None:
        with pytest.raises(ScriptError) as error:
            self.plan("CALL top(a)", registered, adopts=False)
        assert list(shown(error.value)) == [
            "SR214 `top` unknown function 'top' "
            "| it is registered, but a script holds what it calls: SHOW CREATE SQL FUNCTION top"
        ]

    def test_what_is_wrong_with_it_now_is_told_at_the_call(self, catalog: FakeCatalog) -> None:
        source = "CREATE SQL FUNCTION f;\nCACHE TABLE r AS\nCALL call_service('gone', t);\nRETURN r;"
        catalog.specified.append(FunctionSpec(name="f", inputs=(), returns="r", source=source))
        with pytest.raises(ScriptError) as error:
            self.plan("SELECT 1; CALL f()", catalog, adopts=True)
        assert list(shown(error.value)) == [
            "SR206 `f` in function f: service 'gone' does not exist | there is no service yet"
        ]

    def test_branches_of_a_registered_function(self, catalog: FakeCatalog) -> None:
        source = (
            "CREATE SQL FUNCTION f;\nIF (SELECT true) THEN (CACHE TABLE r AS SELECT 1 AS a) "
            "ELSE (CACHE TABLE r AS SELECT 2 AS a);\n"
            "IF (SELECT true) THEN (CACHE TABLE s AS SELECT 1 AS a);\nRETURN r;"
        )
        catalog.specified.append(FunctionSpec(name="f", inputs=(), returns="r", source=source))
        plan = self.plan("\nCACHE TABLE x AS CALL f()", catalog, adopts=True)
        first = plan.steps[0]
        assert isinstance(first, IfStep)
        assert [s.line for s in (first, first.then, first.otherwise) if s] == [2, 2, 2]

    def test_a_function_of_the_text_goes_first(self, registered: FakeCatalog) -> None:
        text = DEDUP.replace("CREATE", "CREATE OR REPLACE", 1).replace("DISTINCT ", "")
        step = self.plan(text + "CACHE TABLE x AS CALL dedup(a)", registered, adopts=True).step("cache_x")
        assert isinstance(step, QueryStep)
        assert step.query.query == "SELECT id FROM t"

    def test_a_function_that_there_is_not(self, registered: FakeCatalog) -> None:
        with pytest.raises(ScriptError, match="unknown function 'tip'"):
            self.plan("CALL tip(a)", registered, adopts=True)


def test_steps_know_no_places_when_they_are_compared(compiled: Compile) -> None:
    first, second = (compiled(space + DEDUP + "CALL dedup(a)") for space in ("", "\n\n"))
    assert first.digest == second.digest
    assert [replace(s, line=0) for s in first.steps] == [replace(s, line=0) for s in second.steps]
