"""The exported encoder and the numpy encoder give exactly the same values."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, checker, helper

from sqlrec.features.encoder import Encoded, Encoder, FeatureConfig, fit
from sqlrec.features.graph import encoder_graph
from sqlrec.features.raw import raw_inputs
from sqlrec.spec.schema import DataType

TYPES = {
    "user": ("BIGINT", pa.int64()),
    "flag": ("BOOLEAN", pa.bool_()),
    "city": ("STRING", pa.string()),
    "price": ("DOUBLE", pa.float64()),
    "rate": ("FLOAT", pa.float32()),
    "seen": ("TIMESTAMP", pa.int64()),
    "tags": ("ARRAY<STRING>", pa.list_(pa.string())),
    "clicks": ("ARRAY<INT>", pa.list_(pa.int64())),
    "image": ("ARRAY<FLOAT>", pa.list_(pa.float32())),
}


def configs(names: list[str], bucket_size: int = 1000) -> list[FeatureConfig]:
    return [
        FeatureConfig(
            name=n, type=DataType.parse(TYPES[n][0]), embedding_dim=4, bucket_size=bucket_size, max_length=3
        )
        for n in names
    ]


def table(data: dict[str, list[Any]]) -> pa.Table:
    columns = {n: pa.array(values, TYPES[n][1]) for n, values in data.items()}
    if "seen" in columns:
        columns["seen"] = columns["seen"].cast(pa.timestamp("us"))
    return pa.table(columns)


def run_graph(encoder: Encoder, feeds: dict[str, npt.NDArray[Any]]) -> Encoded:
    graph = encoder_graph(encoder)
    outputs = [(graph.ids, TensorProto.INT64), (graph.dense, TensorProto.FLOAT)]
    outputs += [(bag, TensorProto.INT64) for bag in graph.bags]
    infos = [helper.make_tensor_value_info(name, kind, [None, None]) for name, kind in outputs if name]
    infos += [helper.make_tensor_value_info(name, TensorProto.INT64, [None] * 3) for name in graph.histories]
    proto = helper.make_model(
        helper.make_graph(graph.nodes, "encoder", graph.inputs, infos, graph.initializers),
        opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid("ai.onnx.ml", 4)],
        ir_version=10,
    )
    checker.check_model(proto, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, ["CPUExecutionProvider"])
    found = dict(zip([i.name for i in infos], session.run(None, feeds), strict=True))
    rows = len(next(iter(feeds.values())))
    return Encoded(
        ids=found.get(graph.ids, np.empty((rows, 0), np.int64)),
        bags=tuple(found[bag] for bag in graph.bags),
        dense=found.get(graph.dense, np.empty((rows, 0), np.float32)),
        histories=tuple(found[history] for history in graph.histories),
    )


def assert_same(encoder: Encoder, scored: pa.Table) -> None:
    expected = encoder.transform(scored)
    found = run_graph(encoder, raw_inputs(scored, encoder.inputs))
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_array_equal(found.dense, expected.dense)
    assert found.dense.dtype == expected.dense.dtype
    pairs = ((found.bags, expected.bags), (found.histories, expected.histories))
    for got, wanted in (pair for both in pairs for pair in zip(*both, strict=True)):
        width = min(got.shape[1], wanted.shape[1])
        np.testing.assert_array_equal(got[:, :width], wanted[:, :width])
        assert (got[:, width:] == -1).all()
        assert (wanted[:, width:] == -1).all()


INTS = st.sampled_from([0, 1, -1, 7, 2**31, -(2**63), -(2**63) + 1, 2**63 - 1]) | st.integers(-5, 5)
FLOATS = st.floats(width=32) | st.sampled_from([0.0, -0.0, 1.5, 3.4028234663852886e38, 1e-45])
TEXT = st.sampled_from(["", "a", "b", "ä", "日本", "a\x00b", " ", "\U0001f600"]) | st.text(max_size=3)


def values(name: str, infinite: bool) -> st.SearchStrategy[Any]:
    floats = FLOATS if infinite else FLOATS.filter(lambda x: not np.isinf(x))
    item: dict[str, st.SearchStrategy[Any]] = {
        "BIGINT": INTS,
        "BOOLEAN": st.booleans(),
        "STRING": TEXT,
        "DOUBLE": floats | st.sampled_from([1e300, -1e300]),
        "FLOAT": floats,
        "TIMESTAMP": INTS,
    }
    text = TYPES[name][0]
    if not text.startswith("ARRAY"):
        return st.none() | item[text]
    element = {"STRING": TEXT, "INT": INTS, "FLOAT": floats}[text[6:-1]]
    return st.none() | st.lists(st.none() | element, max_size=5)


@st.composite
def cases(draw: st.DrawFn) -> tuple[pa.Table, pa.Table]:
    names = draw(st.lists(st.sampled_from(sorted(TYPES)), min_size=1, max_size=9, unique=True))
    if names == ["image"]:
        names = ["image", "user"]

    def rows(infinite: bool) -> pa.Table:
        count = draw(st.integers(1, 12))
        return table({n: draw(st.lists(values(n, infinite), min_size=count, max_size=count)) for n in names})

    return rows(False), rows(True)


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(cases(), st.sampled_from([1, 2, 3, 1000]))
def test_graph_and_transform_agree(case: tuple[pa.Table, pa.Table], bucket_size: int) -> None:
    trained, scored = case
    encoder = fit(trained, configs(trained.column_names, bucket_size))
    assert_same(encoder, trained)
    assert_same(encoder, scored)


@pytest.mark.parametrize("name", sorted(set(TYPES) - {"image"}))
def test_a_model_of_one_feature_of_each_type(name: str) -> None:
    samples: dict[str, list[Any]] = {
        "user": [1, 1, 2, 2, None],
        "flag": [True, True, False, False, None],
        "city": ["x", "x", "y", "y", None],
        "price": [1.0, 2.0, 3.0, float("nan"), None],
        "rate": [1.0, 2.0, 3.0, float("nan"), None],
        "seen": [1, 2, 2**40, 4, None],
        "tags": [["a", "b"], ["a", "b", "c", "a"], [], [None], None],
        "clicks": [[1, 2], [1, 2, 3, 1], [], [None], None],
    }
    trained = table({name: samples[name]})
    encoder = fit(trained, configs([name]))
    assert_same(encoder, trained)
    assert encoder.table_rows > 2


def test_many_rows_on_real_sized_quantiles() -> None:
    rng = np.random.default_rng(0)
    rows = 5000
    trained = table(
        {
            "price": list(rng.lognormal(size=rows) * 1e6),
            "rate": [float(x) for x in rng.integers(0, 30, rows)],
            "seen": [int(x) for x in rng.integers(10**15, 2 * 10**15, rows)],
            "image": [list(map(float, rng.normal(size=6))) for _ in range(rows)],
        }
    )
    encoder = fit(trained, configs(["price", "rate", "seen", "image"]))
    assert [s.rows for s in encoder.slots] == [65, 31, 65]
    assert_same(encoder, trained)


EVENTS = pa.table(
    {
        "item": pa.array([1, 1, 2, None], pa.int64()),
        "kind": ["a", "b", "a", "b"],
        "items": pa.array([[3, 1], [3], [], None], pa.list_(pa.int64())),
        "kinds": pa.array([["a", "c", "c"], ["b"], None, ["c"]], pa.list_(pa.string())),
        "liked": pa.array([[2], [2, 9], None, []], pa.list_(pa.int64())),
    }
)


def sharing() -> list[FeatureConfig]:
    """Two histories over the values of ``item`` and ``kind``; the arrays are declared before their owners."""
    declared: list[tuple[str, str, dict[str, Any]]] = [
        ("items", "ARRAY<BIGINT>", {"shared_with": "item", "history": "seen"}),
        ("kinds", "ARRAY<STRING>", {"shared_with": "kind", "history": "seen"}),
        ("liked", "ARRAY<BIGINT>", {"shared_with": "item", "history": "liked"}),
        ("item", "BIGINT", {}),
        ("kind", "STRING", {}),
    ]
    return [
        FeatureConfig(
            name=name, type=DataType.parse(text), embedding_dim=4, bucket_size=9, max_length=2, **roles
        )
        for name, text, roles in declared
    ]


def test_histories_share_the_rows_of_their_targets() -> None:
    encoder = fit(EVENTS, sharing())
    again = Encoder.from_json(json.loads(json.dumps(encoder.to_json())))
    for one in (encoder, again):
        assert [(s.name, s.offset, s.rows) for s in one.slots] == [("item", 0, 5), ("kind", 5, 5)]
        assert (one.table_rows, one.bags, [h.name for h in one.histories]) == (10, (), ["seen", "liked"])
        encoded = one.transform(EVENTS)
        seen, liked = encoded.histories
        assert encoded.ids[:, 0].tolist() == [1, 1, 2, 0]
        assert seen.tolist() == [
            [[3, 6], [1, 8]],
            [[3, 7], [-1, -1]],
            [[-1, -1], [-1, -1]],
            [[-1, 8], [-1, -1]],
        ]
        assert liked.tolist() == [[[2], [-1]], [[2], [4]], [[-1], [-1]], [[-1], [-1]]]
        assert_same(one, EVENTS)
        assert_same(one, EVENTS.slice(1, 1))


def test_a_scalar_may_share_the_rows_of_another() -> None:
    configs = [
        FeatureConfig(
            name=name,
            type=DataType.parse("BIGINT"),
            embedding_dim=4,
            bucket_size=9,
            max_length=2,
            shared_with=owner,
        )
        for name, owner in (("last", "item"), ("item", ""))
    ]
    rows = pa.table({"item": [1, 1, 2], "last": [2, None, 7]})
    encoder = fit(rows, configs)
    assert encoder.transform(rows).ids.tolist() == [[2, 1], [0, 1], [3, 2]]
    assert encoder.table_rows == 4
    assert_same(encoder, rows)
