"""Numbers: standardised values and quantile buckets, for any distribution."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from sqlrec.features.numeric import FIT_ROWS, LIMIT, Numeric, fit_positions
from sqlrec.features.raw import Tensor
from sqlrec.spec.signature import MISSING_INT


def fitted(values: object, buckets: int = 64) -> Numeric:
    return Numeric.fit([pa.array(values, pa.float32())], Tensor.FLOAT, buckets)


def test_buckets_hold_equal_shares() -> None:
    values = np.random.default_rng(0).lognormal(sigma=3, size=10_000).astype(np.float32)
    numeric = fitted(values)
    counts = np.bincount(numeric.codes(values))
    assert numeric.rows == len(counts) == 65
    assert counts[0] == 0
    assert counts[1:].min() > 0.9 * 10_000 / 64
    assert counts[1:].max() < 1.1 * 10_000 / 64


def test_few_values_get_a_bucket_each() -> None:
    values = np.array([0.5, 2, 2, 7, np.nan], np.float32)
    codes = fitted(values).codes(values)
    assert codes.tolist() == [1, 2, 2, 3, 0]
    assert fitted(values).codes(np.array([-np.inf, 1.9, 6.9, np.inf], np.float32)).tolist() == [1, 1, 2, 3]


@pytest.mark.parametrize(("buckets", "rows"), [(1, 2), (2, 3), (10, 11), (1000, 65)])
def test_bucket_size_bounds_the_rows(buckets: int, rows: int) -> None:
    assert fitted(np.arange(1000), buckets).rows == rows


def test_a_dominant_value_keeps_one_bucket() -> None:
    values = np.concatenate([np.zeros(9000), np.arange(1, 1001)]).astype(np.float32)
    numeric = fitted(values)
    codes = numeric.codes(values)
    assert len(set(codes[:9000].tolist())) == 1
    assert len(set(codes.tolist())) == numeric.rows - 1 > 3


def test_outliers_do_not_move_the_scale() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(10, 2, 10_000).astype(np.float32)
    values[:50] = 1e30
    scaled = fitted(values).scale.apply(values)
    assert abs(np.median(scaled)) < 0.05
    assert 0.9 < scaled[50:].std() < 1.1
    assert scaled.max() == LIMIT


@pytest.mark.parametrize("values", [[3.0, 3.0, 3.0], [None, None], [1e-45, 3e38, -3e38], [0.0] * 99 + [1.0]])
def test_degenerate_columns_stay_finite(values: list[float | None]) -> None:
    numeric = fitted(values)
    read = numeric.read(pa.array([*values, float("inf"), float("-inf"), None], pa.float32()))
    scaled = numeric.scale.apply(read)
    assert np.isfinite(scaled).all()
    assert scaled[-1] == 0
    assert (np.abs(scaled) <= LIMIT).all()


def test_timestamps_keep_their_resolution() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    moments = [start + timedelta(seconds=s) for s in range(600)]
    column = pa.array(moments, pa.timestamp("us")).cast(pa.int64())
    numeric = Numeric.fit([column], Tensor.INT, 64)
    values = numeric.read(column)
    assert len(set(values.tolist())) == 600
    assert numeric.rows == 65
    assert np.isnan(numeric.read(pa.array([None, MISSING_INT], pa.int64()))).all()
    far = numeric.scale.apply(numeric.read(pa.array([2**63 - 1, -(2**63) + 1])))
    assert far.tolist() == [LIMIT, -LIMIT]


def test_long_columns_are_sampled_evenly() -> None:
    values = np.arange(FIT_ROWS * 2, dtype=np.float32)
    numeric = fitted(values)
    np.testing.assert_allclose(np.diff(numeric.bounds), FIT_ROWS * 2 / 64, rtol=0.001)


def test_positions_of_vectors_are_scaled_one_by_one() -> None:
    values = np.array([[1, 100, np.nan], [3, 300, np.nan], [np.nan, 200, np.nan]], np.float32)
    scale = fit_positions([values])
    assert scale.center.tolist() == [2, 200, 0]
    expected = np.array([[-1, -1.2247449, 0], [1, 1.2247449, 0], [0, 0, 0]], np.float32)
    np.testing.assert_allclose(scale.apply(values), expected, rtol=1e-6)
