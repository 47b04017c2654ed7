"""INT8 models whose table holds what their first steps would compute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto, numpy_helper
from onnxruntime import InferenceSession, SessionOptions

from sqlrec.features.encoder import FeatureConfig, fit
from sqlrec.features.raw import raw_inputs
from sqlrec.models.deep.checkpoint import Trained
from sqlrec.models.deep.export import calibration
from sqlrec.models.deep.folding import CODES, folded
from sqlrec.models.deep.graph import export_head, feature_model, whole_model
from sqlrec.models.deep.head import new_head
from sqlrec.models.deep.layout import layout_of
from sqlrec.models.deep.quantize import quantized_head
from sqlrec.models.deep.variants import variants_of
from sqlrec.models.exporting.options import FP32, INT8
from sqlrec.models.exporting.session import open_session, run
from sqlrec.models.tables.sample import Sample, made_up
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.schema import DataType, Schema

pytestmark = pytest.mark.ml
random = np.random.default_rng(0)
ROWS = pa.table(
    {
        "user": random.integers(0, 40, 300),
        "city": [None if n == 3 else f"city {n}" for n in random.integers(0, 9, 300)],
        "age": pa.array(random.integers(18, 60, 300), pa.int32()),
        "price": random.random(300),
        "tags": [["a", "b"][: n % 3] for n in range(300)],
    }
)
TYPES = {"user": "BIGINT", "city": "STRING", "age": "INT", "price": "DOUBLE", "tags": "ARRAY<STRING>"}
HASHED = {"user": 16}


def trained(kind: str, columns: Sequence[str], dims: Sequence[int] = (16, 16, 16)) -> Trained:
    """A model with random weights; the user is hashed, other columns have vocabularies."""
    model = ModelSpec(
        name=ModelName.of("m"),
        type=f"tzrec.{kind}",
        columns=Schema(),
        outputs=Schema(),
        options={"hidden_units": "48,32"},
    )
    configs = [
        FeatureConfig(
            name=name,
            type=DataType.parse(TYPES[name]),
            embedding_dim=dim,
            bucket_size=HASHED.get(name, 100),
            max_length=3,
        )
        for name, dim in zip(columns, dims, strict=False)
    ]
    encoder = fit(ROWS, configs)
    layout = layout_of(encoder, model)
    generator = torch.Generator().manual_seed(1)
    table = torch.randn(encoder.table_rows, layout.row_width, generator=generator) / 10
    head = new_head(model, layout, seed=0)
    zeros = torch.zeros(encoder.table_rows)
    return Trained(
        model=model, encoder=encoder, table=table, head=head, options={}, accumulator=zeros, adam={}
    )


def graphs(model: Trained) -> tuple[ModelProto, ModelProto]:
    """The model's features, and its head in INT8."""
    encoder = model.encoder
    features = feature_model(encoder, model.table)
    width = len(encoder.slots) + len(encoder.bags)
    head = export_head(model.head, width, model.table.shape[1], encoder.dense_width)
    return features, quantized_head(
        head, calibration(features, encoder, (Sample(table=ROWS), made_up(encoder)))
    )


def quantized(model: Trained) -> ModelProto:
    made: ModelProto = ModelProto.FromString(whole_model(*graphs(model), "probs"))
    return made


def scores(model: ModelProto, raw: dict[str, npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
    answer: npt.NDArray[np.float32] = run(open_session(model.SerializeToString()), raw)[0]
    return answer


@pytest.fixture(scope="module")
def wide() -> Trained:
    return trained("wide_and_deep", ("user", "city", "age"))


@pytest.fixture(scope="module")
def both(wide: Trained) -> tuple[ModelProto, ModelProto]:
    """The model as it was quantised, and folded."""
    plain = quantized(wide)
    made = folded(plain, wide.encoder.slots)
    assert made is not None
    return plain, made


def test_the_scores_are_the_same(wide: Trained, both: tuple[ModelProto, ModelProto]) -> None:
    raw = raw_inputs(ROWS, wide.encoder.inputs)
    plain, made = (scores(model, raw) for model in both)
    assert len(np.unique(plain)) > 100
    np.testing.assert_allclose(made, plain, rtol=0, atol=1e-6)
    assert (made == plain).mean() > 0.9


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(-9, 99), st.sampled_from(["city 1", "", "new"]), st.integers(-9, 99))))
def test_values_of_no_training_row_too(
    wide: Trained, both: tuple[ModelProto, ModelProto], rows: list[tuple[int, str, int]]
) -> None:
    rows = [*rows, (1, "city 2", 30)]
    table = pa.table([pa.array(column) for column in zip(*rows, strict=True)], names=["user", "city", "age"])
    raw = raw_inputs(table, wide.encoder.inputs)
    plain, made = (scores(model, raw) for model in both)
    np.testing.assert_allclose(made, plain, rtol=0, atol=1e-6)


def test_the_table_holds_bytes_and_nothing_is_computed_before_the_layers(
    both: tuple[ModelProto, ModelProto], tmp_path: Path
) -> None:
    plain, made = both
    onnx.checker.check_model(made, full_check=True)
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in made.graph.initializer}
    assert "/embed/table" not in values
    table = values[CODES]
    assert table.dtype == np.uint8
    assert table.shape[1] == 16
    assert len(np.unique(table)) > 100
    assert {name for node in made.graph.node for name in node.input} >= values.keys()
    assert made.ByteSize() < plain.ByteSize()
    options = SessionOptions()
    options.log_severity_level = 4
    options.optimized_model_filepath = str(tmp_path / "run.onnx")
    InferenceSession(made.SerializeToString(), options, ["CPUExecutionProvider"])
    nodes = Counter(node.op_type for node in onnx.load(tmp_path / "run.onnx").graph.node)
    assert (nodes["QGemm"], nodes["QuantizeLinear"], nodes["Mul"]) == (2, 0, 0)


def test_vectors_of_other_widths() -> None:
    model = trained("wide_and_deep", ("user", "city", "age"), (16, 4, 8))
    plain = quantized(model)
    made = folded(plain, model.encoder.slots)
    assert made is not None
    raw = raw_inputs(ROWS, model.encoder.inputs)
    np.testing.assert_allclose(scores(made, raw), scores(plain, raw), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        ("deepfm", ("user", "city", "age")),
        ("wide_and_deep", ("user", "city", "price")),
        ("wide_and_deep", ("user", "city", "tags")),
        ("dcn_v2", ("user", "city", "age")),
    ],
)
def test_models_that_do_more_with_their_embeddings_stay(kind: str, columns: Sequence[str]) -> None:
    model = trained(kind, columns)
    assert folded(quantized(model), model.encoder.slots) is None


def test_columns_that_share_rows_stay(wide: Trained, both: tuple[ModelProto, ModelProto]) -> None:
    first, second, *others = wide.encoder.slots
    shared = [first, replace(second, offset=first.offset, rows=first.rows), *others]
    assert folded(both[0], shared) is None


def test_the_int8_variant_is_folded_where_that_can_be(wide: Trained) -> None:
    features, _ = graphs(wide)
    encoder = wide.encoder
    head = export_head(wide.head, len(encoder.slots), wide.table.shape[1], encoder.dense_width)

    def assemble(features: ModelProto, head: ModelProto) -> bytes:
        return whole_model(features, head, "probs")

    rows = calibration(features, encoder, (Sample(table=ROWS),))
    made, warnings = variants_of(features, head, assemble, lambda: rows, (FP32, INT8), encoder.slots)
    assert warnings == ()
    raw = raw_inputs(ROWS, encoder.inputs)
    exact, small = (scores(ModelProto.FromString(made[name]), raw) for name in (FP32, INT8))
    assert 0 < np.abs(exact - small).max() < 0.05
    assert [CODES in made[name].decode("latin-1") for name in (FP32, INT8)] == [False, True]
    assert len(made[INT8]) < len(made[FP32])
