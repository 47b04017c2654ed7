"""Files of scored shards: whole, and no dictionary of what hardly repeats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sqlrec.scoring.shards import GROUP_ROWS, opened


def encodings(path: Path) -> dict[str, bool]:
    """Whether each column of a parquet file has a dictionary."""
    group = pq.read_metadata(path).row_group(0)
    columns = (group.column(number) for number in range(group.num_columns))
    return {column.path_in_schema: column.has_dictionary_page for column in columns}


def test_fractions_of_the_model_have_no_dictionary(tmp_path: Path) -> None:
    rows = 1000
    whole = pa.array([n % 7 for n in range(rows)])
    half = pa.array([n / 2 for n in range(rows)], pa.float32())
    lists = pa.array([[n / 2] for n in range(rows)])
    pair = pa.array([{"at": n / 2, "of": n} for n in range(rows)])
    named = pa.array([[("a", n / 2)] for n in range(rows)], pa.map_(pa.string(), pa.float64()))
    nested = pa.array([[[n / 2]] for n in range(rows)])
    given = {"user": whole, "price": half, "a.b": whole, "seen": lists}
    made = {"probs": half, "label": whole, "vector": lists, "pair": pair, "named": named, "nested": nested}
    batch = pa.record_batch({**given, **made})
    with opened(tmp_path / "state", "digest") as shards:
        shards.publish(0, [batch.slice(0, 600), batch.slice(600)], len(given))
        (file,) = shards.files(1)
        assert pq.read_table(file).combine_chunks().to_batches()[0].equals(batch)
        assert encodings(file) == {
            "user": True,
            "price": True,
            "a.b": True,
            "seen.list.element": True,
            "probs": False,
            "label": True,
            "vector.list.element": False,
            "pair.at": False,
            "pair.of": True,
            "named.key_value.key": True,
            "named.key_value.value": False,
            "nested.list.element.list.element": False,
        }


def test_scores_take_no_more_space_than_they_need(tmp_path: Path) -> None:
    rows = GROUP_ROWS // 2
    random = np.random.default_rng(0)
    batch = pa.record_batch({"user": random.integers(0, 100, rows), "probs": random.random(rows, np.float32)})
    with opened(tmp_path / "state", "digest") as shards:
        shards.publish(0, [batch], 1)
        (file,) = shards.files(1)
        assert file.stat().st_size < rows * 5
        pq.write_table(pa.table(batch), tmp_path / "default.parquet", compression="zstd")
        assert file.stat().st_size < (tmp_path / "default.parquet").stat().st_size
