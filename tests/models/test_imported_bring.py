"""Files that are imported: how columns and tensors are paired, what is proved, what is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from onnx import TensorProto, helper

from sqlrec.artifacts.folder import read_signature, seal
from sqlrec.errors import OptionError, SqlRecError
from sqlrec.models.imported import file
from sqlrec.models.imported.bring import bring
from sqlrec.models.imported.evaluate import evaluate
from sqlrec.spec.job import EvaluateWork, ImportWork, JobResult
from sqlrec.spec.model import CheckpointKind, ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.signature import MISSING_INT
from sqlrec.spec.table import Relation, TableFormat, TableSource
from tests.registries import columns

F, I64, I32, S, D = (
    *(TensorProto.FLOAT, TensorProto.INT64, TensorProto.INT32, TensorProto.STRING),
    TensorProto.DOUBLE,
)
ROWS = "rows"


def graph(
    nodes: Sequence[onnx.NodeProto], inputs: dict[str, Any], outputs: dict[str, Any], constants: Any = ()
) -> onnx.ModelProto:
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(n, kind, shape) for n, (kind, shape) in inputs.items()],
        [helper.make_tensor_value_info(n, kind, shape) for n, (kind, shape) in outputs.items()],
        list(constants),
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def product(a: Any = (F, [ROWS]), b: Any = (F, [ROWS, 1])) -> onnx.ModelProto:
    """``y = a * b``, of a vector and a column."""
    nodes = [
        helper.make_node("Cast", ["a"], ["a1"], to=F),
        helper.make_node("Reshape", ["a1", "v"], ["a2"]),
        helper.make_node("Cast", ["b"], ["b1"], to=F),
        helper.make_node("Reshape", ["b1", "v"], ["b2"]),
        helper.make_node("Mul", ["a2", "b2"], ["y"]),
    ]
    return graph(nodes, {"a": a, "b": b}, {"y": (F, [ROWS])}, [helper.make_tensor("v", I64, [1], [-1])])


def matrix(width: int = 2) -> onnx.ModelProto:
    """``y = x @ [[1, 2], [10, 20]]``."""
    weights = helper.make_tensor("w", F, [width, 2], np.arange(1, 2 * width + 1, dtype=np.float32))
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    return graph(nodes, {"x": (F, [ROWS, width])}, {"y": (F, [ROWS, 2])}, [weights])


def spec(inputs: dict[str, str], outputs: dict[str, str], **options: str) -> ModelSpec:
    return ModelSpec(
        name=ModelName.of("m"),
        type="import",
        columns=columns(**inputs),
        outputs=columns(**outputs),
        options=options,
    )


def imported(folder: Path, content: bytes, model: ModelSpec, **options: str) -> tuple[Path, JobResult]:
    path, out = folder / "the.model", folder / "out"
    path.write_bytes(content)
    out.mkdir()
    work = ImportWork(model=model, checkpoint="imported", source_uri=str(path), options=options)
    return out, bring(work, out, lambda message, *, done=None: None)


def answers(folder: Path, **values: Any) -> list[Any]:
    """What the export answers, by its own interface."""
    kinds = {"int64": np.int64, "float32": np.float32, "string": object}
    signature = read_signature(folder)
    given = {c.name: np.array(values[c.name], kinds[c.tensor]) for c in signature.inputs}
    session = ort.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    found: list[Any] = session.run([c.name for c in signature.outputs], given)
    return found


def test_columns_are_paired_by_name_in_any_order_and_cast(tmp_path: Path) -> None:
    model = spec({"B": "BOOLEAN", "a": "DOUBLE"}, {"y": "DOUBLE"})
    out, result = imported(tmp_path, product().SerializeToString(), model)
    (y,) = answers(out, B=[1, 0, MISSING_INT], a=[2.5, 3.0, 1.0])
    assert y[:2].tolist() == [2.5, 0.0]
    assert np.isnan(y[2]), "a missing number is NaN"
    assert y.dtype == np.float64
    assert result.metrics["fp32.bytes"] == (out / "model.onnx").stat().st_size
    signature = read_signature(out)
    assert (signature.checkpoint, signature.type, len(signature.sample)) == ("imported", "import", 5)
    assert signature.objective == "regression"


def test_columns_are_paired_by_position_when_no_name_is_the_same(tmp_path: Path) -> None:
    out, result = imported(
        tmp_path, product().SerializeToString(), spec({"p": "INT", "q": "FLOAT"}, {"s": "FLOAT"})
    )
    assert answers(out, p=[2, 3], q=[0.5, 2.0])[0].tolist() == [1.0, 6.0]
    assert [warning.partition(" in the file")[0] for warning in result.warnings] == [
        "input 'p' is 'a'",
        "input 'q' is 'b'",
        "output 's' is 'y'",
    ]


def test_a_missing_integer_is_zero_where_the_file_takes_integers(tmp_path: Path) -> None:
    content = product(a=(I32, [ROWS]), b=(TensorProto.BOOL, [ROWS])).SerializeToString()
    out, _ = imported(tmp_path, content, spec({"a": "INT", "b": "BOOLEAN"}, {"y": "FLOAT"}))
    assert answers(out, a=[7, MISSING_INT, 7], b=[1, 1, MISSING_INT])[0].tolist() == [7.0, 0.0, 0.0]


@pytest.mark.parametrize("outputs", [{"y": "ARRAY<FLOAT>"}, {"one": "FLOAT", "two": "DOUBLE"}])
def test_columns_make_a_matrix_and_a_matrix_columns(tmp_path: Path, outputs: dict[str, str]) -> None:
    content = matrix().SerializeToString()
    out, _ = imported(tmp_path, content, spec({"u": "BIGINT", "v": "DOUBLE"}, outputs))
    found = answers(out, u=[1, 0], v=[0.0, 1.0])
    assert np.stack(found, axis=-1).reshape(2, 2).tolist() == [[1, 2], [3, 4]]


def test_an_array_is_a_matrix_of_its_length_and_text_passes(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("ReduceSum", ["v", "axis"], ["sum"], keepdims=1),
        helper.make_node("Identity", ["word"], ["said"]),
    ]
    model = graph(
        nodes,
        {"v": (D, [ROWS, 3]), "word": (S, [ROWS])},
        {"sum": (D, [ROWS, 1]), "said": (S, [ROWS])},
        [helper.make_tensor("axis", I64, [1], [1])],
    )
    takes = spec({"word": "STRING", "v": "ARRAY<FLOAT>"}, {"said": "STRING", "sum": "DOUBLE"})
    out, _ = imported(tmp_path, model.SerializeToString(), takes)
    said, total = answers(out, word=["x", ""], v=[[1, 2, 3], [4, 5, 6]])
    assert (said.tolist(), total.tolist()) == (["x", ""], [6.0, 15.0])
    assert {c.name: c.length for c in read_signature(out).inputs} == {"v": 3, "word": 0}


def test_a_list_of_maps_becomes_the_matrix_it_was_made_of(tmp_path: Path) -> None:
    model = matrix()
    model.graph.node.append(
        helper.make_node("ZipMap", ["y"], ["p"], domain="ai.onnx.ml", classlabels_int64s=[0, 1])
    )
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 1))
    del model.graph.output[:]
    kind = helper.make_sequence_type_proto(
        helper.make_map_type_proto(I64, helper.make_tensor_type_proto(F, []))
    )
    model.graph.output.append(helper.make_value_info("p", kind))
    out, _ = imported(
        tmp_path, model.SerializeToString(), spec({"u": "INT", "v": "INT"}, {"p": "ARRAY<FLOAT>"})
    )
    assert answers(out, u=[1], v=[1])[0].tolist() == [[4, 6]]


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        model = spec({"p": "INT", "q": "FLOAT"}, {"s": "FLOAT"})
        out, _ = imported(tmp_path / name, product().SerializeToString(), model)
        made.append(((out / "model.onnx").read_bytes(), (out / "signature.json").read_bytes()))
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("inputs", "outputs", "code", "said"),
    [
        ({"a": "INT"}, {"y": "FLOAT"}, "SR460", "1 columns are no 2 inputs"),
        ({"a": "INT", "c": "INT"}, {"y": "FLOAT"}, "SR460", "there is no 'c'"),
        ({"a": "STRING", "b": "INT"}, {"y": "FLOAT"}, "SR460", "column 'a' is STRING"),
        ({"a": "ARRAY<INT>", "b": "INT"}, {"y": "FLOAT"}, "SR460", "column 'a' is an ARRAY"),
        ({"a": "INT", "b": "INT"}, {"y": "ARRAY<FLOAT>"}, "SR461", "column 'y' is an ARRAY"),
        ({"a": "INT", "b": "INT"}, {"y": "STRING"}, "SR461", "column 'y' is STRING"),
        ({"a": "INT", "b": "INT"}, {"y": "INT"}, "SR461", "which y float[rows] cannot become"),
        ({"a": "INT", "b": "INT"}, {"y": "FLOAT", "z": "FLOAT"}, "SR461", "there is no 'z'"),
    ],
)
def test_what_does_not_fit_shows_both_sides(
    tmp_path: Path, inputs: dict[str, str], outputs: dict[str, str], code: str, said: str
) -> None:
    with pytest.raises(SqlRecError) as caught:
        imported(tmp_path, product().SerializeToString(), spec(inputs, outputs))
    assert (caught.value.code, list((tmp_path / "out").iterdir())) == (code, [])
    assert said in caught.value.message
    verb = "takes a float[rows], b float[rows, 1]" if code == "SR460" else "gives y float[rows]"
    assert f"the file {verb}" in caught.value.message
    assert all(
        f"{name} {kind}" in caught.value.message
        for name, kind in (inputs if code == "SR460" else outputs).items()
    )


def external() -> bytes:
    model = matrix()
    tensor = model.graph.initializer[0]
    tensor.ClearField("float_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    return bytes(model.SerializeToString())


def custom() -> bytes:
    model = product()
    model.graph.node[-1].domain = "acme"
    model.opset_import.append(helper.make_opsetid("acme", 1))
    return bytes(model.SerializeToString())


def failing() -> bytes:
    """Looks values up in an empty table."""
    nodes = [helper.make_node("Gather", ["w", "a"], ["y"]), helper.make_node("Identity", ["b"], ["c"])]
    model = graph(
        nodes,
        {"a": (I64, [ROWS]), "b": (F, [ROWS])},
        {"y": (F, [ROWS])},
        [helper.make_tensor("w", F, [1], [0.5])],
    )
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"", "SR557", "is empty"),
        (b"not a model at all", "SR557", "no ONNX file, or was cut off"),
        (product().SerializeToString()[:80], "SR557", "no ONNX file, or was cut off"),
        (b"CBM1" + bytes(20), "SR557", "a CatBoost model"),
        (b"\x80\x04pickled", "SR557", "a pickle"),
        (b"PK\x03\x04 and no more", "SR557", "an archive that was cut off"),
        (external(), "SR558", "keeps its weights in another file (w"),
        (custom(), "SR559", "acme.Mul"),
        (product(a=(F, [1])).SerializeToString(), "SR462", "exactly 1 row(s): a float[1]"),
        (failing(), "SR463", "does not run on made-up rows"),
    ],
)
def test_files_that_cannot_be_imported(tmp_path: Path, content: bytes, code: str, said: str) -> None:
    with pytest.raises(SqlRecError) as caught:
        imported(tmp_path, content, spec({"a": "INT", "b": "FLOAT"}, {"y": "FLOAT"}))
    assert caught.value.code == code
    assert said in caught.value.message
    assert caught.value.hint
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("uri", ["gone.onnx", "", "nowhere://x", "file:///gone.onnx"])
def test_a_file_that_cannot_be_read(tmp_path: Path, uri: str) -> None:
    with pytest.raises(SqlRecError, match=r"SR555.*cannot be read"):
        file.read(uri if "://" in uri else str(tmp_path / uri))


def test_a_file_that_is_too_large_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.onnx"
    with path.open("wb") as huge:
        huge.truncate(2**31)
    with pytest.raises(SqlRecError, match=r"SR556.*2\.0 GiB"):
        file.read(f"file://{path}")


def test_the_format_that_is_said_must_be_the_format_that_it_is(tmp_path: Path) -> None:
    with pytest.raises(SqlRecError, match=r"SR557.*is a file of format ONNX, not PT2"):
        imported(
            tmp_path,
            product().SerializeToString(),
            spec({"a": "INT", "b": "INT"}, {"y": "FLOAT"}),
            format="PT2",
        )


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.line = torch.nn.Linear(2, 1, bias=False)
        with torch.no_grad():
            self.line.weight.copy_(torch.tensor([[1.0, 10.0]]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = self.line(x)
        return answer


@pytest.mark.ml
def test_torchscript_is_converted(tmp_path: Path) -> None:
    traced: Any = torch.jit.trace
    path = tmp_path / "net.pt"
    with pytest.warns(DeprecationWarning, match="torch.jit"):
        traced(Net(), torch.zeros(2, 2)).save(str(path))
    model = spec({"u": "INT", "v": "DOUBLE"}, {"y": "FLOAT"})
    out, _ = imported(tmp_path, path.read_bytes(), model, runtime="pytorch")
    assert answers(out, u=[1, 2, 3], v=[0.5, 0.0, 1.0])[0].tolist() == [6.0, 2.0, 13.0]


def test_weights_without_a_model_are_told_apart(tmp_path: Path) -> None:
    torch.save(Net().state_dict(), tmp_path / "w.pt")
    with pytest.raises(SqlRecError, match=r"SR557.*weights without their model"):
        file.kind_of((tmp_path / "w.pt").read_bytes(), "w.pt")


def test_a_row_that_depends_on_its_batch_is_a_warning(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("ReduceMean", ["a"], ["mean"], keepdims=0),
        helper.make_node("Sub", ["a", "mean"], ["y"]),
    ]
    model = graph(nodes, {"a": (F, [ROWS])}, {"y": (F, [ROWS])})
    _, result = imported(tmp_path, model.SerializeToString(), spec({"a": "FLOAT"}, {"y": "FLOAT"}))
    assert result.warnings == ("y of a row depends on the other rows of its batch",)


@pytest.mark.parametrize(
    ("task", "output", "objective"),
    [
        ("classification", "FLOAT", "binary"),
        ("classification", "ARRAY<FLOAT>", "multiclass"),
        ("regression", "FLOAT", "regression"),
        ("embedding", "ARRAY<FLOAT>", "transform"),
    ],
)
def test_the_task_says_what_is_measured(task: str, output: str, objective: str) -> None:
    from sqlrec.models.imported.bring import objective_of

    model = dataclasses.replace(spec({"a": "INT"}, {"y": output}), options={"task": task})
    assert objective_of(model).value == objective


def test_a_metric_of_classifiers_says_how_a_file_becomes_one(tmp_path: Path) -> None:
    model = spec({"a": "DOUBLE", "b": "DOUBLE"}, {"y": "FLOAT"}, label_columns="label")
    out, result = imported(tmp_path, product().SerializeToString(), model)
    seal(out, result)
    pq.write_table(pa.table({"a": [1.0], "b": [0.5], "label": [1]}), tmp_path / "t.parquet")
    work = EvaluateWork(
        model=model,
        checkpoint="imported",
        kind=CheckpointKind.EXPORT,
        source_uri=str(out),
        data=Relation(
            query="SELECT * FROM t",
            sources={
                "t": TableSource(name="t", format=TableFormat.PARQUET, path=str(tmp_path / "t.parquet"))
            },
        ),
        options={"metrics": ("auc",)},
    )
    with pytest.raises(OptionError) as caught:
        evaluate(work, tmp_path / "measured", lambda message, *, done=None: None)
    assert caught.value.code == "SR560"
    assert "task = 'classification'" in caught.value.hint
