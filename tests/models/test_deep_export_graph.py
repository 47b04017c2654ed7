"""Assembling the ONNX graph: feature kinds, the size limit, the parity check."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import pyarrow as pa
import pytest
import torch
from onnx import ModelProto
from onnxruntime import InferenceSession, SessionOptions
from torch import Tensor, nn

from sqlrec.errors import JobError
from sqlrec.features.encoder import Encoder, FeatureConfig, fit
from sqlrec.features.raw import raw_inputs
from sqlrec.models.deep.checkpoint import Trained
from sqlrec.models.deep.embedding import EmbeddingTable
from sqlrec.models.deep.graph import export_head, feature_model, whole_model
from sqlrec.models.deep.head import new_head
from sqlrec.models.deep.heads.wide_and_deep import WideAndDeep
from sqlrec.models.deep.layout import Column, Layout, layout_of
from sqlrec.models.deep.quantize import quantized_head
from sqlrec.models.exporting.options import FP32
from sqlrec.models.exporting.session import open_session, run
from sqlrec.models.exporting.write import Export, require_parity
from sqlrec.models.tables.sample import Sample
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import OptionValue
from sqlrec.spec.schema import DataType, Kind, Schema
from sqlrec.spec.signature import OutputColumn

pytestmark = pytest.mark.ml

ROWS = pa.table(
    {
        "user": [1, 1, 2, 2, 3, None],
        "price": [1.0, 2.5, None, 4.0, 8.0, 1.0],
        "tags": [["a", "b"], ["b", "a", "a"], [], None, ["a"], ["z", "b"]],
        "clicks": [[1, 2], [1], None, [2, 1, 9], [], [1]],
    }
)
TYPES = {"user": "BIGINT", "price": "DOUBLE", "tags": "ARRAY<STRING>", "clicks": "ARRAY<INT>"}


def model_of(hidden_units: tuple[int, ...]) -> ModelSpec:
    return ModelSpec(
        name=ModelName.of("m"),
        type="tzrec.wide_and_deep",
        columns=Schema(),
        outputs=Schema(),
        options={"hidden_units": ",".join(map(str, hidden_units))},
    )


def trained(dims: dict[str, int], hidden_units: tuple[int, ...] = (16,)) -> Trained:
    """A model with random weights over the named columns of :data:`ROWS`."""
    configs = [
        FeatureConfig(name=n, type=DataType.parse(TYPES[n]), embedding_dim=dim, bucket_size=100, max_length=3)
        for n, dim in dims.items()
    ]
    encoder = fit(ROWS, configs)
    model = model_of(hidden_units)
    layout = layout_of(encoder, model)
    generator = torch.Generator().manual_seed(0)
    table = torch.randn(encoder.table_rows, layout.row_width, generator=generator)
    return Trained(
        model=model,
        encoder=encoder,
        table=table,
        head=new_head(model, layout, seed=0),
        options={},
        accumulator=torch.zeros(encoder.table_rows),
        adam={},
    )


def head_of(model: Trained) -> ModelProto:
    columns = len(model.encoder.slots) + len(model.encoder.bags)
    return export_head(model.head, columns, model.table.shape[1], model.encoder.dense_width)


def assembled(model: Trained, head: ModelProto) -> bytes:
    return whole_model(feature_model(model.encoder, model.table), head, "probs")


@pytest.mark.parametrize(
    "dims",
    [
        {"user": 3},
        {"price": 2},
        {"tags": 3},
        {"user": 2, "clicks": 5, "price": 3, "tags": 5},
    ],
)
def test_every_mix_of_features_scores_as_torch_does(dims: dict[str, int]) -> None:
    model = trained(dims)
    session = open_session(assembled(model, head_of(model)))
    found = run(session, raw_inputs(ROWS, model.encoder.inputs))[0]
    np.testing.assert_allclose(found, model.predict(ROWS)[0], rtol=0, atol=1e-6)
    assert found.shape == (6,)
    assert len(set(found.tolist())) >= 3


class Product(nn.Module):
    """A head of another kind: products of all pairs of columns, as in a factorisation machine."""

    def forward(self, embedded: Tensor, dense: Tensor) -> Tensor:
        total = embedded.sum(dim=1).square() - embedded.square().sum(dim=1)
        return (total.sum(dim=1) / 2 + dense.sum(dim=1)).unsqueeze(1)


def test_heads_of_other_kinds_need_no_export_code() -> None:
    model = trained({"user": 3, "price": 3, "tags": 3})
    columns, width = 3, model.table.shape[1]
    head = export_head(Product(), columns, width, model.encoder.dense_width)
    found = run(open_session(assembled(model, head)), raw_inputs(ROWS, model.encoder.inputs))[0]
    encoded = model.encoder.transform(ROWS)
    table = EmbeddingTable(model.table, model.accumulator)
    embedded = table.lookup(torch.from_numpy(encoded.ids), [torch.from_numpy(b) for b in encoded.bags])
    expected = torch.sigmoid(Product()(embedded, torch.from_numpy(encoded.dense))).numpy()[:, 0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    with pytest.raises(JobError) as caught:
        quantized_head(head, [])
    assert caught.value.code == "SR533"


def exported(model: Trained, graph: bytes) -> Export:
    return Export(
        model=model.model,
        checkpoint="c",
        inputs=model.encoder.inputs,
        outputs=(OutputColumn(name="probs", type=DataType(Kind.FLOAT)),),
        score=model.predict,
        variants={FP32: graph},
        quality=lambda labels, outputs: {},
    )


def test_a_model_that_scores_differently_is_refused_with_its_worst_row() -> None:
    model = trained({"user": 3})
    graph, sample = assembled(model, head_of(model)), Sample(table=ROWS)
    require_parity(exported(model, graph), sample)
    changed = model.table.clone()
    changed[model.encoder.transform(ROWS).ids[2, 0]] += 0.5
    with pytest.raises(JobError, match=r"for the row \{'user': 2\}") as caught:
        require_parity(exported(replace(model, table=changed), graph), sample)
    assert caught.value.code == "SR532"
    with pytest.raises(JobError, match="trained model gives nan"):
        require_parity(exported(replace(model, table=changed * float("nan")), graph), sample)


def test_a_table_beyond_two_gibibytes_is_refused_before_it_is_copied() -> None:
    encoder: Encoder = trained({"user": 3}).encoder
    with pytest.raises(JobError, match=r"3\.0 GiB") as caught:
        feature_model(encoder, torch.zeros(1, 1).expand(3 * 2**26, 4))
    assert caught.value.code == "SR531"
    assert "num_buckets" in caught.value.hint


def wide_and_narrow_rows(rows: int) -> list[dict[str, Any]]:
    """Inputs of a head as trained models have them: small embeddings beside numbers up to 5."""
    rng = np.random.default_rng(0)
    embedded = rng.normal(0, 0.02, (rows, 1, 33)).astype(np.float32)
    dense = rng.normal(0, 1.5, (rows, 4)).clip(-5, 5).astype(np.float32)
    return [{"embedded": embedded, "dense": dense}]


def test_int8_keeps_small_embeddings_beside_large_numbers() -> None:
    layout = Layout(columns=(Column(name="c", dim=32),), dense_width=4)
    head = new_head(model_of((64, 32)), layout, seed=0)
    assert isinstance(head, WideAndDeep)
    with torch.no_grad():
        next(head.deep.parameters())[:, :32] *= 20
    exported = export_head(head, 1, 33, 4)
    rows = wide_and_narrow_rows(2000)
    with torch.inference_mode():
        expected = head(torch.from_numpy(rows[0]["embedded"]), torch.from_numpy(rows[0]["dense"])).numpy()
    small = quantized_head(exported, rows)
    int8 = run(open_session(small.SerializeToString()), rows[0])[0]
    assert np.abs(int8 - expected).max() < 0.05 * expected.std()
    assert np.corrcoef(int8[:, 0], expected[:, 0])[0, 1] > 0.9995


def loaded(model: ModelProto, path: Path) -> Counter[str]:
    """The nodes that ONNX Runtime runs of a model."""
    options = SessionOptions()
    options.log_severity_level = 4
    options.optimized_model_filepath = str(path)
    InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    return Counter(node.op_type for node in onnx.load(path).graph.node)


def test_int8_layers_pass_their_codes_on(tmp_path: Path) -> None:
    layout = Layout(columns=(Column(name="c", dim=32),), dense_width=4)
    head = new_head(model_of((64, 48, 32)), layout, seed=0)
    small = quantized_head(export_head(head, 1, 33, 4), wide_and_narrow_rows(100))
    assert {opset.domain for opset in small.opset_import} == {""}
    nodes = loaded(small, tmp_path / "head.onnx")
    assert nodes["QGemm"] == 3
    assert nodes["QuantizeLinear"] == nodes["DequantizeLinear"] == nodes["Mul"] == 1
    assert nodes["Relu"] == nodes["FusedGemm"] == 0


def test_int8_layers_of_one_source_share_its_codes(tmp_path: Path) -> None:
    options: dict[str, OptionValue] = {
        "num_expert": 3,
        "expert_hidden_units": "32",
        "tower_hidden_units": "16",
    }
    spec = replace(model_of(()), type="tzrec.mmoe", options=options)
    layout = Layout(columns=(Column(name="c", dim=32),), dense_width=4, outputs=2)
    head, rows = new_head(spec, layout, seed=0), wide_and_narrow_rows(500)
    small = quantized_head(export_head(head, 1, 33, 4), rows)
    nodes = loaded(small, tmp_path / "head.onnx")
    assert nodes["QGemm"] == 5, "three experts, two towers"
    assert nodes["QuantizeLinear"] == 3, "of the experts' input and of what is mixed for each tower"
    with torch.inference_mode():
        expected = head(torch.from_numpy(rows[0]["embedded"]), torch.from_numpy(rows[0]["dense"])).numpy()
    found = run(open_session(small.SerializeToString()), rows[0])[0]
    for task in range(2):
        assert np.corrcoef(found[:, task], expected[:, task])[0, 1] > 0.995


@pytest.mark.parametrize(("factor", "scales"), [(1.0, {()}), (200.0, {(64,), (32,)})])
def test_a_unit_that_is_never_on_does_not_set_the_scale_of_the_others(
    factor: float, scales: set[tuple[int, ...]]
) -> None:
    layout = Layout(columns=(Column(name="c", dim=32),), dense_width=4)
    head = new_head(model_of((64, 32)), layout, seed=0)
    assert isinstance(head, WideAndDeep)
    first = cast(nn.Linear, head.deep[0])
    with torch.no_grad():
        first.weight[0] *= factor
        first.bias[0] = -10 * factor
    small = quantized_head(export_head(head, 1, 33, 4), wide_and_narrow_rows(500))
    found = {t.name: tuple(t.dims) for t in small.graph.initializer if t.name.endswith("_weight_scale")}
    assert set(found.values()) == scales
