"""The embedded engine on real files: types, partitions, order, CSV dialects, and what it says of bad data."""

from __future__ import annotations

import datetime
import gzip
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlrec.data.engine import Engine
from sqlrec.errors import DataError, NameNotFoundError, SchemaError, SqlRecError
from sqlrec.spec.schema import DataType, Field, Schema
from sqlrec.spec.table import Relation, TableFormat, TableSource


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(threads=2) as made:
        yield made


def schema(**columns: str) -> Schema:
    return Schema(tuple(Field(name=n, type=DataType.parse(t)) for n, t in columns.items()))


def parquet(path: Path, **columns: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def source(
    path: Path | str,
    format: TableFormat = TableFormat.PARQUET,
    *,
    schema: Schema = Schema(),
    partitions: tuple[str, ...] = (),
    options: Mapping[str, str] = MappingProxyType({}),
) -> TableSource:
    return TableSource(
        name="t", format=format, path=str(path), schema=schema, partitions=partitions, options=options
    )


def everything(table: TableSource) -> Relation:
    return Relation(query="SELECT * FROM t", sources={"t": table})


def csv_file(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


class TestQueries:
    def test_declared_schema_is_exactly_what_comes_out(self, engine: Engine, tmp_path: Path) -> None:
        file = parquet(
            tmp_path / "a.parquet", ID=pa.array([1, 2], pa.int64()), x=[1.5, None], extra=["p", "q"]
        )
        relation = everything(source(file, schema=schema(x="DOUBLE", id="INT")))
        assert engine.schema(relation) == pa.schema([("x", pa.float64()), ("id", pa.int32())])
        assert engine.table(relation).to_pylist() == [{"x": 1.5, "id": 1}, {"x": None, "id": 2}]

    def test_engine_types_become_types_of_the_dialect(self, engine: Engine) -> None:
        query = """SELECT sum(i::INT) AS s, 1::UTINYINT AS u, 'a'::ENUM('a') AS e, [1::HUGEINT] AS h,
                   '2024-01-01'::TIMESTAMP_NS AS n, now() AS z, [1.5]::FLOAT[1] AS f, NULL AS v,
                   {'k': 1::UINTEGER} AS r
                   FROM range(3) t(i)"""
        got = engine.schema(Relation(query=query))
        assert got.types == [
            pa.int64(),
            pa.int16(),
            pa.string(),
            pa.list_(pa.int64()),
            pa.timestamp("us"),
            pa.timestamp("us", tz="UTC"),
            pa.list_(pa.float32()),
            pa.string(),
            pa.struct([("k", pa.int64())]),
        ]
        rows = engine.table(Relation(query=query))
        assert rows.schema == got
        assert rows.column("s").to_pylist() == [3]
        assert rows.column("h").to_pylist() == [[1]]

    def test_parameters_are_values_never_text(self, engine: Engine, tmp_path: Path) -> None:
        file = parquet(
            tmp_path / "a.parquet", s=["x' OR true --", "y"], d=[datetime.date(2024, 1, d) for d in (1, 2)]
        )
        table = source(file)
        by_text = Relation(
            query="SELECT s FROM t WHERE s = $p1", sources={"t": table}, parameters={"p1": "x' OR true --"}
        )
        assert engine.table(by_text).to_pylist() == [{"s": "x' OR true --"}]
        by_date = Relation(
            query="FROM t WHERE d > $p1", sources={"t": table}, parameters={"p1": "2024-01-01"}
        )
        assert engine.count(by_date) == 1
        unused = Relation(query="SELECT 1 AS a", parameters={"p1": "x"})
        assert engine.count(unused) == 1

    def test_scan_order_is_that_of_the_files(self, engine: Engine, tmp_path: Path) -> None:
        for part in range(4):
            numbers = pa.array(range(part * 50_000, (part + 1) * 50_000))
            pq.write_table(pa.table({"i": numbers}), tmp_path / f"{part}.parquet", row_group_size=3000)
        relation = Relation(query="SELECT i FROM t WHERE i % 3 = 0", sources={"t": source(tmp_path)})
        assert engine.table(relation).column("i").to_pylist() == list(range(0, 200_000, 3))

    def test_batches_are_bounded_and_streamed(self, engine: Engine) -> None:
        reader = engine.reader(Relation(query="SELECT i FROM range(50000) t(i)"), batch_rows=2048)
        sizes = [batch.num_rows for batch in reader]
        assert sum(sizes) == 50_000
        assert max(sizes) <= 2048

    def test_two_relations_may_use_one_name_at_once(self, engine: Engine, tmp_path: Path) -> None:
        first = parquet(tmp_path / "1.parquet", a=[1])
        second = parquet(tmp_path / "2.parquet", a=[2])
        readers = [engine.reader(everything(source(file))) for file in (first, second)]
        assert [r.read_all().to_pylist() for r in readers] == [[{"a": 1}], [{"a": 2}]]

    @pytest.mark.parametrize("name", ["db.t", "lake.db.t", "order"])
    def test_qualified_and_odd_names(self, engine: Engine, tmp_path: Path, name: str) -> None:
        table = source(parquet(tmp_path / "1.parquet", a=[7]))
        quoted = ".".join(f'"{part}"' for part in name.split("."))
        relation = Relation(query=f"SELECT a FROM {quoted}", sources={name: table})
        assert engine.table(relation).to_pylist() == [{"a": 7}]

    def test_an_interrupt_may_come_at_the_end_of_a_query(self, engine: Engine) -> None:
        def work() -> None:
            for _ in range(10):
                with suppress(DataError):
                    engine.count(Relation(query="SELECT 1"))

        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(work)
            while not running.done():
                engine.interrupt()
        running.result()

    def test_nothing_is_left_on_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        spilled = tmp_path / "spill"
        spilled.mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(spilled))
        with Engine(threads=2, memory="60MB") as small:
            query = "SELECT i, md5(i::VARCHAR) AS h FROM range(2000000) t(i) ORDER BY h"
            reader = small.reader(Relation(query=query))
            assert reader.read_next_batch().num_rows > 0
            assert list(spilled.rglob("*"))
        assert list(tmp_path.rglob("*")) == [spilled]


class TestPartitions:
    def table(self, root: Path) -> Path:
        for day in ("1", "007", "a b=/c"):
            folder = {"a b=/c": "a%20b%3D%2Fc"}.get(day, day)
            parquet(root / f"dt={folder}" / "part.parquet", x=[len(day)])
        parquet(root / "dt=__HIVE_DEFAULT_PARTITION__" / "part.parquet", x=[0])
        return root

    def test_partition_columns_are_text_unless_declared(self, engine: Engine, tmp_path: Path) -> None:
        relation = everything(source(self.table(tmp_path / "t")))
        days = engine.table(relation).column("dt").to_pylist()
        assert sorted(map(str, days)) == ["007", "1", "None", "a b=/c"]

    def test_declared_type_of_a_partition_column(self, engine: Engine, tmp_path: Path) -> None:
        parquet(tmp_path / "DT=2024-01-02" / "a.parquet", x=[1])
        table = source(tmp_path, schema=schema(x="BIGINT", dt="DATE"), partitions=("dt",))
        assert engine.table(everything(table)).to_pylist() == [{"x": 1, "dt": datetime.date(2024, 1, 2)}]

    def test_a_filter_on_a_partition_opens_no_other_file(self, engine: Engine, tmp_path: Path) -> None:
        parquet(tmp_path / "dt=1" / "a.parquet", x=[1])
        parquet(tmp_path / "dt=2" / "a.parquet", x=[2])
        (tmp_path / "dt=3").mkdir()
        (tmp_path / "dt=3" / "a.parquet").write_bytes(b"PAR1 this is no parquet file")
        declared = source(tmp_path, schema=schema(x="BIGINT", dt="STRING"), partitions=("dt",))
        for table in (declared, source(tmp_path)):
            pruned = Relation(
                query="SELECT x FROM t WHERE dt = $p1", sources={"t": table}, parameters={"p1": "2"}
            )
            assert engine.table(pruned).to_pylist() == [{"x": 2}]
            with pytest.raises(DataError):
                engine.table(everything(table))

    def test_folders_above_the_table_are_no_partitions(self, engine: Engine, tmp_path: Path) -> None:
        parquet(tmp_path / "run=7" / "t" / "dt=1" / "a.parquet", x=[1])
        assert engine.schema(everything(source(tmp_path / "run=7" / "t"))).names == ["x", "dt"]

    def test_hidden_files_and_folders_are_no_data(self, engine: Engine, tmp_path: Path) -> None:
        parquet(tmp_path / "a.parquet", x=[1])
        for hidden in ("_tmp/k/b.parquet", "_SUCCESS.parquet", ".c.parquet"):
            parquet(tmp_path / hidden, x=[2])
        (tmp_path / "README.md").write_text("no data")
        assert engine.count(everything(source(tmp_path))) == 1

    def test_globs_and_names_with_glob_characters(self, engine: Engine, tmp_path: Path) -> None:
        parquet(tmp_path / "a[1].parquet", x=[1])
        parquet(tmp_path / "a1.parquet", x=[2])
        parquet(tmp_path / "b.parquet", x=[3])
        assert engine.table(everything(source(tmp_path / "a[1].parquet"))).to_pylist() == [{"x": 1}]
        assert engine.count(everything(source(tmp_path / "a*.parquet"))) == 2
        with pytest.raises(NameNotFoundError, match="no file matches"):
            engine.count(everything(source(tmp_path / "z*.parquet")))

    def test_empty_folder(self, engine: Engine, tmp_path: Path) -> None:
        declared = everything(source(tmp_path, schema=schema(x="ARRAY<INT>")))
        assert engine.table(declared).num_rows == 0
        assert engine.schema(declared) == pa.schema([("x", pa.list_(pa.int32()))])
        with pytest.raises(DataError, match="is empty") as caught:
            engine.table(everything(source(tmp_path)))
        assert caught.value.code == "SR408"


class TestCsv:
    def test_header_order_does_not_matter(self, engine: Engine, tmp_path: Path) -> None:
        file = csv_file(tmp_path / "a.csv", "b,extra,A\nx,1,2\n")
        table = source(file, TableFormat.CSV, schema=schema(a="INT", b="STRING"))
        assert engine.table(everything(table)).to_pylist() == [{"a": 2, "b": "x"}]

    def test_null_and_empty_text_differ(self, engine: Engine, tmp_path: Path) -> None:
        file = csv_file(tmp_path / "a.csv", 'a,b\n,""\n1,\n')
        table = source(file, TableFormat.CSV, schema=schema(a="INT", b="STRING"))
        assert engine.table(everything(table)).to_pylist() == [{"a": None, "b": ""}, {"a": 1, "b": None}]

    def test_options(self, engine: Engine, tmp_path: Path) -> None:
        file = csv_file(tmp_path / "a.dat", "1::NA::x,y\n2::7::z\n")
        table = source(
            file,
            TableFormat.CSV,
            schema=schema(a="INT", b="INT", c="STRING"),
            options={"header": "false", "delimiter": "::", "null_value": "NA"},
        )
        assert engine.table(everything(table)).to_pylist() == [
            {"a": 1, "b": None, "c": "x,y"},
            {"a": 2, "b": 7, "c": "z"},
        ]

    def test_undeclared_types_are_guessed_and_bom_and_gzip_read(self, engine: Engine, tmp_path: Path) -> None:
        (tmp_path / "a.csv.gz").write_bytes(gzip.compress("\ufeffa\tb\n1\t2.5\n".encode()))
        table = source(tmp_path, TableFormat.CSV, options={"delimiter": "\\t"})
        assert engine.table(everything(table)).to_pylist() == [{"a": 1, "b": 2.5}]
        declared = source(
            tmp_path, TableFormat.CSV, options={"delimiter": "\\t"}, schema=schema(a="STRING", b="FLOAT")
        )
        assert engine.table(everything(declared)).to_pylist() == [{"a": "1", "b": 2.5}]

    def test_hive_partitions(self, engine: Engine, tmp_path: Path) -> None:
        (tmp_path / "dt=01").mkdir()
        csv_file(tmp_path / "dt=01" / "a.csv", "a\n5\n")
        table = source(tmp_path, TableFormat.CSV, schema=schema(a="INT", dt="STRING"), partitions=("dt",))
        assert engine.table(everything(table)).to_pylist() == [{"a": 5, "dt": "01"}]

    @pytest.mark.parametrize("declared", [True, False])
    @pytest.mark.parametrize(
        ("content", "code", "words"),
        [
            (b"a,b\n1,x\n2,caf\xe9\n", "SR405", "line 3: the text is not UTF-8"),
            (b"a,b\n1,x\n2\n", "SR405", "line 3: expected 2 columns, found 1"),
            (b"a,b\n1,x\n2,y,z\n", "SR405", "line 3: expected 2 columns, found 3"),
            (b'a,b\n1,x\n2,"y\n', "SR405", "line 3: a quoted value has no end"),
            (b"a,b\n" + b"1,x\n" * 30_000 + b"oops,y\n", "SR404", "line 30002, column 'a': 'oops' is no"),
        ],
    )
    def test_bad_files_name_the_line(
        self, engine: Engine, tmp_path: Path, content: bytes, code: str, words: str, declared: bool
    ) -> None:
        file = csv_file(tmp_path / "bad.csv", content)
        wanted = schema(a="INT", b="STRING") if declared else Schema()
        with pytest.raises(DataError) as caught:
            engine.table(everything(source(file, TableFormat.CSV, schema=wanted)))
        assert caught.value.code == code
        assert str(file) in caught.value.message
        assert words in caught.value.message
        assert caught.value.hint

    def test_bad_header_line(self, engine: Engine, tmp_path: Path) -> None:
        wanted = schema(a="INT")
        for content, words in ((b"\xe9,b\n1,2\n", "line 1: the text is not UTF-8"), (b"", "is empty")):
            file = csv_file(tmp_path / "bad.csv", content)
            with pytest.raises(DataError, match=words):
                engine.table(everything(source(file, TableFormat.CSV, schema=wanted)))


class TestErrors:
    def error(self, engine: Engine, relation: Relation) -> SqlRecError:
        with pytest.raises(SqlRecError) as caught:
            engine.table(relation)
        assert "LINE 1" not in caught.value.message
        return caught.value

    def test_declared_column_missing_in_the_file(self, engine: Engine, tmp_path: Path) -> None:
        file = parquet(tmp_path / "a.parquet", user_id=[1], age=[2])
        error = self.error(engine, everything(source(file, schema=schema(user_idd="INT", ages="INT"))))
        assert isinstance(error, SchemaError)
        assert error.code == "SR406"
        assert "'user_idd', 'ages'" in error.message
        assert "'user_id'" in error.hint

    def test_fractions_do_not_become_whole_numbers(self, engine: Engine, tmp_path: Path) -> None:
        file = parquet(tmp_path / "a.parquet", x=[2.7])
        error = self.error(engine, everything(source(file, schema=schema(x="INT"))))
        assert (error.code, "DOUBLE" in error.message) == ("SR406", True)

    @pytest.mark.parametrize(
        ("query", "kind", "code", "words"),
        [
            ("SELECT agee FROM t", NameNotFoundError, "SR402", "'agee'"),
            ("SELECT t.agee FROM t", NameNotFoundError, "SR402", "'agee'"),
            ("SELECT age FROM tt", NameNotFoundError, "SR401", "'tt'"),
            ("SELEC age FROM t", SchemaError, "SR403", "syntax error"),
            ("SELECT nosuch(age) FROM t", SchemaError, "SR403", "nosuch"),
            ("SELECT CAST(name AS INT) FROM t", DataError, "SR404", "'x'"),
            ("SELECT age, name AS Age FROM t", SchemaError, "SR403", "two columns"),
            ("SELECT INTERVAL 1 DAY AS i FROM t", SchemaError, "SR411", "INTERVAL"),
            ("DROP TABLE t", SchemaError, "SR403", "one query"),
            ("COPY t TO 'x'", SchemaError, "SR403", "one query"),
            ("", SchemaError, "SR403", "one query"),
        ],
    )
    def test_query_errors(
        self, engine: Engine, tmp_path: Path, query: str, kind: type[SqlRecError], code: str, words: str
    ) -> None:
        file = parquet(tmp_path / "a.parquet", age=[1], name=["x"])
        error = self.error(engine, Relation(query=query, sources={"t": source(file)}))
        assert (type(error), error.code) == (kind, code)
        assert words in error.message
        if kind is NameNotFoundError:
            assert error.hint

    def test_an_error_in_the_middle_of_a_stream(self, engine: Engine) -> None:
        query = "SELECT CAST(CASE WHEN i = 70000 THEN 'bad' ELSE '1' END AS INT) AS c FROM range(200000) t(i)"
        reader = engine.reader(Relation(query=query), batch_rows=2048)
        with pytest.raises(DataError, match="'bad'"):
            list(reader)

    def test_unreadable_files(self, engine: Engine, tmp_path: Path) -> None:
        (tmp_path / "a.parquet").write_bytes(b"this is no parquet file at all")
        assert self.error(engine, everything(source(tmp_path / "a.parquet"))).code == "SR407"
        assert self.error(engine, everything(source(tmp_path / "none.parquet"))).code == "SR401"
        assert self.error(engine, everything(source(""))).code == "SR401"

    def test_files_with_different_columns(self, engine: Engine, tmp_path: Path) -> None:
        parquet(tmp_path / "t" / "1.parquet", a=[1])
        parquet(tmp_path / "t" / "2.parquet", b=[1])
        error = self.error(engine, everything(source(tmp_path / "t")))
        assert error.code == "SR406"

    def test_wrong_memory_setting(self) -> None:
        with Engine(memory="much") as wrong, pytest.raises(SqlRecError):
            wrong.count(Relation(query="SELECT 1 AS a"))
