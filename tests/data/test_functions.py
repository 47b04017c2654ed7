"""Functions that queries get: computed columns, queries with parameters, searches."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from sqlrec.data.engine import Engine
from sqlrec.data.functions import Function, ScalarFunction, TableFunction
from sqlrec.data.search import search_function
from sqlrec.errors import NameNotFoundError, RemoteError, SchemaError
from sqlrec.spec.schema import DataType
from sqlrec.spec.table import Relation, TableFormat, TableSource

BIGINT, DOUBLE = DataType.parse("BIGINT"), DataType.parse("DOUBLE")


def rows(query: str, *functions: Function, **sources: TableSource) -> list[dict[str, object]]:
    with Engine(threads=2, functions=functions) as engine:
        found: list[dict[str, object]] = engine.table(Relation(query=query, sources=sources)).to_pylist()
    return found


def add(a: pa.Array, b: pa.Array) -> pa.Array:
    return pc.add(a, b)


ADD = ScalarFunction(name="total", parameters=(BIGINT, BIGINT), returns=DOUBLE, compute=add)


def test_a_computed_function_gets_nulls_and_gives_its_type() -> None:
    query = "SELECT total(i, NULL) AS n, total(i, 2) AS s, typeof(total(i, 1)) AS t FROM range(2) AS r(i)"
    assert rows(query, ADD) == [{"n": None, "s": 2.0, "t": "DOUBLE"}, {"n": None, "s": 3.0, "t": "DOUBLE"}]


def test_a_function_is_asked_only_for_the_rows_that_need_it() -> None:
    asked: list[int] = []

    def count(a: pa.Array) -> pa.Array:
        asked.extend(a.to_pylist())
        return a

    counting = ScalarFunction(name="f", parameters=(BIGINT,), returns=BIGINT, compute=count)
    rows("SELECT CASE WHEN i % 10 = 0 THEN f(i) END AS x FROM range(10000) AS r(i)", counting)
    assert sorted(asked) == list(range(0, 10000, 10))


def test_structs_and_maps_can_be_given() -> None:
    row = DataType.parse("ROW<p DOUBLE, q STRING>")

    def split(a: pa.Array) -> pa.Array:
        return pa.StructArray.from_arrays([pc.cast(a, pa.float64()), pc.cast(a, pa.string())], ["p", "q"])

    scalar = ScalarFunction(name="split", parameters=(BIGINT,), returns=row, compute=split)
    table = TableFunction(
        name="parts", parameters=("a b",), query='FROM (SELECT split("a b") AS r) SELECT r.p AS p, r.q AS q'
    )
    query = "SELECT i, x.* FROM range(2) AS r(i) LEFT JOIN parts(r.i) AS x ON TRUE ORDER BY i"
    assert rows(query, scalar, table) == [{"i": 0, "p": 0.0, "q": "0"}, {"i": 1, "p": 1.0, "q": "1"}]


def test_what_a_function_raises_is_raised_as_it_was() -> None:
    def fail(a: pa.Array) -> pa.Array:
        raise RemoteError("SR611", "no", retriable=False, status=500)

    failing = ScalarFunction(name="fail", parameters=(BIGINT,), returns=BIGINT, compute=fail)
    with pytest.raises(RemoteError, match="SR611"):
        rows("SELECT fail(i) AS x FROM range(3) AS r(i)", failing)

    def broken(a: pa.Array) -> pa.Array:
        return 1 / 0

    wrong = ScalarFunction(name="wrong", parameters=(BIGINT,), returns=BIGINT, compute=broken)
    with pytest.raises(ZeroDivisionError):
        rows("SELECT wrong(1) AS x", wrong)
    with pytest.raises(SchemaError, match="SR403"):
        rows("SELECT total('x') AS x", ADD)


def test_a_function_that_cannot_be_made_is_told() -> None:
    nonsense = TableFunction(name="f", parameters=(), query="SELECT * FROM nowhere")
    with pytest.raises(NameNotFoundError, match=r"SR401.*nowhere"):
        rows("SELECT 1 AS x", nonsense)


# Names with dots


@pytest.fixture
def items(tmp_path: Path) -> TableSource:
    vectors = pa.array([[1.0, 0.0], [0.0, 2.0], [3.0, 4.0], None], pa.list_(pa.float32()))
    pq.write_table(pa.table({"item": ["a", "b", "c", "d"], "v": vectors}), tmp_path / "i.parquet")
    return TableSource(name="db.items", format=TableFormat.PARQUET, path=str(tmp_path / "i.parquet"))


@pytest.mark.parametrize("name", ["db.items", '"db"."items"', '"db.items"'])
def test_a_name_may_have_its_dots_in_one_pair_of_quotes(items: TableSource, name: str) -> None:
    found = rows(f"SELECT item FROM {name} AS t WHERE t.item = 'a'", **{"db.items": items})
    assert found == [{"item": "a"}]
    assert rows(f"SELECT {name}.item FROM {name} LIMIT 1", **{"db.items": items}) == [{"item": "a"}]


# Searches


def search(items: TableSource, metric: str, vector: str, *, query: str = "SELECT * FROM db.items") -> object:
    sources = {"db.items": items}
    with Engine() as engine:
        columns = engine.schema(Relation(query=query, sources=sources))
    found = search_function("near", query, columns, column="", top_k=2, metric=metric)
    return [list(row.values()) for row in rows(f"SELECT item, score FROM near({vector})", found, **sources)]


def test_the_metrics_of_a_search(items: TableSource) -> None:
    assert search(items, "cosine", "[1.0, 0.0]") == [["a", 1.0], ["c", pytest.approx(0.6)]]
    assert search(items, "dot", "[1, 1]") == [["c", 7.0], ["b", 2.0]]
    assert search(items, "euclidean", "[0.0, 1.0]") == [["b", 1.0], ["a", pytest.approx(2**0.5)]]
    assert search(items, "dot", "NULL") == []


def test_the_score_of_a_table_with_a_score(items: TableSource) -> None:
    columns = pa.schema([("score", pa.string()), ("Score0", pa.int64()), ("v", pa.list_(pa.float64()))])
    query = "SELECT 'x' AS score, 1 AS Score0, [1.0] AS v"
    found = search_function("near", query, columns, column="V", top_k=1, metric="dot")
    assert rows("SELECT * FROM near([2])", found) == [{"score": "x", "Score0": 1, "v": [1.0], "score1": 2.0}]
