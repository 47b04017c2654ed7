from __future__ import annotations

import bisect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.artifacts.folder import publish, read_result, staging, write_profile
from sqlrec.serving.histogram import Histogram
from sqlrec.serving.scorer import BatchReport
from sqlrec.serving.statistics import ModelStatistics, percentiles
from sqlrec.spec.job import JobResult
from sqlrec.spec.profile import InputProfile, Profile
from sqlrec.spec.service import ServiceSpec
from sqlrec.spec.signature import Signature

BOUNDS = (1.0, 2.0, 5.0, 10.0)


@given(st.lists(st.floats(0, 9.9), min_size=1, max_size=60), st.integers(1, 99))
def test_a_percentile_is_in_the_bucket_that_holds_it(values: list[float], percent: int) -> None:
    histogram = Histogram(BOUNDS)
    histogram.add_each(values)
    found = percentiles(histogram, [percent])[percent]
    exact = sorted(values)[max(0, -(-len(values) * percent // 100) - 1)]
    place = bisect.bisect_left(BOUNDS, exact)
    assert (0.0, *BOUNDS)[place] <= found <= BOUNDS[place]


@given(
    st.lists(st.sampled_from([0.5, 1.0, 1.5, 2.0, 9.0, 10.0, 11.0]), max_size=40),
    st.integers(1, 50),
    st.lists(st.just(float("nan")) | st.floats(0, 20, width=32), max_size=20),
)
def test_values_are_counted_up_to_each_bound(values: list[float], times: int, array: list[float]) -> None:
    histogram = Histogram(BOUNDS)
    for value in values * times:
        histogram.add(value)
    histogram.add_each(values)
    histogram.add_all(np.array(array, np.float32))
    counted = [*values * (times + 1), *(value for value in array if value == value)]
    expected = [0] * (len(BOUNDS) + 1)
    for value in counted:
        expected[bisect.bisect_left(BOUNDS, value)] += 1
    assert list(histogram.counts) == expected
    assert histogram.total == pytest.approx(sum(counted))


def test_values_beyond_the_last_bound_count_as_that_bound() -> None:
    histogram = Histogram(BOUNDS)
    histogram.add_each([0.5, 50.0, 70.0])
    assert percentiles(histogram, [50, 99]) == {50: 10.0, 99: 10.0}


@pytest.fixture
def statistics(add_folder: Path, make_spec: Callable[..., ServiceSpec]) -> ModelStatistics:
    own = make_spec(add_folder).own
    signature = Signature(model="m", type="test", checkpoint="c", inputs=(), outputs=(), variants={})
    return ModelStatistics(own, signature, Profile())


def test_nothing_scored_yet(statistics: ModelStatistics) -> None:
    figures = statistics.figures()
    assert (figures["usage"], figures["duration"]) == (0, 0.0)
    assert [figures[name] for name in ("min", "max", "mean", "p50", "p99")] == [None] * 5
    assert (figures["name"], figures["version"], figures["type"]) == ("m", 3, "test")


def test_scorings_are_counted_with_their_durations(statistics: ModelStatistics) -> None:
    for seconds, rows in ((0.002, 1), (0.004, 10)):
        probs = np.full(rows, 0.25, np.float32)
        statistics.batch_done(
            BatchReport(rows=rows, predict=seconds, unknown=1, nulls={"a": 2}, outputs={"probs": probs})
        )
    figures = statistics.figures()
    assert (figures["usage"], figures["rows"], figures["unknown_inputs"]) == (2, 11, 2)
    assert [figures[name] for name in ("duration", "min", "max", "mean")] == pytest.approx([6, 2, 4, 3])
    assert [figures[name] for name in ("p95", "p99")] == pytest.approx([4, 4])
    assert figures["missing"] == {"a": 4}
    scores: Any = figures["scores"]
    assert (scores["probs"]["count"], scores["probs"]["mean"]) == (11, pytest.approx(0.25))
    assert scores["probs"]["buckets"]["0.3"] == 11


def test_a_server_tells_of_its_model_and_of_drift(
    add_model: Any, publish_model: Callable[..., Path], make_spec: Callable[..., ServiceSpec], serve: Any,
    tmp_path: Path,
) -> None:  # fmt: skip
    made = publish_model(*add_model, sample=[{"a": 1, "b": 2}])
    folder = tmp_path / "profiled"
    work = staging(folder)
    for file in read_result(made).files:
        (work / file).write_bytes((made / file).read_bytes())
    write_profile(work, Profile(inputs={"a": InputProfile(values=(1, 2)), "b": InputProfile(low=0, high=9)}))
    publish(work, folder, JobResult())
    with serve(make_spec(folder)) as server:
        assert server.predict([{"a": 7, "b": 2}, {"a": 1, "b": 10}]).status == 200
        assert server.predict([{"a": None, "b": 1, "c": 0}]).status == 200
        told, metrics = server.call("GET", "/stats").json, server.metrics()
    (model,) = told["models"]
    assert (told["service"], model["usage"], model["rows"]) == ("ranker", 2, 3)
    assert model["missing"] == {"a": 1}
    assert model["unknown_inputs"] == 1
    assert model["unseen"] == {"a": 1}
    assert model["out_of_range"] == {"b": 1}
    assert 2 <= model["looked_at"] <= 3
    labels = 'column="a",model="m",service="ranker",version="3"'
    assert metrics[f"sqlrec_input_unseen_total{{{labels}}}"] == 1
