"""Which statements belong together, and when nothing is left open."""

from __future__ import annotations

import pytest

from sqlrec.sql.blocks import blocks, is_complete
from sqlrec.sql.script import parse

FUNCTION = (
    "create or replace sql function f; define input table t (a int); "
    "cache table r as select * from t; return r"
)


def test_a_function_is_one_block() -> None:
    parsed = parse(f"select 1; {FUNCTION}; select 2; create sql function g; define input table t (a int)")
    assert parsed.diagnostics == ()
    found = [[type(s).__name__ for s in block] for block in blocks(parsed.statements)]
    assert found == [
        ["Select"],
        ["CreateFunction", "DefineInput", "CacheTable", "Return"],
        ["Select"],
        ["CreateFunction", "DefineInput"],
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  \n",
        "-- only a comment",
        "select 1;",
        "select 1; -- done\n",
        "select ';';",
        "selec;",
        f"{FUNCTION};",
    ],
)
def test_nothing_is_open(text: str) -> None:
    assert is_complete(text)


@pytest.mark.parametrize(
    "text",
    [
        "select 1",
        "select 1; select",
        "select 'a;",
        "select 1 /* ;",
        'select "a;',
        "create sql function f;",
        "create or replace sql function f; define input table t (a int);",
        f"{FUNCTION}",
        f"{FUNCTION}; create sql function g;",
    ],
)
def test_something_is_open(text: str) -> None:
    assert not is_complete(text)
