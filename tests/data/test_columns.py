from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlrec.data.columns import read_columns
from sqlrec.spec.schema import Schema
from sqlrec.spec.table import TableFormat, TableSource


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """Tables of every kind."""
    rows = pa.table({"u": pa.array([1], pa.int64()), "Name": ["a"]})
    parted = tmp_path / "db" / "clicks" / "dt=2026-01-01" / "hr=1"
    parted.mkdir(parents=True)
    pq.write_table(rows, parted / "part-0.parquet")
    (tmp_path / "db" / "clicks" / "_tmp").mkdir()
    (tmp_path / "db" / "clicks" / "_tmp" / "draft.parquet").write_bytes(b"no parquet")
    pq.write_table(rows, tmp_path / "one.parquet")
    (tmp_path / "plain.csv").write_text('u,"a,b",\n1,2,3\n')
    with gzip.open(tmp_path / "zipped.csv.gz", "wt") as file:
        file.write("x|y\n")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and nothing else")
    (tmp_path / "latin.csv").write_bytes(b"gr\xf6\xdfe\n")
    (tmp_path / "empty").mkdir()
    return tmp_path


def columns(
    warehouse: Path, name: str = "t", path: str = "", format: str = "warehouse", **options: str
) -> str:
    table = TableSource(name=name, format=TableFormat(format), path=path, options=options)
    found = read_columns(table, project=warehouse, warehouse=warehouse)
    return shown(found) if found is not None else "out of reach"


def shown(schema: Schema) -> str:
    return ", ".join(f"{f.name} {f.type}" for f in schema)


def test_parquet_tells_names_and_types_and_folders_tell_partitions(warehouse: Path) -> None:
    assert columns(warehouse, "db.clicks") == "u BIGINT, Name STRING, dt STRING, hr STRING"
    assert columns(warehouse, "DB.Clicks") == columns(warehouse, "db.clicks")
    assert columns(warehouse, "one") == "u BIGINT, Name STRING"
    assert columns(warehouse, path="one.parquet", format="parquet") == "u BIGINT, Name STRING"
    scanned = columns(warehouse, path="db/clicks/*/*/*.parquet", format="parquet")
    assert scanned.endswith("dt STRING, hr STRING")
    assert columns(warehouse, path=str(warehouse / "db/clicks/dt=2026-01-01"), format="parquet") == (
        "u BIGINT, Name STRING, hr STRING"
    )


def test_csv_tells_names(warehouse: Path) -> None:
    assert columns(warehouse, "plain") == "u VARIANT, a,b VARIANT, column2 VARIANT"
    zipped = columns(warehouse, path="zipped.csv.gz", format="csv", delimiter="|")
    assert zipped == "x VARIANT, y VARIANT"


@pytest.mark.parametrize(
    ("name", "path", "format", "options"),
    [
        ("nowhere", "", "warehouse", {}),
        ("empty", "", "warehouse", {}),
        ("broken", "", "warehouse", {}),
        ("latin", "", "warehouse", {}),
        ("t", "no/such/*.parquet", "parquet", {}),
        ("t", "clicks/dt={{ ds }}", "parquet", {}),
        ("t", "plain.csv", "csv", {"header": "false"}),
        ("t", "", "cache", {}),
    ],
)
def test_what_is_out_of_reach(
    warehouse: Path, name: str, path: str, format: str, options: dict[str, str]
) -> None:
    assert columns(warehouse, name, path, format, **options) == "out of reach"


def test_a_csv_file_is_read_without_a_heavy_library(warehouse: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from sqlrec.data.columns import read_columns;"
        "from sqlrec.spec.table import TableFormat, TableSource; here = Path(sys.argv[1]);"
        "print(read_columns(TableSource(name='plain', format=TableFormat.WAREHOUSE), project=here,"
        " warehouse=here).names, {'pyarrow', 'duckdb'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(warehouse)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "('u', 'a,b', 'column2') set()\n"
