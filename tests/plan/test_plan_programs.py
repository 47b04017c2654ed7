"""Functions compiled to programs: behind APIs, in chunks, within IF and EXPLAIN."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from sqlrec.plan.plan import (
    ChunkedCallStep,
    DefineApiStep,
    DefineFunctionStep,
    ExplainStep,
    IfStep,
    Plan,
    Step,
)
from sqlrec.spec.function import (
    ApiSpec,
    Program,
    ProgramAssert,
    ProgramIf,
    ProgramParam,
    ProgramQuery,
    ProgramScore,
    all_steps,
    services,
)
from sqlrec.spec.table import TableFormat
from tests.plan.conftest import FakeCatalog

Compile = Callable[..., Plan]
Findings = Callable[..., list[str]]
Kind = TypeVar("Kind", bound=Step)

DEDUP = """
CREATE SQL FUNCTION dedup;
DEFINE INPUT TABLE t (id BIGINT);
CACHE TABLE r AS SELECT DISTINCT id FROM t;
RETURN r;
"""


def only(plan: Plan, kind: type[Kind]) -> Kind:
    (found,) = (step for step in plan.steps if isinstance(step, kind))
    return found


def api(compiled: Compile, text: str) -> Program:
    """The program of the script's one API."""
    return only(compiled(text), DefineApiStep).api.program


def made(program: Program) -> list[str]:
    """Tables of the program in the order in which its steps make them."""
    return [s.target for s in all_steps(program.steps) if isinstance(s, ProgramQuery | ProgramScore)]


class TestApi:
    def test_a_step_with_the_functions_program(self, compiled: Compile) -> None:
        plan = compiled(
            "CREATE TABLE items (id BIGINT) WITH (connector = 'parquet', path = 'items');"
            "INSERT INTO items SELECT 1; CREATE OR REPLACE SQL FUNCTION f; DEFINE INPUT TABLE u (id BIGINT);"
            "CACHE TABLE x AS SELECT * FROM u JOIN items USING (id);"
            "CACHE TABLE y AS CALL call_service('rank', x); ASSERT SELECT true;"
            "IF (SELECT true) THEN (CACHE TABLE z AS SELECT * FROM y) "
            "ELSE (CACHE TABLE z AS SELECT * FROM x);"
            "SELECT 1; CALL call_service('rank', x); RETURN z; CREATE API rec WITH f"
        )
        step = only(plan, DefineApiStep)
        assert (step.id, step.upstream) == ("define_api_rec", ("insert_items", "define_function_f"))
        assert {str(ref) for ref in step.reads} == {"function f", "service rank", "table items"}
        assert [str(ref) for ref in step.writes] == ["api rec"]
        assert (step.api.name, step.api.function, step.replace) == ("rec", "f", False)
        program = step.api.program
        kinds = [type(s) for s in program.steps]
        assert kinds == [ProgramQuery, ProgramScore, ProgramAssert, ProgramIf]
        assert (made(program), program.returns) == (["x", "y", "z", "z"], "z")
        assert [i.name for i in program.inputs] == ["u"]
        assert program.inputs[0].columns.names == ("id",)
        first = program.steps[0]
        assert isinstance(first, ProgramQuery)
        assert {n: s.format for n, s in first.query.sources.items()} == {
            "u": TableFormat.CACHE,
            "items": TableFormat.PARQUET,
        }
        assert first.sql == "CACHE TABLE x AS\nSELECT * FROM u JOIN items USING (id)"

    def test_calls_are_put_in_place(self, compiled: Compile) -> None:
        program = api(
            compiled,
            DEDUP + "CREATE SQL FUNCTION f; DEFINE INPUT TABLE u (id INT); CACHE TABLE x AS CALL dedup(u);"
            "CACHE TABLE y AS CALL dedup(x) PARTITION BY x SIZE 5; RETURN y; CREATE API a WITH f",
        )
        assert made(program) == ["x", "dedup.y.t", "dedup.y.r", "y"]
        query = program.steps[2]
        assert isinstance(query, ProgramQuery)
        assert {n: s.name for n, s in query.query.sources.items()} == {"t": "dedup.y.t"}

    def test_calls_within_branches(self, compiled: Compile) -> None:
        inner = (
            "CREATE SQL FUNCTION g; DEFINE INPUT TABLE t (u INT); DEFINE INPUT TABLE q (q INT);"
            "IF (SELECT count(*) > 0 FROM t) THEN (CACHE TABLE s AS CALL call_service_with_qv('rank', q, t));"
            "ASSERT SELECT true FROM s;"
            "IF (SELECT true) THEN (CACHE TABLE r AS CALL call_service('rank', t))"
            " ELSE (CACHE TABLE r AS SELECT * FROM s); RETURN r;"
            "CREATE SQL FUNCTION nothing; DEFINE INPUT TABLE t (u INT); ASSERT SELECT true FROM t; RETURN;"
        )
        program = api(
            compiled,
            inner + "CREATE SQL FUNCTION f; DEFINE INPUT TABLE a (u INT, q INT);"
            "IF (SELECT true) THEN (CACHE TABLE x AS CALL g(a, a)) ELSE (CACHE TABLE x AS SELECT * FROM a);"
            "IF (SELECT true) THEN (CALL nothing(a)); RETURN x; CREATE API api WITH f",
        )
        first, second = program.steps
        assert isinstance(first, ProgramIf)
        assert isinstance(second, ProgramIf)
        assert made(program)[:6] == ["g.x.t", "g.x.q", "g.x.s", "g.x.r", "g.x.r", "x"]
        assert services(program.steps) == ("rank",)
        assert made(program)[-1] == "nothing.().t"
        assert second.otherwise is None

    def test_parameters_of_the_script_are_the_apis(self, compiled: Compile) -> None:
        text = (
            "DECLARE top INT DEFAULT 3; DECLARE day STRING; DECLARE unused INT;"
            "CREATE SQL FUNCTION g; DEFINE INPUT TABLE t (id INT);"
            "CACHE TABLE r AS SELECT * FROM t LIMIT CAST('{{params.top}}' AS INT); RETURN r;"
            "CREATE SQL FUNCTION f; DEFINE INPUT TABLE t (id INT);"
            "CACHE TABLE a AS SELECT '{{ params.day }}' AS day, '{{ ds }}' AS made FROM t;"
            "IF (SELECT true) THEN (CACHE TABLE b AS CALL g(t)) ELSE (CACHE TABLE b AS SELECT * FROM t);"
            "RETURN b; CREATE API api WITH f"
        )
        program = api(compiled, text)
        assert set(program.params) == {
            ProgramParam(name="day", type="STRING"),
            ProgramParam(name="top", type="INT", default=3),
        }
        queries = [s.query for s in all_steps(program.steps) if isinstance(s, ProgramQuery)]
        assert {value for q in queries for value in q.parameters.values()} == {
            "param:day",
            "{{ ds }}",
            "param:top",
        }

    def test_an_input_like_a_table_that_none_declares(self, compiled: Compile) -> None:
        program = api(
            compiled, "CREATE SQL FUNCTION f; DEFINE INPUT TABLE t LIKE wide; RETURN t; CREATE API a WITH f"
        )
        assert {name: source.name for name, source in program.likes.items()} == {"t": "wide"}
        declared = api(
            compiled,
            "CREATE TABLE wide (a INT) WITH (connector = 'parquet', path = 'w');"
            "CREATE SQL FUNCTION f; DEFINE INPUT TABLE t LIKE wide; RETURN t; CREATE API a WITH f",
        )
        assert (declared.likes, declared.inputs[0].columns.names) == ({}, ("a",))

    @pytest.mark.parametrize(
        ("text", "finding"),
        [
            (
                "CREATE API a WITH nothing",
                "SR240 `nothing` function not exists: nothing | there is no function yet",
            ),
            (
                DEDUP + "CREATE API a WITH dedap",
                "SR240 `dedap` function not exists: dedap | Did you mean 'dedup'?",
            ),
            (
                DEDUP + "CREATE API a WITH other",
                "SR240 `other` function not exists: other | functions: dedup",
            ),
            (
                DEDUP + "DROP SQL FUNCTION dedup; CREATE API a WITH dedup",
                "SR240 `dedup` function not exists: dedup | the script drops it before this line",
            ),
            (
                DEDUP + "CREATE API `a/b` WITH dedup",
                "SR211 ``a/b`` 'a/b' cannot name an API | use letters, digits, _ and -",
            ),
            (
                DEDUP + "CREATE API a WITH dedup; CREATE API A WITH dedup",
                "SR201 `A` api 'A' exists already "
                "| line 6 creates it; write CREATE OR REPLACE API to change it",
            ),
            (
                DEDUP + "CREATE API a WITH dedup; DROP SQL FUNCTION dedup",
                "SR203 `dedup` sql function dedup is used by api: a | DROP API a first",
            ),
            (
                "CREATE SQL FUNCTION f; DEFINE INPUT TABLE t (a INT); INSERT INTO log SELECT * FROM t;"
                "RETURN t; CREATE API a WITH f",
                "SR246 `f` function f writes into table log "
                "| an API, a call in chunks and a call within IF only read: RETURN the rows instead",
            ),
            (
                "DECLARE day STRING DEFAULT 'x'; CREATE SQL FUNCTION f;"
                "CACHE TABLE r AS SELECT 'day {{ params.day }}' AS day; RETURN r; CREATE API a WITH f",
                "SR246 `f` function f uses 'day {{ params.day }}', which an API cannot be given "
                "| let the parameter be a whole string: '{{ params.name }}'",
            ),
            (
                "CACHE TABLE c AS SELECT 1 AS a; CREATE SQL FUNCTION f; DEFINE INPUT TABLE t LIKE c;"
                "RETURN t; CREATE API a WITH f",
                "SR246 `f` the columns of input 't' of function f are not known when the script is compiled "
                "| define them in place of LIKE c",
            ),
        ],
    )
    def test_what_is_wrong(self, findings: Findings, text: str, finding: str) -> None:
        assert findings(text) == [finding]

    def test_models_in_queries_are_not_for_apis(self, findings: Findings, known: FakeCatalog) -> None:
        known.put("v1_export", service="rank")
        text = (
            "CREATE SQL FUNCTION f; DEFINE INPUT TABLE t (u INT);"
            "CACHE TABLE r AS SELECT * FROM ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(u)); RETURN r;"
        )
        assert findings(text + "CACHE TABLE x AS CALL f(w)", known) == []
        assert findings(text + "CREATE API a WITH f", known) == [
            "SR246 `f` function f calls a model within a query "
            "| in an API, a call in chunks and a call within IF, use CACHE TABLE … AS CALL call_service(…)"
        ]

    def test_a_registered_api_is_the_same_or_replaced(self, findings: Findings, catalog: FakeCatalog) -> None:
        program = Program(name="other", inputs=(), steps=(), returns="")
        catalog.exposed.append(ApiSpec(name="a", function="other", program=program))
        assert findings(DEDUP + "CREATE API a WITH dedup", catalog) == [
            "SR201 `a` api 'a' exists already "
            "| it runs function other; write CREATE OR REPLACE API to change it"
        ]
        assert findings(DEDUP + "CREATE OR REPLACE API a WITH dedup", catalog) == []
        catalog.exposed[0] = ApiSpec(name="a", function="DEDUP", program=program)
        assert findings(DEDUP + "CREATE API a WITH dedup", catalog) == []
        assert findings(DEDUP + "CREATE API a WITH dedup WITH (replicas = '{{ ds }}')", catalog) == []
        assert findings(DEDUP + "CREATE API a WITH dedup WITH (replicas = 2)", catalog) == [
            "SR201 `a` api 'a' exists already "
            "| it runs function DEDUP with other options; write CREATE OR REPLACE API to change it"
        ]

    def test_a_script_holds_what_its_api_runs(
        self, findings: Findings, compiled: Compile, catalog: FakeCatalog
    ) -> None:
        step = compiled(DEDUP).steps[0]
        assert isinstance(step, DefineFunctionStep)
        catalog.specified.append(step.function)
        assert findings("CREATE API a WITH dedup", catalog) == [
            "SR240 `dedup` function not exists: dedup "
            "| it is registered, but a script holds what its API runs: SHOW CREATE SQL FUNCTION dedup"
        ]


class TestChunks:
    def test_a_call_in_chunks_is_one_step(self, compiled: Compile) -> None:
        text = (
            "CREATE SQL FUNCTION f; DEFINE INPUT TABLE a (x INT); DEFINE INPUT TABLE b (y INT);"
            "CACHE TABLE r AS CALL call_service('rank', b); RETURN r;"
            "CACHE TABLE u AS SELECT 1 AS x; CACHE TABLE c AS CALL f(u, wide) PARTITION BY wide SIZE 100;"
            "CALL f(u, wide) PARTITION BY u SIZE 7"
        )
        plan = compiled(text)
        step, shown = (s for s in plan.steps if isinstance(s, ChunkedCallStep))
        assert (step.id, step.chunked, step.size, step.upstream) == ("call_c", "b", 100, ("cache_u",))
        assert {str(ref) for ref in step.reads} == {"table u", "table wide", "service rank"}
        assert step.target
        assert step.target.name == "c"
        relation = step.arguments["b"]
        assert (relation.query, relation.sources["t"].name) == ('SELECT * FROM "t"', "wide")
        assert relation.sources["t"].schema.names == ("y",)
        assert (shown.chunked, shown.size, shown.target) == ("a", 7, None)

    def test_templates_are_those_of_the_run(self, compiled: Compile) -> None:
        text = (
            "DECLARE top INT DEFAULT 3; CREATE SQL FUNCTION f; DEFINE INPUT TABLE t (id INT);"
            "CACHE TABLE r AS SELECT * FROM t LIMIT CAST('{{ params.top }}' AS INT); RETURN r;"
            "CACHE TABLE x AS CALL f(wide) PARTITION BY wide SIZE 5"
        )
        (step,) = only(compiled(text), ChunkedCallStep).program.steps
        assert isinstance(step, ProgramQuery)
        assert dict(step.query.parameters) == {"p1": "{{ params.top }}"}

    def test_within_if_a_call_is_one_step(self, compiled: Compile) -> None:
        text = DEDUP + (
            "IF (SELECT count(*) > 0 FROM u) THEN (CACHE TABLE x AS CALL dedup(u))"
            " ELSE (CACHE TABLE x AS CALL dedup(v)); SELECT * FROM x"
        )
        step = only(compiled(text), IfStep)
        assert isinstance(step.then, ChunkedCallStep)
        assert (step.then.chunked, step.then.size) == ("", 0)
        assert {str(ref) for ref in step.reads} == {"table u", "table v"}
        assert [str(ref) for ref in step.writes] == ["table x"]

    def test_explained(self, compiled: Compile) -> None:
        step = only(compiled(DEDUP + "EXPLAIN CACHE TABLE x AS CALL dedup(u)"), ExplainStep)
        assert isinstance(step.step, ChunkedCallStep)

    def test_writing_within_chunks(self, findings: Findings) -> None:
        text = (
            "CREATE SQL FUNCTION f; DEFINE INPUT TABLE t (a INT); INSERT OVERWRITE log SELECT * FROM t;"
            "RETURN t; CALL f(u) PARTITION BY u SIZE 5"
        )
        assert findings(text) == [
            "SR246 `f` function f writes into table log "
            "| an API, a call in chunks and a call within IF only read: RETURN the rows instead"
        ]
