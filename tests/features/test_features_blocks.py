"""Fitting on a stream: any cut into blocks gives the encoder of the whole table; memory stays bounded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlrec.errors import DataError
from sqlrec.features import counts, fitting, numeric
from sqlrec.features.counts import Counts
from sqlrec.features.encoder import FeatureConfig, fit
from sqlrec.spec.schema import DataType

START = datetime(2026, 1, 1)
TYPES = {
    "city": "STRING",
    "user": "BIGINT",
    "last_users": "ARRAY<BIGINT>",
    "price": "DOUBLE",
    "seen": "TIMESTAMP",
    "tags": "ARRAY<STRING>",
    "image": "ARRAY<FLOAT>",
}
CONFIGS = [
    FeatureConfig(
        name=name,
        type=DataType.parse(text),
        embedding_dim=4,
        bucket_size=12,
        max_length=3,
        shared_with="user" if name == "last_users" else "",
        history="h" if name == "last_users" else "",
    )
    for name, text in TYPES.items()
]


@dataclass(frozen=True)
class Cut:
    """A table in blocks that begin at ``bounds``."""

    table: pa.Table
    bounds: tuple[int, ...]

    @property
    def num_rows(self) -> int:
        return int(self.table.num_rows)

    @property
    def schema(self) -> pa.Schema:
        return self.table.schema

    def read(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        edges = [0, *sorted(self.bounds), self.num_rows]
        for start, stop in pairwise(edges):
            yield self.table.select(columns).slice(start, stop - start)


def rows_of(seed: int, count: int) -> pa.Table:
    rng = np.random.default_rng(seed)

    def gaps(values: Any) -> list[Any]:
        return [
            None if missing else value
            for value, missing in zip(values, rng.random(count) < 0.15, strict=True)
        ]

    def lists(make: Any) -> list[Any]:
        return gaps([make(int(n)) for n in rng.integers(0, 5, count)])

    return pa.table(
        {
            "city": pa.array(gaps([f"c{n}" for n in rng.geometric(0.1, count)]), pa.string()),
            "user": pa.array(gaps(rng.integers(0, 20, count).tolist()), pa.int64()),
            "last_users": pa.array(lists(lambda n: rng.integers(0, 25, n).tolist()), pa.list_(pa.int64())),
            "price": pa.array(gaps(list(rng.lognormal(0, 3, count))), pa.float64()),
            "seen": pa.array([START + timedelta(seconds=int(s)) for s in rng.integers(0, 10**8, count)]),
            "tags": pa.array(
                lists(lambda n: [f"t{t}" for t in rng.integers(0, 9, (n,))]), pa.list_(pa.string())
            ),
            "image": pa.array(lists(lambda n: rng.normal(5, 2, (n,)).tolist()), pa.list_(pa.float64())),
        }
    )


def told(rows: pa.Table | Cut) -> str:
    return json.dumps(fit(rows, CONFIGS).to_json())


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 50),
    count=st.integers(1, 120),
    cuts=st.lists(st.floats(0, 1), max_size=6),
    small=st.booleans(),
)
def test_any_cut_gives_the_encoder_of_the_whole_table(
    seed: int, count: int, cuts: list[float], small: bool
) -> None:
    table = rows_of(seed, count)
    with pytest.MonkeyPatch.context() as patch:
        if small:  # as with a table beyond a block of everything
            patch.setattr(counts, "PENDING", 2)
            patch.setattr(numeric, "FIT_ROWS", 17)
            patch.setattr(fitting, "MOMENT_VALUES", 9)
        whole = told(table)
        assert told(Cut(table, tuple(int(cut * count) for cut in cuts))) == whole


def test_infinities_are_counted_over_all_blocks() -> None:
    table = pa.table({name: rows_of(0, 6)[name] for name in TYPES})
    table = table.set_column(3, "price", pa.array([1.0, float("inf"), 2.0, 3.0, float("-inf"), 4.0]))
    with pytest.raises(DataError, match="'price' has 2 infinite values"):
        fit(Cut(table, (2, 4)), CONFIGS)


def test_counts_are_exact_below_the_limit_and_keep_what_is_frequent_above_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(counts, "PENDING", 2)
    rng = np.random.default_rng(0)
    common, rare = np.repeat(np.arange(40), 500), np.arange(1000, 41_000)
    values = rng.permutation(np.concatenate([common, rare]))
    held = 0
    for limit, exact in ((100_000, True), (2000, False)):
        counted = Counts(limit)
        for block in np.split(values, 100):
            counted.add(pa.array(block))
            held = max(held, sum(part.num_rows for part in counted._parts)) if not exact else 0
        found = {row["value"]: row["count"] for row in counted.table().to_pylist()}
        assert (counted.forgotten == 0) == exact
        assert all(500 - counted.forgotten <= found[value] <= 500 for value in range(40))
        assert (len(found) == 40_040) == exact
    assert held < 2 * 2000 + 600, "memory is bounded by the limit"
