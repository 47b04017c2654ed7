"""Tables in an object store are read as those on disk, and a write of them appears at one moment."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlrec.artifacts import store
from sqlrec.data import remote
from sqlrec.data.engine import Engine
from sqlrec.data.remote import stamp
from sqlrec.data.write import Mode, write_table
from sqlrec.errors import NameNotFoundError, SchemaError, SetupError, StateError
from sqlrec.spec.schema import DataType, Field, Schema
from sqlrec.spec.table import Relation, TableFormat, TableSource


def table(path: str, format: TableFormat = TableFormat.PARQUET, **more: Any) -> TableSource:
    return TableSource(name="t", format=format, path=path, **more)


def read(source: TableSource, query: str = "SELECT * FROM t") -> list[dict[str, Any]]:
    with Engine(threads=1) as engine:
        rows: list[dict[str, Any]] = engine.table(Relation(query=query, sources={"t": source})).to_pylist()
    return rows


def written(
    source: TableSource, columns: Mapping[str, list[Any]], key: str = "k", mode: Mode = "append"
) -> int:
    return write_table(pa.table(dict(columns)).to_reader(), source, key=key, mode=mode).rows


def put_parquet(place: str, columns: Mapping[str, list[Any]]) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(dict(columns)), sink)
    store.write(place, sink.getvalue().to_pybytes())


@pytest.fixture
def place(bucket: str) -> str:
    """A table's folder, with neighbours whose names begin alike."""
    put_parquet(f"{bucket}/tables/t2/a.parquet", {"a": [99]})
    store.write(f"{bucket}/tables/t.csv", b"a\n99\n")
    return f"{bucket}/tables/t"


def test_parquet_folders_with_partitions_are_read(place: str) -> None:
    put_parquet(f"{place}/dt=1/b.parquet", {"a": [3]})
    put_parquet(f"{place}/dt=1/a.parquet", {"a": [1, 2]})
    put_parquet(f"{place}/dt=2a/a.parquet", {"a": [4]})
    put_parquet(f"{place}/_old/a.parquet", {"a": [5]})
    rows = [{"a": 1, "dt": "1"}, {"a": 2, "dt": "1"}, {"a": 3, "dt": "1"}, {"a": 4, "dt": "2a"}]
    assert read(table(place)) == rows
    assert read(table(f"{place}/dt=*/a.parquet"), "SELECT a FROM t") == [{"a": 1}, {"a": 2}, {"a": 4}]
    assert read(table(f"{place}/dt=2a/a.parquet")) == [{"a": 4}]


def test_csv_files_are_read_with_their_dialect(place: str) -> None:
    store.write(f"{place}/a.csv", b"a;b\n1;x\n")
    store.write(f"{place}/b.csv.gz", gzip.compress(b"a;b\n2;y\n"))
    columns = Schema(
        (Field(name="a", type=DataType.parse("BIGINT")), Field(name="b", type=DataType.parse("STRING")))
    )
    source = table(place, TableFormat.CSV, schema=columns, options={"delimiter": ";"})
    assert read(source) == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


def test_what_is_not_there_is_named(place: str) -> None:
    for path in (place, f"{place}/a.parquet", f"{place}/*.parquet"):
        with pytest.raises(NameNotFoundError, match=r"SR401.*s3://"):
            read(table(path))
    with pytest.raises(SetupError, match=r"SR751.*no-such-bucket"):
        read(table("s3://no-such-bucket/t"))


def test_a_write_is_read_again(place: str) -> None:
    assert written(table(place), {"a": [1, 2], "s": ["x", None]}) == 2
    assert read(table(place)) == [{"a": 1, "s": "x"}, {"a": 2, "s": None}]
    assert written(table(place), {"a": [3], "s": ["z"]}, key="k2") == 1
    assert [row["a"] for row in read(table(place))] == [1, 2, 3]
    written(table(place), {"a": [4], "s": ["z"]}, key="k2")
    assert [row["a"] for row in read(table(place))] == [1, 2, 4], "the same key again replaces its own rows"
    written(table(place), {"a": [5], "s": ["z"]}, key="k3", mode="overwrite")
    assert [row["a"] for row in read(table(place))] == [5]
    left = [name for name in store.files(place) if name.startswith("_tmp")]
    assert left == ["_tmp/commit-000000000004.done", "_tmp/commit-000000000004.json"]


def test_a_write_that_does_not_fit_changes_nothing(place: str) -> None:
    written(table(place), {"a": [1]})
    before = store.files(place)
    with pytest.raises(SchemaError, match="SR410"):
        written(table(place), {"a": ["text"]}, key="k2")
    assert store.files(place) == before


def test_only_partitions_that_are_written_are_overwritten(place: str) -> None:
    source = table(place, partitions=("dt",))
    written(source, {"a": [1, 2], "dt": ["x", "y"]})
    written(source, {"a": [3], "dt": ["y"]}, key="k2", mode="overwrite")
    assert read(source, "SELECT a, dt FROM t ORDER BY a") == [{"a": 1, "dt": "x"}, {"a": 3, "dt": "y"}]


@pytest.mark.parametrize(
    ("name", "format"), [("one.csv", TableFormat.CSV), ("one.parquet", TableFormat.PARQUET)]
)
def test_a_table_of_one_file_is_replaced(bucket: str, name: str, format: TableFormat) -> None:
    source = table(f"{bucket}/{name}", format)
    written(source, {"a": [1]}, mode="overwrite")
    written(source, {"a": [2]}, mode="overwrite")
    assert read(source) == [{"a": 2}]
    with pytest.raises(StateError, match="SR409"):
        written(source, {"a": [3]})


class Cut(Exception):
    """The writer died here."""


@pytest.mark.parametrize("step", ["create", "copy", "remove"])
def test_a_write_that_was_cut_off_is_there_or_not(
    place: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(table(place), {"a": [1]})

    def cut(*arguments: object) -> None:
        raise Cut

    with monkeypatch.context() as patched:
        patched.setattr(store, step, cut)
        with pytest.raises(Cut):
            written(table(place), {"a": [2]}, key="k2", mode="overwrite")
    there = [{"a": 1}] if step == "create" else [{"a": 2}]
    assert read(table(place)) == there
    written(table(place), {"a": [3]}, key="k3")
    assert read(table(place)) == [*there, {"a": 3}]
    assert len([name for name in store.files(place) if name.endswith(".parquet")]) == 3 - (step != "create")


def test_writers_at_once_lose_nothing(place: str) -> None:
    keys = ["a", "b", "c", "d"]
    with ThreadPoolExecutor(len(keys)) as pool:
        list(pool.map(lambda key: written(table(place), {"a": [ord(key)]}, key=key), keys))
    assert [row["a"] for row in read(table(place))] == [97, 98, 99, 100]


def test_of_overwrites_at_once_one_remains(place: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: written(table(place), {"a": [n]}, key=f"k{n}", mode="overwrite"), range(4)))
    assert len(read(table(place))) == 1


def test_a_file_that_changes_has_another_stamp(bucket: str, tmp_path: Path) -> None:
    for file in (f"{bucket}/a.csv", str(tmp_path / "a.csv")):
        store.write(file, b"1")
        before = stamp(file)
        assert stamp(file) == before
        store.write(file, b"22")
        assert stamp(file) != before
    assert remote.find(table(f"{bucket}/a.csv", TableFormat.CSV)) == [f"{bucket}/a.csv"]
