"""Shards of parquet files: any files, any row groups, in order or from anywhere; memory of one shard."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlrec.scoring.source import READ_ROWS, Source


def write(path: Path, first: int, rows: int, group_rows: int) -> Path:
    numbers = range(first, first + rows)
    table = pa.table({"i": pa.array(numbers, pa.int64()), "l": [[n] * (n % 3) for n in numbers]})
    typed = table.cast(pa.schema([("i", pa.int64()), ("l", pa.list_(pa.int64()))], {"told": "by a writer"}))
    pq.write_table(typed, path, row_group_size=group_rows)
    return path


@settings(deadline=None, max_examples=40)
@given(
    sizes=st.lists(st.integers(0, 60), min_size=1, max_size=4),
    group_rows=st.integers(1, 40),
    shard_rows=st.integers(1, 70),
    order=st.randoms(use_true_random=False),
)
def test_shards_are_the_rows_of_all_files(
    sizes: list[int], group_rows: int, shard_rows: int, order: random.Random
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        starts = np.cumsum([0, *sizes]).tolist()
        files = [
            write(Path(folder, f"{number}.parquet"), first, size, group_rows)
            for number, (first, size) in enumerate(zip(starts, sizes, strict=False))
        ]
        with Source(files, shard_rows) as source:
            assert source.rows == sum(sizes)
            shards = list(range(len(source.shards)))
            for wanted in (shards, order.sample(shards, len(shards))):
                for shard in wanted:
                    batch = source.read(shard)
                    assert batch.schema == source.schema
                    assert batch.num_rows == source.size(shard)
                    first = source.shards[shard]
                    numbers = list(range(first, first + batch.num_rows))
                    expected = {"i": numbers, "l": [[n] * (n % 3) for n in numbers]}
                    assert batch.to_pydict() == expected


def test_what_is_read_at_a_time_may_end_within_a_shard(tmp_path: Path) -> None:
    rows = 3 * READ_ROWS + 5
    with Source([write(tmp_path / "t.parquet", 0, rows, rows)], 1000) as source:
        read = [n for shard in range(len(source.shards)) for n in source.read(shard)["i"].to_pylist()]
    assert read == list(range(rows))


def test_a_large_row_group_is_not_read_at_once(tmp_path: Path) -> None:
    rows = 1_000_000
    table = pa.table({"x": np.random.default_rng(0).random(rows)})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=rows, use_dictionary=False)
    before = pa.total_allocated_bytes()
    with Source([tmp_path / "t.parquet"], 10_000) as source:
        assert source.read(0).equals(table.slice(0, 10_000).to_batches()[0])
        assert pa.total_allocated_bytes() - before < table.nbytes / 4


def test_a_file_that_is_replaced_is_read_as_it_was(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", 0, 100, 10)
    with Source([path], 50) as source:
        assert source.read(0)["i"].to_pylist() == list(range(50))
        write(tmp_path / "other.parquet", 1000, 100, 10).replace(path)
        assert source.read(1)["i"].to_pylist() == list(range(50, 100))
