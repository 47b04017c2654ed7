"""Compressed weights: what is stored, what comes out, that rows stay independent."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper

from sqlrec.models.exporting.compress import half_precision, row_wise_int8
from sqlrec.models.exporting.session import open_session

pytestmark = pytest.mark.ml
ROWS, WIDTH = 200, 9


def model_of(table: np.ndarray, weight: np.ndarray) -> ModelProto:
    """``ids`` → rows of a table (looked up twice) → a dense layer."""
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["rows"], name="rows"),
        helper.make_node("Gather", ["table", "others"], ["more"], name="more"),
        helper.make_node("Add", ["rows", "more"], ["both"], name="both"),
        helper.make_node("MatMul", ["both", "weight"], ["scores"], name="scores"),
    ]
    ids = [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch"]) for n in ("ids", "others")]
    graph = helper.make_graph(
        nodes,
        "g",
        ids,
        [
            helper.make_tensor_value_info("both", TensorProto.FLOAT, ["batch", WIDTH]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", weight.shape[1]]),
        ],
        [numpy_helper.from_array(table, "table"), numpy_helper.from_array(weight, "weight")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def made(seed: int = 0) -> ModelProto:
    random = np.random.default_rng(seed)
    table = random.normal(size=(ROWS, WIDTH)) * random.gamma(1, 1, (ROWS, 1))
    return model_of(table.astype(np.float32), random.normal(size=(WIDTH, 256)).astype(np.float32))


def feeds(rows: int, seed: int = 1) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {name: random.integers(0, ROWS, rows) for name in ("ids", "others")}


def run(model: ModelProto, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
    checker.check_model(model)
    found: list[np.ndarray] = open_session(model.SerializeToString()).run(None, inputs)
    return found


def test_half_precision_halves_the_bytes_and_rounds_weights_alone() -> None:
    model = made()
    half = half_precision(model)
    assert half.ByteSize() < 0.55 * model.ByteSize()
    table, weight = (
        numpy_helper.to_array(t).astype(np.float16).astype(np.float32) for t in model.graph.initializer
    )
    for found, expected in zip(run(half, feeds(50)), run(model_of(table, weight), feeds(50)), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_weights_beyond_half_precision_stay() -> None:
    model = made()
    table = numpy_helper.to_array(model.graph.initializer[0]).copy()
    table[3, 2] = 1e6
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(table, "table"))
    half = half_precision(model)
    assert half.graph.initializer[0].data_type == TensorProto.FLOAT
    assert np.isfinite(run(half, {"ids": np.array([3]), "others": np.array([3])})[0]).all()


@pytest.mark.parametrize("exact", [0, 1, 3])
def test_rows_as_int8_are_within_half_a_step_and_exact_columns_are_exact(exact: int) -> None:
    model = made()
    small, inputs = row_wise_int8(model, exact=exact, least_bytes=0), feeds(ROWS)
    stored = {t.name: numpy_helper.to_array(t) for t in small.graph.initializer}
    assert stored["table"].dtype == np.int8
    assert stored["weight"].dtype == np.float32, "only tables that are gathered from"
    table = numpy_helper.to_array(model.graph.initializer[0])
    step = np.abs(table[:, : WIDTH - exact]).max(axis=1) / 127
    allowed = (step[inputs["ids"]] + step[inputs["others"]]) / 2
    delta = np.abs(run(small, inputs)[0] - run(model, inputs)[0])
    assert (delta[:, : WIDTH - exact].max(axis=1) <= allowed * 1.001 + 1e-6).all()
    assert (delta[:, WIDTH - exact :] == 0).all()


def test_a_row_of_zeros_stays_zeros() -> None:
    model = made()
    table = numpy_helper.to_array(model.graph.initializer[0]).copy()
    table[5] = 0
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(table, "table"))
    rows = run(row_wise_int8(model, exact=1, least_bytes=0), {"ids": np.array([5]), "others": np.array([5])})[
        0
    ]
    np.testing.assert_array_equal(rows, 0)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, ROWS - 1), min_size=2, max_size=40), st.sampled_from(["half", "int8"]))
def test_a_row_is_the_same_alone_and_in_any_batch(ids: list[int], form: str) -> None:
    small = half_precision(made()) if form == "half" else row_wise_int8(made(), exact=1, least_bytes=0)
    whole = run(small, {"ids": np.array(ids), "others": np.array(ids)})[0]
    alone = run(small, {"ids": np.array(ids[-1:]), "others": np.array(ids[-1:])})[0]
    np.testing.assert_array_equal(whole[-1:], alone)


def test_small_tensors_and_tables_used_otherwise_are_left_alone() -> None:
    tiny = model_of(np.ones((4, WIDTH), np.float32), np.ones((WIDTH, 2), np.float32))
    assert half_precision(tiny) == tiny
    assert row_wise_int8(tiny, exact=1, least_bytes=0) == tiny
    model = made()
    model.graph.node.append(helper.make_node("Shape", ["table"], ["shape"], name="shape"))
    assert row_wise_int8(model, exact=1, least_bytes=0) == model
    assert half_precision(model).graph.node[0].op_type == "Cast", "widened before its other use"


def test_tables_that_are_not_large_stay_fast() -> None:
    model = made()
    assert row_wise_int8(model, exact=1) == model
    table_bytes = 4 * ROWS * WIDTH
    assert row_wise_int8(model, exact=1, least_bytes=table_bytes + 1) == model
    assert row_wise_int8(model, exact=1, least_bytes=table_bytes) != model
