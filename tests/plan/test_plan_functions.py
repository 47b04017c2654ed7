"""SQL functions in scripts: their blocks, calls put in place, what is wrong with either."""

from __future__ import annotations

from collections.abc import Callable
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
from tests.plan.conftest import FakeCatalog, compile_text, get_fake, shown

Compile = Callable[..., Plan]
Findings = Callable[..., list[str]]

DEDUP = """
CREATE SQL FUNCTION dedup;
DEFINE INPUT TABLE t (id BIGINT);
CACHE TABLE r AS SELECT DISTINCT id FROM t;
RETURN r;
"""
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


class TestBlocks:
    def test_a_block_is_one_step(self, compiled: Compile) -> None:
        plan = compiled(DEDUP + "SELECT 1;")
        step = plan.step("define_function_dedup")
        assert isinstance(step, DefineFunctionStep)
        spec = step.function
        assert (spec.name, spec.returns, [i.name for i in spec.inputs]) == ("dedup", "r", ["t"])
        assert spec.source == (
            "CREATE SQL FUNCTION dedup;\nDEFINE INPUT TABLE t (\n  id BIGINT\n);\n"
            "CACHE TABLE r AS\nSELECT DISTINCT id FROM t;\nRETURN r;"
        )
        assert (step.line, step.sql, step.replace) == (2, spec.source, False)

    def test_a_function_like_a_table(self, compiled: Compile) -> None:
        step = compiled("CREATE OR REPLACE SQL FUNCTION f; DEFINE INPUT TABLE t LIKE wide; RETURN t").steps[0]
        assert isinstance(step, DefineFunctionStep)
        (table,) = step.function.inputs
        assert (table.name, table.like, len(table.columns), step.replace) == ("t", "wide", 0, True)

    def test_a_function_may_return_nothing(self, compiled: Compile) -> None:
        plan = compiled("CREATE SQL FUNCTION f; ASSERT SELECT true; RETURN; CALL f();")
        assert [type(step) for step in plan.steps] == [DefineFunctionStep, AssertStep]

    @pytest.mark.parametrize(
        ("text", "finding"),
        [
            (
                "DEFINE INPUT TABLE t (a INT)",
                "SR242 `DEFINE INPUT TABLE t (a INT)` sql before function definition is invalid: "
                "DEFINE INPUT TABLE stands outside a function | let CREATE SQL FUNCTION name stand before it",
            ),
            (
                "SELECT 1; RETURN t",
                "SR242 `RETURN t` sql after return is invalid: RETURN stands outside a function "
                "| let CREATE SQL FUNCTION stand before",
            ),
            (
                DEDUP + "RETURN",
                "SR242 `RETURN` sql after return is invalid: RETURN stands outside a function "
                "| function dedup ends at its first RETURN",
            ),
            (
                "CREATE SQL FUNCTION f; CACHE TABLE x AS SELECT 1 AS a",
                "SR242 `CREATE SQL FUNCTION f` function define end without return: f "
                "| a function is terminated with RETURN, or RETURN table",
            ),
            (
                "CREATE SQL FUNCTION f; CACHE TABLE x AS SELECT 1 AS a; "
                "CREATE SQL FUNCTION g; RETURN; CALL f()",
                "SR242 `CREATE SQL FUNCTION f` function define end without return: f "
                "| a function is terminated with RETURN, or RETURN table",
            ),
            (
                "CREATE SQL FUNCTION f; ASSERT SELECT true; DEFINE INPUT TABLE t (a INT); RETURN t",
                "SR242 `DEFINE INPUT TABLE t (a INT)` DEFINE INPUT TABLE stands within the body of "
                "a function | define the inputs right after CREATE SQL FUNCTION",
            ),
            (
                "CREATE SQL FUNCTION f; DEFINE INPUT TABLE t (a INT); DEFINE INPUT TABLE T (b INT); RETURN t",
                "SR212 `T` input table 'T' is defined twice | rename or remove one of them",
            ),
            (
                "CREATE SQL FUNCTION f; DEFINE INPUT TABLE t (a INT); RETURN tt",
                "SR245 `tt` return table not found: tt | tables of the function: t",
            ),
            (
                "CREATE SQL FUNCTION f; RETURN tt",
                "SR245 `tt` return table not found: tt | the function caches no table",
            ),
            (
                "CREATE TABLE w (a INT) WITH (connector = 'parquet', path = 'w');"
                "CREATE SQL FUNCTION f; RETURN w",
                "SR245 `w` return table is not cache table: w | CACHE TABLE … AS SELECT * FROM it first",
            ),
            (
                "CREATE SQL FUNCTION `a b`; RETURN",
                "SR211 `` `a b` `` 'a b' cannot name a function | use letters, digits, _ and -",
            ),
            (
                "CREATE SQL FUNCTION f; CREATE TABLE t (a INT) WITH (connector = 'csv', path = 'x'); RETURN",
                "SR244 `CREATE TABLE t (a INT) WITH (connector = 'csv', path = 'x')` CREATE TABLE cannot "
                "stand in a function "
                "| a function holds CACHE TABLE, CALL, IF, ASSERT, SELECT, INSERT and SET",
            ),
            (
                "CREATE SQL FUNCTION f; SET 'dag.retries' = 3; RETURN",
                "SR244 `'dag.retries'` option 'dag.retries' is the script's and cannot be set in a function "
                "| SET it before the function",
            ),
            (
                DEDUP + "CREATE SQL FUNCTION Dedup; RETURN",
                "SR201 `Dedup` sql function 'Dedup' exists already "
                "| line 2 creates it; write CREATE OR REPLACE SQL FUNCTION to change it",
            ),
        ],
    )
    def test_what_is_wrong_with_a_block(self, findings: Findings, text: str, finding: str) -> None:
        assert findings(text) == [finding.replace("`` `a b` ``", "``a b``")]

    def test_a_registered_function_is_the_same_or_replaced(
        self, findings: Findings, compiled: Compile, catalog: FakeCatalog
    ) -> None:
        step = compiled(DEDUP).steps[0]
        assert isinstance(step, DefineFunctionStep)
        catalog.specified.append(step.function)
        assert findings(DEDUP, catalog) == []
        other = DEDUP.replace("DISTINCT ", "")
        assert findings(other, catalog) == [
            "SR201 `dedup` sql function 'dedup' exists already | it is registered with another definition; "
            "write CREATE OR REPLACE SQL FUNCTION to change it"
        ]
        assert findings(other.replace("CREATE", "CREATE OR REPLACE", 1), catalog) == []


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


class TestCalls:
    @pytest.mark.parametrize(
        ("call", "finding"),
        [
            (
                "CALL dedupp(a)",
                "SR214 `dedupp` unknown function 'dedupp' | Did you mean 'dedup'?",
            ),
            (
                "CALL f(a)",
                "SR214 `f` unknown function 'f' | CALL knows call_service, call_service_with_qv and dedup",
            ),
            ("CALL dedup()", "SR215 `dedup()` dedup takes 1 table, found 0 | write CALL dedup(t)"),
            ("CALL dedup(a, b)", "SR215 `dedup(a, b)` dedup takes 1 table, found 2 | write CALL dedup(t)"),
            (
                "CALL dedup('a')",
                "SR215 `'a'` dedup takes a table name without quotes here, for its input t "
                "| write CALL dedup(t)",
            ),
            (
                "CALL dedup(narrow)",
                "SR402 `narrow` table 'narrow' has no column 'id', which function dedup takes | it has: a",
            ),
            (
                "CALL dedup(texts)",
                "SR248 `texts` column 'id' of table 'texts' is STRING; function dedup takes BIGINT "
                "| CAST(id AS BIGINT) in a CACHE TABLE before it",
            ),
            (
                "CALL dedup(ints) LIKE ints",
                "SR215 `ints` like table must be cache table for table function: ints "
                "| leave LIKE out: the function says what it returns",
            ),
            (
                "CALL dedup(ints) LIKE nowhere",
                "SR215 `nowhere` like table not found: nowhere | tables: narrow, texts, ints",
            ),
            (
                "CALL dedup(ints) LIKE FUNCTION 'nowhere'",
                "SR240 `'nowhere'` function not exists: nowhere | functions: dedup",
            ),
            (
                "DROP SQL FUNCTION dedup; CALL dedup(ints)",
                "SR214 `dedup` unknown function 'dedup' | the script drops it before this line",
            ),
        ],
    )
    def test_what_is_wrong_with_a_call(
        self, findings: Findings, catalog: FakeCatalog, call: str, finding: str
    ) -> None:
        declared = "".join(
            f"CREATE TABLE {name} ({column}) WITH (connector = 'parquet', path = '{name}');\n"
            for name, column in (("narrow", "a INT"), ("texts", "id STRING"), ("ints", "id INT"))
        )
        assert findings(declared + DEDUP + call, catalog) == [finding]

    def test_narrower_numbers_are_taken(self, findings: Findings) -> None:
        text = "CREATE TABLE ints (id INT, b INT) WITH (connector = 'parquet', path = 'i');"
        assert findings(text + DEDUP + "CALL dedup(ints)") == []

    def test_nothing_cannot_be_cached(self, findings: Findings) -> None:
        text = "CREATE SQL FUNCTION f; ASSERT SELECT true; RETURN; CACHE TABLE x AS CALL f()"
        assert findings(text) == [
            "SR249 `f` function f returns nothing that could be cached "
            "| write CALL f(…), or let the function RETURN a table"
        ]

    def test_a_name_is_taken_once(self, findings: Findings) -> None:
        text = "CACHE TABLE x AS SELECT 1 AS id; CACHE TABLE x AS CALL dedup(x)"
        assert findings(DEDUP + text) == [
            "SR212 `x` cache table 'x' is made in line 6 already | choose another name"
        ]

    @pytest.mark.parametrize(
        ("text", "finding"),
        [
            (
                "CREATE SQL FUNCTION f; CALL f(); RETURN",
                "SR243 `f` circular dependency: f trace: f->f "
                "| a function cannot call itself, or one that calls it",
            ),
            (
                "CREATE SQL FUNCTION f; CALL g(); RETURN; CREATE SQL FUNCTION g; CALL f(); RETURN; CALL f();",
                "SR243 `f` circular dependency: f trace: f->g->f "
                "| a function cannot call itself, or one that calls it",
            ),
            (
                "CREATE SQL FUNCTION f; IF (SELECT true) THEN (CALL f()); RETURN; CALL f()",
                "SR243 `f` circular dependency: f trace: f->f "
                "| a function cannot call itself, or one that calls it",
            ),
        ],
    )
    def test_circles(self, findings: Findings, text: str, finding: str) -> None:
        assert findings(text) == [finding]


class TestBodies:
    def test_a_mistake_in_a_body_is_told_once(self, findings: Findings) -> None:
        text = "CREATE SQL FUNCTION f; DEFINE INPUT TABLE t (a INT);"
        text += "CACHE TABLE r AS CALL call_service('x', t, t);"
        calls = "RETURN r; CALL f(a); CACHE TABLE x AS CALL f(b); CREATE API api WITH f;"
        (finding,) = findings(text + calls)
        assert finding.startswith("SR215 `call_service('x', t, t)` call_service takes 2 arguments, found 3")

    def test_functions_that_nothing_calls_are_judged_too(self, findings: Findings) -> None:
        text = "CREATE SQL FUNCTION f; DEFINE INPUT TABLE t (a INT); CACHE TABLE r AS SELECT * FROM later; "
        (finding,) = findings(text + "CACHE TABLE later AS SELECT 1 AS a; RETURN r;")
        assert finding.startswith("SR227 `later` table 'later' is read before line 1 caches it")

    def test_features_of_a_model_within_a_function(self, findings: Findings, known: FakeCatalog) -> None:
        known.put("v1_export", service="rank")
        text = "CREATE SQL FUNCTION f; DEFINE INPUT TABLE t (a INT);"
        text += "CACHE TABLE r AS CALL call_service('rank', t);"
        assert findings(text + "RETURN r; CALL f(w)", known) == [
            "SR402 `t` table 't' has no column 'u', a feature of model m | it has: a"
        ]

    def test_a_service_that_is_made_between_definition_and_call(
        self, findings: Findings, known: FakeCatalog
    ) -> None:
        known.put("v1_export", service="old")
        text = (
            "CREATE SQL FUNCTION f; DEFINE INPUT TABLE t (u INT);"
            "CACHE TABLE r AS CALL call_service('old', t); RETURN r;"
        )
        assert findings(text + "CALL f(w); DROP SERVICE old;", known) == []
        (finding,) = findings(text + "DROP SERVICE old; CALL f(w)", known)
        assert finding.startswith("SR206 `'old'`")

    def test_a_variable_without_a_value(self, findings: Findings) -> None:
        text = "CREATE SQL FUNCTION f; CACHE TABLE u AS SELECT 1 AS id;"
        text += "CACHE TABLE r AS CALL GET('g')(u) LIKE u; RETURN r;"
        (finding,) = findings(text + "CALL f()")
        assert finding.startswith("SR313 `'g'` variable 'g' has no value")
        assert findings(DEDUP + text + "SET 'g' = 'dedup'; CALL f()") == []

    def test_what_cannot_be_read_may_be_a_function(self, findings: Findings) -> None:
        text = "CREATE SQL FUNCTION f; CACHE TABLE r AS SELEC 1; RETURN r; CALL g(a); CREATE API api WITH g"
        codes = {finding.split()[0] for finding in findings("CREATE SQL FUNKTION g; RETURN;" + text)}
        assert "SR214" not in codes
        assert "SR240" not in codes


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
