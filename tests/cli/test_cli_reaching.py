from __future__ import annotations

from pathlib import Path

from sqlrec.cli.reaching import Reach
from sqlrec.settings import load
from sqlrec.spec.table import TableFormat, TableSource


def test_the_files_of_a_table_are_looked_at_once(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "t.csv"
    file.write_text("a,b\n")
    reach = Reach(load(tmp_path, {}))
    table = TableSource(name="t", format=TableFormat.WAREHOUSE)
    first = reach(table)
    assert first is not None
    assert first.names == ("a", "b")
    file.write_text("c\n")
    assert reach(TableSource(name="T", format=TableFormat.WAREHOUSE)) is first
    assert reach(TableSource(name="other", format=TableFormat.WAREHOUSE)) is None
