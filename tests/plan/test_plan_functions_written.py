"""SQL functions as they are written: blocks, calls and bodies, and what is wrong with each."""

from __future__ import annotations

import pytest

from sqlrec.plan.plan import (
    AssertStep,
    DefineFunctionStep,
)
from tests.plan.conftest import DEDUP, Compile, FakeCatalog, Findings


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
