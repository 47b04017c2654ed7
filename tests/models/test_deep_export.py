"""An exported model: one file, raw columns in, the trained model's scores out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlrec.artifacts.folder import read_signature
from sqlrec.errors import StateError
from sqlrec.features.raw import raw_inputs
from sqlrec.models.deep import checkpoint
from sqlrec.models.deep.checkpoint import Trained
from sqlrec.models.deep.controller import OUTPUT
from sqlrec.models.deep.export import export
from sqlrec.models.deep.train import train
from sqlrec.spec.job import ExportWork, JobResult, TrainWork
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.schema import DataType, Field, Schema
from sqlrec.spec.signature import MISSING_INT, Signature
from sqlrec.spec.table import Relation, TableFormat, TableSource

pytestmark = pytest.mark.ml

ONNX_FILES = ("model.onnx", "model.fp16.onnx", "model.int8.onnx")
COLUMNS = {
    "user": "BIGINT",
    "shop": "STRING",
    "price": "DOUBLE",
    "is_new": "BOOLEAN",
    "tags": "ARRAY<STRING>",
    "image": "ARRAY<FLOAT>",
    "seen": "DATE",
    "label": "INT",
}


def silent(message: str, *, done: float | None = None) -> None:
    del message, done


def visits(rows: int, seed: int) -> pa.Table:
    """Rows of a column of each kind; the label follows user and price."""
    rng = np.random.default_rng(seed)
    user, price = rng.integers(0, 30, rows), rng.gamma(2.0, 10.0, rows)
    tags = [[f"t{t}" for t in rng.integers(0, 5, rng.integers(0, 4))] for _ in range(rows)]
    label = rng.random(rows) < 1 / (1 + np.exp(-3 * (np.sin(user) - price / 20 + 1)))
    return pa.table(
        {
            "user": pa.array(user),
            "shop": pa.array([f"shop-{s}" for s in rng.integers(0, 6, rows)]),
            "price": pa.array(price, mask=rng.random(rows) < 0.1),
            "is_new": pa.array(rng.random(rows) < 0.3),
            "tags": pa.array(tags, pa.list_(pa.string())),
            "image": pa.array([[float(x) for x in rng.normal(size=3)] for _ in range(rows)]),
            "seen": pa.array(rng.integers(20000, 20100, rows).astype(np.int32)).cast(pa.date32()),
            "label": pa.array(label.astype(np.int32)),
        }
    )


def relation(table: pa.Table, path: Path) -> Relation:
    pq.write_table(table, path)
    source = TableSource(name="t", format=TableFormat.PARQUET, path=str(path))
    return Relation(query="SELECT * FROM t", sources={"t": source})


def model(hidden_units: str) -> ModelSpec:
    fields = tuple(Field(name=name, type=DataType.parse(text)) for name, text in COLUMNS.items())
    return ModelSpec(
        name=ModelName.of("ctr"),
        type="tzrec.wide_and_deep",
        columns=Schema(fields),
        outputs=Schema((OUTPUT,)),
        options={"label_columns": "label", "embedding_dim": 4, "hidden_units": hidden_units},
    )


@dataclass(frozen=True)
class Exported:
    """A training checkpoint, the sample it was exported with, and the export."""

    source: Path
    sample: Relation
    output: Path
    result: JobResult

    @property
    def trained(self) -> Trained:
        return checkpoint.load(self.source)

    @property
    def signature(self) -> Signature:
        return read_signature(self.output)


def run_export(folder: Path, source: Path, sample: Relation | None) -> JobResult:
    folder.mkdir()
    spec = checkpoint.load(source).model
    work = ExportWork(model=spec, checkpoint="v1_export", source_uri=str(source), sample=sample)
    return export(work, folder, silent)


def trained_at(folder: Path, hidden_units: str) -> Path:
    source = folder / "v1"
    source.mkdir()
    data = relation(visits(800, seed=0), folder / "train.parquet")
    options = {"batch_size": 64, "sparse_lr": 0.1, "dense_lr": 0.01, "num_epochs": 2}
    work = TrainWork(model=model(hidden_units), checkpoint="v1", data=data, options=options)
    train(work, source, silent)
    return source


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp("export")
    source = trained_at(folder, "40,16")
    sample = relation(visits(600, seed=1), folder / "sample.parquet")
    output = folder / "v1_export"
    return Exported(source, sample, output, run_export(output, source, sample))


@pytest.fixture
def bare(exported: Exported) -> Callable[..., Any]:
    """``bare(feeds, file)``: scores of plain ONNX Runtime, without anything of ours."""

    def score(feeds: dict[str, Any], file: str = "model.onnx") -> Any:
        path = str(exported.output / file)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        return session.run(["probs"], feeds)[0]

    return score


def test_bare_onnx_runtime_reproduces_the_trained_model(exported: Exported, bare: Callable[..., Any]) -> None:
    nothing = MISSING_INT
    feeds = {
        "user": np.array([3, 10**12, nothing]),
        "shop": np.array(["shop-1", "nowhere", ""], dtype=object),
        "price": np.array([12.5, np.inf, np.nan], np.float32),
        "is_new": np.array([1, 0, nothing]),
        "tags": np.array([["t1", "t2"], ["t9", ""], ["", ""]], dtype=object),
        "image": np.array([[0.5, -1, 2], [9, np.nan, np.nan], [np.nan] * 3], np.float32),
        "seen": np.array([20050, 0, nothing]),
    }
    table = pa.table(
        {
            "user": [3, 10**12, None],
            "shop": ["shop-1", "nowhere", None],
            "price": [12.5, np.inf, None],
            "is_new": [True, False, None],
            "tags": [["t1", "t2"], ["t9"], None],
            "image": [[0.5, -1.0, 2.0], [9.0], None],
            "seen": pa.array([20050, 0, None], pa.int32()).cast(pa.date32()),
        }
    )
    expected = exported.trained.predict(table)[0]
    assert len(set(expected.tolist())) == 3
    np.testing.assert_allclose(bare(feeds), expected, rtol=0, atol=1e-6)


def test_every_sample_row_scores_as_trained(exported: Exported, bare: Callable[..., Any]) -> None:
    table = visits(500, seed=5)
    scores = bare(raw_inputs(table, exported.signature.inputs))
    np.testing.assert_allclose(scores, exported.trained.predict(table)[0], rtol=0, atol=1e-6)


def test_signature_describes_inputs_and_outputs(exported: Exported) -> None:
    signature = exported.signature
    assert [(i.name, i.tensor, i.is_array, i.length) for i in signature.inputs] == [
        ("user", "int64", False, 0),
        ("shop", "string", False, 0),
        ("price", "float32", False, 0),
        ("is_new", "int64", False, 0),
        ("tags", "string", True, 0),
        ("image", "float32", True, 3),
        ("seen", "int64", False, 0),
    ]
    assert [(o.name, str(o.type), o.tensor) for o in signature.outputs] == [("probs", "FLOAT", "float32")]
    assert (signature.model, signature.type) == (str(ModelName.of("ctr")), "tzrec.wide_and_deep")
    assert signature.checkpoint == "v1_export"


def test_variants_are_measured(exported: Exported) -> None:
    variants, result = exported.signature.variants, exported.result
    assert sorted(p.name for p in exported.output.iterdir()) == [
        *sorted(ONNX_FILES),
        "profile.json",
        "signature.json",
    ]
    for name, variant in variants.items():
        assert variant.bytes == (exported.output / variant.file).stat().st_size
        assert result.metrics[f"{name}.latency_ms"] > 0
        assert 0.7 < variant.metrics["auc"] < 1
        assert 0.2 < variant.metrics["logloss"] < 0.7
        assert result.metrics[f"{name}.auc"] == variant.metrics["auc"]
        assert result.metrics[f"{name}.bytes"] == variant.bytes
    assert variants["fp32"].max_delta < 1e-5
    assert 0 < variants["fp16"].max_delta < 0.005
    assert variants["fp16"].bytes < variants["fp32"].bytes
    assert 0 < variants["int8"].max_delta < 0.05
    assert abs(variants["fp32"].metrics["auc"] - variants["int8"].metrics["auc"]) < 0.01
    assert (result.rows, result.warnings) == (600, ())


def test_sample_rows_of_the_signature_are_json_and_score(
    exported: Exported, bare: Callable[..., Any]
) -> None:
    signature = exported.signature
    rows = json.loads(json.dumps(list(signature.sample), allow_nan=False))
    assert len(rows) == 5
    assert {type(row["is_new"]) for row in rows} == {bool}
    kinds = {"user": pa.int64(), "shop": pa.string(), "price": pa.float64(), "is_new": pa.bool_()}
    kinds |= {"tags": pa.list_(pa.string()), "image": pa.list_(pa.float32()), "seen": pa.int32()}
    table = pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in kinds.items()})
    expected = exported.trained.predict(table)[0]
    np.testing.assert_allclose(bare(raw_inputs(table, signature.inputs)), expected, rtol=0, atol=1e-6)


def test_same_checkpoint_gives_the_same_bytes(exported: Exported, tmp_path: Path) -> None:
    run_export(tmp_path / "again", exported.source, exported.sample)
    for file in ONNX_FILES:
        data = (tmp_path / "again" / file).read_bytes()
        assert data == (exported.output / file).read_bytes(), file
        assert not any(word in data for word in (b".py", b"site-packages", b"torch"))


def test_scores_do_not_depend_on_the_batch(exported: Exported, bare: Callable[..., Any]) -> None:
    raw = {k: v.copy() for k, v in raw_inputs(visits(256, seed=2), exported.signature.inputs).items()}
    raw["price"][7] = 1e30
    raw["image"][7] = -1e30
    for file in ONNX_FILES:
        together = bare(raw, file)
        for row in (0, 7, 100, 255):
            alone = bare({k: v[row : row + 1] for k, v in raw.items()}, file)
            np.testing.assert_allclose(together[row], alone[0], rtol=0, atol=1e-6)


def test_files_hold_standard_operators_and_all_their_weights(exported: Exported) -> None:
    for file in ONNX_FILES:
        graph = onnx.load(exported.output / file)
        onnx.checker.check_model(graph, full_check=True)
        assert {o.domain for o in graph.opset_import} == {"", "ai.onnx.ml"}
        assert not any(t.data_location == onnx.TensorProto.EXTERNAL for t in graph.graph.initializer)
    kinds = {t.name: t.data_type for t in graph.graph.initializer if len(t.dims) == 2 and min(t.dims) >= 16}
    assert list(kinds.values()).count(onnx.TensorProto.INT8) == 2
    assert kinds.get("/embed/table", onnx.TensorProto.FLOAT) == onnx.TensorProto.FLOAT


def test_a_head_too_narrow_for_int8_is_exported_with_a_warning(tmp_path: Path) -> None:
    source = trained_at(tmp_path, "8,4")
    result = run_export(tmp_path / "v1_export", source, None)
    assert sorted(p.name for p in (tmp_path / "v1_export").iterdir()) == [
        "model.fp16.onnx",
        "model.onnx",
        "profile.json",
        "signature.json",
    ]
    assert ["no INT8 variant" in w for w in result.warnings] == [True]
    signature = read_signature(tmp_path / "v1_export")
    assert set(signature.variants) == {"fp32", "fp16"}
    assert signature.variants["fp32"].metrics == {}
    assert len(signature.sample) == 5


def test_a_folder_without_a_checkpoint_is_an_error(tmp_path: Path) -> None:
    work = ExportWork(model=model("8"), checkpoint="v1_export", source_uri=str(tmp_path / "absent"))
    with pytest.raises(StateError, match="absent"):
        export(work, tmp_path, silent)
    assert list(tmp_path.iterdir()) == []
