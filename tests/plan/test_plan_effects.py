"""What steps mean for the statements after them, and how they are told: steps that no script makes here."""

from __future__ import annotations

from typing import Any

from sqlrec.plan.catalog import OpenCatalog
from sqlrec.plan.effects import record
from sqlrec.plan.explain import explain, explain_step
from sqlrec.plan.ids import step_ids
from sqlrec.plan.plan import (
    ChunkedCallStep,
    DefineApiStep,
    DefineFunctionStep,
    DropApiStep,
    DropFunctionStep,
    IfStep,
    Plan,
    QueryMode,
    QueryStep,
    Step,
)
from sqlrec.plan.scope import ScriptScope
from sqlrec.spec.function import ApiSpec, FunctionInput, FunctionSpec, Program
from sqlrec.spec.table import Relation, TableFormat, TableSource

BASE: dict[str, Any] = {"id": "", "line": 4, "sql": ""}
PROGRAM = Program(name="Pick", inputs=(), steps=(), returns="t")
FUNCTION = FunctionSpec(name="Pick", inputs=(FunctionInput(name="users"),), returns="t", source="")
API = ApiSpec(name="Picks", function="Pick", program=PROGRAM)
DEFINE = DefineFunctionStep(**BASE, function=FUNCTION)
EXPOSE = DefineApiStep(**BASE, api=API)
CHUNKED = ChunkedCallStep(
    **BASE,
    program=PROGRAM,
    arguments={},
    chunked="users",
    size=10,
    target=TableSource(name="C", format=TableFormat.CACHE),
)
SHOWN = ChunkedCallStep(**BASE, program=PROGRAM, arguments={}, chunked="users", size=10)
DROPS: tuple[Step, ...] = (DropApiStep(**BASE, api="PICKS"), DropFunctionStep(**BASE, function="pick"))


def scope_of(catalog: Any, fake_types: Any, *steps: Step) -> ScriptScope:
    scope = ScriptScope(text="", catalog=catalog, controllers=fake_types)
    for step in steps:
        record(step, scope)
    return scope


def test_functions_and_apis_come_and_go(catalog: Any, fake_types: Any) -> None:
    scope = scope_of(catalog, fake_types, DEFINE, EXPOSE)
    assert (scope.function("PICK"), scope.api("picks")) == (FUNCTION, API)
    assert (scope.function_names(), scope.api_names()) == (("Pick",), ("Picks",))
    assert scope.lines == {"function pick": 4, "api picks": 4}
    gone = scope_of(catalog, fake_types, DEFINE, EXPOSE, *DROPS)
    assert (gone.function("pick"), gone.api("picks")) == (None, None)
    assert (gone.function_names(), gone.api_names()) == ((), ())


def test_registered_functions_are_known(catalog: Any, fake_types: Any) -> None:
    catalog.specified.append(FUNCTION)
    catalog.exposed.append(API)
    scope = scope_of(catalog, fake_types)
    assert (scope.function("pick"), scope.api("PICKS")) == (FUNCTION, API)
    assert scope_of(catalog, fake_types, *DROPS).function_names() == ()


def test_a_chunked_call_caches_its_table(catalog: Any, fake_types: Any) -> None:
    assert list(scope_of(catalog, fake_types, CHUNKED).caches) == ["c"]
    assert scope_of(catalog, fake_types, SHOWN).caches == {}


def test_a_branch_takes_nothing_away(catalog: Any, fake_types: Any) -> None:
    branches = [IfStep(**BASE, condition=Relation(query=""), then=drop) for drop in DROPS]
    scope = scope_of(catalog, fake_types, DEFINE, EXPOSE, *branches)
    assert (scope.function("pick"), scope.api("picks")) == (FUNCTION, API)


def test_ids_of_functions() -> None:
    assert step_ids([DEFINE, EXPOSE, CHUNKED, SHOWN, *DROPS]) == [
        "define_function_pick",
        "define_api_picks",
        "call_c",
        "call_pick",
        "drop_api_picks",
        "drop_function_pick",
    ]


def test_functions_are_explained(catalog: Any, fake_types: Any) -> None:
    plan = Plan(name="x", path="", steps=(DEFINE, EXPOSE, CHUNKED, SHOWN, *DROPS))
    told = explain(plan, catalog, fake_types).steps
    assert [(s.does, s.change) for s in told] == [
        ("define function Pick(users), which returns t", "new"),
        ("expose function Pick as API Picks", "new"),
        ("call function Pick, 10 rows of users at a time into cache table C", "new"),
        ("call function Pick, 10 rows of users at a time, shown", "unchanged"),
        ("drop API PICKS", "dropped"),
        ("drop function pick", "dropped"),
    ]
    catalog.specified.append(FUNCTION)
    catalog.exposed.append(ApiSpec(name="Picks", function="other", program=PROGRAM))
    again = explain(plan, catalog, fake_types).steps
    assert [s.change for s in again][:2] == ["unchanged", "changed"]
    assert explain_step(DEFINE, OpenCatalog(), fake_types).change == "known when it runs"


def test_nothing_is_returned_by_some_functions(catalog: Any, fake_types: Any) -> None:
    bare = DefineFunctionStep(**BASE, function=FunctionSpec(name="f", inputs=(), returns="", source=""))
    assert explain_step(bare, catalog, fake_types).does == "define function f(), which returns nothing"


def test_an_insert_leaves_the_tables_of_the_script_alone(catalog: Any, fake_types: Any) -> None:
    target = TableSource(name="t", format=TableFormat.WAREHOUSE)
    step = QueryStep(**BASE, mode=QueryMode.APPEND, query=Relation(query=""), target=target)
    assert scope_of(catalog, fake_types, step).caches == {}
