"""What the branches of an IF cache has the same columns, or nothing is done."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sqlrec.errors import SchemaError
from sqlrec.plan.plan import IfStep, QueryMode, QueryStep, Step
from sqlrec.spec.table import Relation, TableFormat, TableSource
from tests.execution.steps import World, make_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def cache(query: str, *sources: str) -> QueryStep:
    target = TableSource(name="x4", format=TableFormat.CACHE)
    tables = {name: TableSource(name=name, format=TableFormat.WAREHOUSE) for name in sources}
    relation = Relation(query=query, sources=tables)
    return QueryStep(id="", line=1, sql="", mode=QueryMode.CACHE, query=relation, target=target)


def choose(then: Step, otherwise: Step | None = None, *, condition: str = "SELECT true") -> IfStep:
    query = Relation(query=condition)
    timein = "true" not in condition
    return IfStep(id="if", line=1, sql="", condition=query, then=then, otherwise=otherwise, timein=timein)


@pytest.mark.parametrize(
    ("then", "otherwise", "says"),
    [
        ("SELECT 1 AS a", "SELECT 'a' AS b", "a INT, and b STRING"),
        ("SELECT 1 AS a", "SELECT 'a' AS a", "a INT, and a STRING"),
        ("SELECT 1 AS a", "SELECT 1 AS a, 2 AS b", "a INT, and a INT, b INT"),
        ("SELECT 1 AS a, 2 AS b", "SELECT 1 AS b, 2 AS a", "a INT, b INT, and b INT, a INT"),
        ("SELECT [1] AS a", "SELECT ['a'] AS a", "a ARRAY<INT>, and a ARRAY<STRING>"),
    ],
)
@pytest.mark.parametrize("condition", ["SELECT true", "SELECT 60000"])
def test_different_columns_are_refused(
    world: World, then: str, otherwise: str, says: str, condition: str
) -> None:
    with pytest.raises(SchemaError, match=r"SR645.*table 'x4'") as caught:
        world.run(choose(cache(then), cache(otherwise), condition=condition))
    assert caught.value.message.endswith(says)
    assert not list(world.env.runs.rglob("*.parquet"))


@pytest.mark.parametrize(
    ("then", "otherwise"),
    [
        ("SELECT 1 AS a, 'x' AS b", "SELECT 2 AS A, 'y' AS B"),
        ("SELECT 1 AS a", "SELECT 2::BIGINT AS a"),
        ("SELECT 0.5::DOUBLE AS a", "SELECT 0 AS a"),
        ("SELECT 100.5 AS a", "SELECT 1.25 AS a"),
        ("SELECT DATE '2026-01-01' AS a", "SELECT TIMESTAMP '2026-01-01 00:00:00' AS a"),
    ],
)
def test_types_that_cast_to_each_other_go_together(world: World, then: str, otherwise: str) -> None:
    assert world.run(choose(cache(then), cache(otherwise))).rows == 1


def test_a_branch_within_a_branch_counts(world: World) -> None:
    inner = choose(cache("SELECT 1 AS a"), cache("SELECT 2 AS a"))
    with pytest.raises(SchemaError, match="a INT, and b INT"):
        world.run(choose(inner, cache("SELECT 3 AS b")))


def test_a_branch_that_is_not_taken_may_read_a_table_that_is_not_there(world: World) -> None:
    world.run(choose(cache("SELECT 1 AS a"), cache("SELECT * FROM gone", "gone")))
    (folder,) = world.env.runs.glob("*/r1/tables/x4")
    assert pq.read_table(folder).to_pylist() == [{"a": 1}]
