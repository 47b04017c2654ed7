"""A table write that is killed before each of its file operations, one after the other."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from sqlrec.data.engine import Engine
from sqlrec.data.write import Mode, write_table
from sqlrec.spec.schema import DataType, Field, Schema
from sqlrec.spec.table import Relation, TableFormat, TableSource

COLUMNS = Schema(tuple(Field(name=n, type=DataType.parse(t)) for n, t in (("x", "BIGINT"), ("dt", "STRING"))))


def table(path: Path) -> TableSource:
    return TableSource(
        name="t", format=TableFormat.PARQUET, path=str(path), schema=COLUMNS, partitions=("dt",)
    )


def write(to: TableSource, rows: list[dict[str, object]], key: str, mode: Mode) -> None:
    write_table(pa.Table.from_pylist(rows).to_reader(), to, key=key, mode=mode)


CRASH = """
    import os, shutil, signal, sys
    from pathlib import Path
    import pyarrow as pa
    import pyarrow.acero  # else each child imports it anew
    from sqlrec.data.write import write_table
    from sqlrec.spec.schema import DataType, Field, Schema
    from sqlrec.spec.table import TableFormat, TableSource

    base, mode = Path(sys.argv[1]), sys.argv[2]
    pairs = (("x", "BIGINT"), ("dt", "STRING"))
    columns = Schema(tuple(Field(name=n, type=DataType.parse(t)) for n, t in pairs))
    EVENTS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "fcntl.flock", "os.scandir"}

    def child(point):
        left = point
        root = base / str(point)
        shutil.copytree(base.parent / "seed", root)

        def hook(event, args):
            nonlocal left
            if event in EVENTS:
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
        table = pa.table({"x": [10, 20, 30], "dt": ["a", "b", "b"]})
        to = TableSource(
            name="t", format=TableFormat.PARQUET, path=str(root), schema=columns, partitions=("dt",)
        )
        sys.addaudithook(hook)
        write_table(table.to_reader(max_chunksize=2), to, key="k", mode=mode)
        os._exit(0)

    point = 0
    while True:
        pid = os.fork()
        if pid == 0:
            child(point)
        _, status = os.waitpid(pid, 0)
        if status == 0:
            break
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, status
        point += 1
    print(point)
"""


def read_all(tables: Sequence[TableSource]) -> list[list[dict[str, object]]]:
    """Rows of each table, with one query over all of them."""
    names = [f"t{number}" for number in range(len(tables))]
    union = " UNION ALL ".join(f"SELECT {number} AS n, x, dt FROM t{number}" for number in range(len(tables)))
    relation = Relation(query=f"{union} ORDER BY n, x", sources=dict(zip(names, tables, strict=True)))
    found: list[list[dict[str, object]]] = [[] for _ in tables]
    with Engine(threads=1) as engine:
        for row in engine.table(relation).to_pylist():
            found[row.pop("n")].append(row)
    return found


@pytest.mark.parametrize("mode", ["append", "overwrite"])
def test_killed_at_every_file_operation(tmp_path: Path, mode: Mode) -> None:
    """A reader meets the old rows or the new ones, and the same write again gives the new ones."""
    old = [{"x": 1, "dt": "a"}, {"x": 2, "dt": "c"}]
    write(table(tmp_path / "seed"), old, "seed", "append")
    base = tmp_path / "crash"
    script = tmp_path / "crash.py"
    script.write_text(textwrap.dedent(CRASH))
    done = subprocess.run(
        [sys.executable, str(script), str(base), mode],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    points = int(done.stdout)
    assert points > 20
    added = [{"x": 10, "dt": "a"}, {"x": 20, "dt": "b"}, {"x": 30, "dt": "b"}]
    new = sorted([*(old if mode == "append" else old[1:]), *added], key=lambda row: str(row["x"]).zfill(2))
    tables = [table(base / str(p)) for p in range(points + 1)]
    seen = read_all(tables)
    assert [p for p, rows in enumerate(seen) if rows not in (old, new)] == []
    assert old in seen
    assert new in seen[:-1]
    for to in tables:
        write(to, added, "k", mode)
    assert [p for p, rows in enumerate(read_all(tables)) if rows != new] == []
    for to in tables:
        assert not (Path(to.path) / "_tmp").exists()
        left = [p for p in Path(to.path).rglob("*") if p.is_file()]
        assert len(left) == (4 if mode == "append" else 3)
