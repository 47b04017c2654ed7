"""The matrix of tabular models: its columns, its graph, its JSON, its errors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, checker, helper

from sqlrec.errors import DataError, SchemaError
from sqlrec.features.matrix import LARGEST, Encoding, MatrixEncoder, fit_matrix, matrix_configs
from sqlrec.features.matrix_graph import matrix_graph
from sqlrec.features.raw import raw_inputs
from sqlrec.features.synthesis import made_up_rows
from sqlrec.spec.schema import DataType, Field, Schema

TYPES = {
    "age": ("INT", pa.int64()),
    "job": ("INT", pa.int64()),
    "flag": ("BOOLEAN", pa.bool_()),
    "city": ("STRING", pa.string()),
    "price": ("DOUBLE", pa.float64()),
    "seen": ("TIMESTAMP", pa.timestamp("us")),
    "image": ("ARRAY<FLOAT>", pa.list_(pa.float32())),
    "clicks": ("ARRAY<INT>", pa.list_(pa.int64())),
    "tags": ("ARRAY<STRING>", pa.list_(pa.string())),
}
BAGS = {"tags", "clicks"}
NAN = float("nan")


def schema(names: list[str]) -> Schema:
    return Schema(tuple(Field(name=n, type=DataType.parse(TYPES[n][0])) for n in names))


def table(data: Mapping[str, Sequence[Any]]) -> pa.Table:
    columns = {}
    for name, values in data.items():
        kind = TYPES[name][1]
        raw = pa.array(values, pa.int64() if name == "seen" else kind)
        columns[name] = raw.cast(kind)
    return pa.table(columns)


def fitted(rows: pa.Table, encoding: Encoding, max_categories: int = 100) -> MatrixEncoder:
    return fit_matrix(rows, matrix_configs(schema(rows.column_names), ["JOB"], max_categories), encoding)


def run_graph(encoder: MatrixEncoder, rows: pa.Table) -> npt.NDArray[np.float32]:
    graph = matrix_graph(encoder)
    output = helper.make_tensor_value_info(graph.matrix, TensorProto.FLOAT, ["batch", encoder.width])
    proto = helper.make_model(
        helper.make_graph(graph.nodes, "matrix", graph.inputs, [output], graph.initializers),
        opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid("ai.onnx.ml", 4)],
        ir_version=10,
    )
    checker.check_model(proto, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, ["CPUExecutionProvider"])
    found: npt.NDArray[np.float32] = session.run(None, raw_inputs(rows, encoder.inputs))[0]
    return found


def assert_same(encoder: MatrixEncoder, rows: pa.Table) -> None:
    expected = encoder.transform(rows)
    found = run_graph(encoder, rows)
    assert found.dtype == expected.dtype == np.float32
    assert expected.shape == (rows.num_rows, encoder.width)
    np.testing.assert_array_equal(found, expected)


INTS = st.sampled_from([0, 1, -1, 7, 2**24 + 1, 2**53 + 1, -(2**63), 2**63 - 1]) | st.integers(-5, 5)
FLOATS = st.floats(width=32) | st.sampled_from([0.0, -0.0, 3.4028234663852886e38, 1e-45])
TEXT = st.sampled_from(["", "a", "b", "ä", "a\x00b"]) | st.text(max_size=2)


def values(name: str, infinite: bool) -> st.SearchStrategy[Any]:
    floats = FLOATS if infinite else FLOATS.filter(lambda x: not np.isinf(x))
    items: dict[str, st.SearchStrategy[Any]] = {
        "INT": INTS,
        "BOOLEAN": st.booleans(),
        "STRING": TEXT,
        "DOUBLE": floats | st.sampled_from([1e300, -1e300]),
        "FLOAT": floats,
        "TIMESTAMP": INTS,
    }
    text = TYPES[name][0]
    if not text.startswith("ARRAY"):
        return st.none() | items[text]
    return st.none() | st.lists(st.none() | items[text[6:-1]], max_size=5)


@st.composite
def cases(draw: st.DrawFn) -> tuple[pa.Table, pa.Table, Encoding, int]:
    encoding = draw(st.sampled_from(list(Encoding)))
    usable = sorted(set(TYPES) - (BAGS if encoding is Encoding.ORDINAL else set()))
    names = draw(st.lists(st.sampled_from(usable), min_size=1, max_size=9, unique=True))

    def rows(infinite: bool) -> pa.Table:
        count = draw(st.integers(1, 12))
        return table({n: draw(st.lists(values(n, infinite), min_size=count, max_size=count)) for n in names})

    return rows(False), rows(True), encoding, draw(st.sampled_from([0, 1, 2, 100]))


@settings(max_examples=70, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_graph_and_transform_agree(case: tuple[pa.Table, pa.Table, Encoding, int]) -> None:
    trained, scored, encoding, max_categories = case
    encoder = fitted(trained, encoding, max_categories)
    for rows in (pa.concat_tables([trained, scored]), made_up_rows(encoder.encoder, 20, seed=0)):
        assert_same(encoder, rows)
        assert not np.isinf(encoder.transform(rows)).any()
    restored = MatrixEncoder.from_json(json.loads(json.dumps(encoder.to_json(), allow_nan=False)))
    assert restored.names == encoder.names
    np.testing.assert_array_equal(restored.transform(scored), encoder.transform(scored))


ROWS: dict[str, list[Any]] = {
    "city": ["x", "y", "x", "y", "x", "rare"],
    "age": [10, 20, 30, None, 40, 2**24 + 2],
    "price": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    "image": [[1.0, 2.0], [3.0], None, [5.0, 6.0], [1.0], [1.0]],
    "job": [3, 3, 3, 4, 4, None],
}


def test_ordinal_columns() -> None:
    encoder = fitted(table(ROWS), Encoding.ORDINAL)
    assert encoder.names == ("city", "job", "price", "age", "image[0]", "image[1]")
    assert encoder.sources == ("city", "job", "price", "age", "image", "image")
    assert encoder.categorical == (0, 1)
    assert encoder.encoding is Encoding.ORDINAL
    assert [column.name for column in encoder.inputs] == list(ROWS)
    np.testing.assert_array_equal(
        encoder.transform(table(ROWS)),
        np.array(
            [
                [0, 0, 1, 10, 1, 2],
                [1, 0, 2, 20, 3, NAN],
                [0, 0, 3, 30, NAN, NAN],
                [1, 1, 4, NAN, 5, 6],
                [0, 1, 5, 40, 1, NAN],
                [2, NAN, 6, 2**24 + 2, 1, NAN],
            ],
            np.float32,
        ),
    )


def test_infinities_and_unseen_values_of_trees() -> None:
    encoder = fitted(table({"city": ["x", "x"], "price": [1.0, 2.0]}), Encoding.ORDINAL)
    found = encoder.transform(table({"city": ["new", None], "price": [float("inf"), float("-inf")]}))
    np.testing.assert_array_equal(found, np.array([[1, LARGEST], [NAN, -LARGEST]], np.float32))


def test_one_hot_columns() -> None:
    rows = {name: ROWS[name] for name in ("city", "age", "price")} | {
        "tags": [["a", "b"], ["a", "a", None], [], None, ["b", "once"], ["a"]]
    }
    encoder = fitted(table(rows), Encoding.ONE_HOT)
    assert encoder.names == (
        "price",
        "age",
        "age is missing",
        "city = x",
        "city = y",
        "city = another value",
        "tags has a",
        "tags has b",
        "tags has another value",
    )
    assert encoder.sources == ("price", "age", "age", "city", "city", "city", "tags", "tags", "tags")
    assert encoder.categorical == ()
    matrix = encoder.transform(table(rows))
    known = matrix[[0, 1, 2, 4, 5], 1]
    np.testing.assert_allclose([matrix[:, 0].mean(), known.mean()], 0, atol=1e-6)
    np.testing.assert_allclose([matrix[:, 0].std(), known.std()], 1, rtol=1e-6)
    assert matrix[3, 1] == 0
    assert matrix[:, 2].tolist() == [0, 0, 0, 1, 0, 0]
    assert matrix[:, 3:6].tolist() == [[1, 0, 0], [0, 1, 0]] * 2 + [[1, 0, 0], [0, 0, 1]]
    shares = [[0.5, 0.5, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0.5, 0.5], [1, 0, 0]]
    assert matrix[:, 6:].tolist() == shares


def test_what_training_had_none_of_is_all_zeros() -> None:
    encoder = fitted(table({"city": ["x", "x", "y", "y"], "price": [1.0, 1.0, 1.0, 3.0]}), Encoding.ONE_HOT)
    assert encoder.names == ("price", "city = x", "city = y")
    found = encoder.transform(table({"city": ["new", None], "price": [None, float("inf")]}))
    assert found.tolist() == [[0, 0, 0], [10_000, 0, 0]]


def test_most_frequent_categories_stay() -> None:
    encoder = fitted(table({"city": list("aaabbbbcc")}), Encoding.ONE_HOT, max_categories=1)
    assert encoder.names == ("city = b", "city = another value")


def test_a_constant_column_stays_quiet() -> None:
    encoder = fitted(table({"price": [0.1] * 7}), Encoding.ONE_HOT)
    assert abs(encoder.transform(table({"price": [0.2]}))[0, 0]) < 1


def test_integers_by_name_and_as_quantities() -> None:
    rows = table({"age": [5, 5, 6], "job": [5, 5, 6], "flag": [True, False, None]})
    assert fitted(rows, Encoding.ORDINAL).transform(rows).tolist()[:2] == [[0, 5, 1], [0, 5, 0]]


def test_dates_are_numbers() -> None:
    rows = pa.table({"day": [date(2026, 1, 1), date(2026, 1, 4), None]})
    columns = Schema((Field(name="day", type=DataType.parse("DATE")),))
    encoder = fit_matrix(rows, matrix_configs(columns, [], 10), Encoding.ORDINAL)
    matrix = encoder.transform(rows)
    assert matrix[1, 0] - matrix[0, 0] == 3
    assert np.isnan(matrix[2, 0])


def test_blocks_of_a_table_join_to_the_whole() -> None:
    rows = table(ROWS)
    for encoding in Encoding:
        encoder = fitted(rows, encoding)
        parts = [encoder.transform(batch) for batch in rows.to_batches(max_chunksize=1)]
        np.testing.assert_array_equal(np.concatenate(parts), encoder.transform(rows))
        assert encoder.transform(rows.slice(0, 0)).shape == (0, encoder.width)


def test_trees_refuse_bags() -> None:
    rows = table({"tags": [["a"]], "price": [1.0]})
    with pytest.raises(SchemaError, match="'tags' of type ARRAY<STRING>") as caught:
        fitted(rows, Encoding.ORDINAL)
    assert caught.value.code == "SR441"


@pytest.mark.parametrize(
    "damage", [{"encoding": "embedding"}, {"encoder": {}}, {"kept": None}, {"scale": {"center": []}}]
)
def test_unreadable_json_is_an_error(damage: dict[str, Any]) -> None:
    data = fitted(table(ROWS), Encoding.ONE_HOT).to_json() | damage
    with pytest.raises(DataError) as caught:
        MatrixEncoder.from_json(data)
    assert caught.value.code == "SR445"
