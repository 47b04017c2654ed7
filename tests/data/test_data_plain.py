"""Tables of parquet files that are read without the engine: only where it gives the same columns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlrec.data.engine import Engine
from sqlrec.data.plain import NUMBERS, plain_table
from sqlrec.errors import DataError
from sqlrec.spec.schema import DataType, Field, Schema
from sqlrec.spec.table import Relation, TableFormat, TableSource


def table(path: Path, query: str = "SELECT * FROM t") -> Relation:
    source = TableSource(name="t", format=TableFormat.PARQUET, path=str(path))
    return Relation(query=query, sources={"t": source})


def written(path: Path, columns: pa.Table) -> Relation:
    pq.write_table(columns, path)
    return table(path)


def test_what_is_known_is_what_the_engine_gives(tmp_path: Path) -> None:
    types = sorted(NUMBERS, key=str)
    columns = pa.table({str(kind): pa.array([None, 1], pa.int8()).cast(kind) for kind in types})
    relation = written(tmp_path / "t.parquet", columns.replace_schema_metadata({"told": "by a writer"}))
    plain = plain_table(relation)
    assert plain is not None
    assert plain.is_known
    with Engine(threads=1) as engine:
        read = engine.table(relation)
    assert plain.columns.equals(read.schema, check_metadata=True)
    assert read.equals(columns)


@pytest.mark.parametrize(
    "columns",
    [
        pa.table({"a": [1], "b": ["x"]}),
        pa.table({"a": pa.array([1], pa.uint8())}),
        pa.table({"a": [1], "A": [2]}),
        pa.table({"a": [1]}, schema=pa.schema([pa.field("a", pa.int64(), nullable=False)])),
    ],
    ids=["text", "unsigned", "names differ in case", "not null"],
)
def test_of_other_columns_the_engine_is_asked(tmp_path: Path, columns: pa.Table) -> None:
    plain = plain_table(written(tmp_path / "t.parquet", columns))
    assert plain is not None
    assert plain.columns.equals(columns.schema)
    assert not plain.is_known


def test_of_declared_columns_the_engine_is_asked(tmp_path: Path) -> None:
    relation = written(tmp_path / "t.parquet", pa.table({"a": [1]}))
    declared = Schema((Field(name="a", type=DataType.parse("DOUBLE")),))
    relation = replace(relation, sources={"t": replace(relation.sources["t"], schema=declared)})
    plain = plain_table(relation)
    assert plain is not None
    assert not plain.is_known


def test_files_of_a_folder_in_order(tmp_path: Path) -> None:
    for name, column in (("2", "a"), ("1", "a")):
        written(tmp_path / f"{name}.parquet", pa.table({column: [int(name)]}))
    plain = plain_table(table(tmp_path))
    assert plain is not None
    assert [Path(file).stem for file in plain.files] == ["1", "2"]
    written(tmp_path / "3.parquet", pa.table({"other": [3]}))
    assert plain_table(table(tmp_path)) is None


def test_what_is_more_than_a_table_of_files(tmp_path: Path) -> None:
    written(tmp_path / "t.parquet", pa.table({"a": [1]}))
    for query in ("SELECT a FROM t", "SELECT * FROM t LIMIT 1", "SELECT * FROM u"):
        assert plain_table(table(tmp_path / "t.parquet", query)) is None
    (tmp_path / "p" / "day=1").mkdir(parents=True)
    written(tmp_path / "p" / "day=1" / "t.parquet", pa.table({"a": [1]}))
    assert plain_table(table(tmp_path / "p")) is None


def test_a_file_that_cannot_be_read_is_the_engines(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"PAR1 no more of it PAR1")
    relation = table(tmp_path / "t.parquet")
    assert plain_table(relation) is None
    with Engine(threads=1) as engine, pytest.raises(DataError):
        engine.schema(relation)
