"""Looking tables up in the warehouse."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlrec.data.source import known_tables, resolve
from sqlrec.errors import NameNotFoundError
from sqlrec.spec.table import TableFormat, TableSource


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    for file in (
        "users/part-0.parquet",
        "visits.parquet",
        "items.csv",
        "logs/a.csv",
        "shop/orders/dt=1/part.parquet",
        "shop/returns.csv",
        "clicks/dt=1/part.parquet",
        "_tmp/x.parquet",
    ):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    return root


def look_up(warehouse: Path, name: str) -> TableSource:
    source = TableSource(name=name, format=TableFormat.WAREHOUSE)
    return resolve(source, project=warehouse.parent, warehouse=warehouse)


@pytest.mark.parametrize(
    ("name", "path", "format"),
    [
        ("users", "users", TableFormat.PARQUET),
        ("Users", "users", TableFormat.PARQUET),
        ("visits", "visits.parquet", TableFormat.PARQUET),
        ("items", "items.csv", TableFormat.CSV),
        ("logs", "logs", TableFormat.CSV),
        ("shop.orders", "shop/orders", TableFormat.PARQUET),
        ("SHOP.Returns", "shop/returns.csv", TableFormat.CSV),
    ],
)
def test_names_are_found(warehouse: Path, name: str, path: str, format: TableFormat) -> None:
    found = look_up(warehouse, name)
    assert (found.path, found.format, found.name) == (str(warehouse / path), format, name)


def test_a_missing_table_says_where_it_was_looked_for_and_what_is_near(warehouse: Path) -> None:
    with pytest.raises(NameNotFoundError) as caught:
        look_up(warehouse, "user")
    assert caught.value.code == "SR401"
    for place in ("user", "user.parquet", "user.csv"):
        assert str(warehouse / place) in caught.value.message
    assert "'users'" in caught.value.hint


def test_an_empty_or_absent_warehouse(tmp_path: Path) -> None:
    with pytest.raises(NameNotFoundError, match="CREATE TABLE"):
        look_up(tmp_path / "none", "t")


def test_all_tables_are_listed_when_none_is_near(warehouse: Path) -> None:
    assert sorted(known_tables(warehouse)) == [
        "clicks",
        "items",
        "logs",
        "shop.orders",
        "shop.returns",
        "users",
        "visits",
    ]
    with pytest.raises(NameNotFoundError, match=r"clicks, items, .*shop\.orders"):
        look_up(warehouse, "zzz")


def test_partitions_that_lie_in_the_warehouse_itself_are_no_tables(warehouse: Path) -> None:
    before = sorted(known_tables(warehouse))
    for day in ("dt=2026-01-01", "dt=2026-01-02"):
        (warehouse / day).mkdir()
        (warehouse / day / "part-0.parquet").touch()
    assert sorted(known_tables(warehouse)) == before
    with pytest.raises(NameNotFoundError) as caught:
        look_up(warehouse, "dt")
    assert "dt=" not in caught.value.hint


def test_declared_paths_are_those_of_the_project(tmp_path: Path) -> None:
    source = TableSource(name="t", format=TableFormat.CSV, path="in/*.csv", options={"header": "false"})
    found = resolve(source, project=tmp_path, warehouse=tmp_path / "data")
    assert found.path == str(tmp_path / "in/*.csv")
    assert found.options == source.options
    absolute = TableSource(name="t", format=TableFormat.PARQUET, path="/x/y.parquet")
    assert resolve(absolute, project=tmp_path, warehouse=tmp_path).path == "/x/y.parquet"
