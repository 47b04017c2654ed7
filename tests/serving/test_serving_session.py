from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sqlrec.artifacts.folder import read_signature
from sqlrec.errors import StateError
from sqlrec.serving.scorer import BatchReport, Scorer, load_scorer
from sqlrec.serving.session import CHUNK_ROWS, Session, verified_signature
from sqlrec.spec.service import ServiceSpec
from sqlrec.spec.signature import InputColumn, OutputColumn

MakeSpec = Callable[..., ServiceSpec]
Publish = Callable[..., Path]
Model = tuple[Any, list[InputColumn], list[OutputColumn]]


def with_own(spec: ServiceSpec, **changes: Any) -> ServiceSpec:
    return replace(spec, models=(replace(spec.own, **changes),))


def load(spec: ServiceSpec) -> Scorer:
    def ignore(_: BatchReport) -> None:
        pass

    return load_scorer(spec.own, threads=1, observe=ignore)


def refused(spec: ServiceSpec, code: str) -> StateError:
    with pytest.raises(StateError) as caught:
        load(spec)
    assert caught.value.code == code
    assert "\n" not in str(caught.value)
    return caught.value


def test_a_whole_folder_is_verified(add_folder: Path, make_spec: MakeSpec) -> None:
    assert verified_signature(make_spec(add_folder).own) == read_signature(add_folder)


def test_no_folder_no_export(tmp_path: Path, add_folder: Path, make_spec: MakeSpec) -> None:
    spec = make_spec(add_folder)
    assert (
        str(tmp_path / "gone") in refused(with_own(spec, model_uri=str(tmp_path / "gone")), "SR501").message
    )


def test_a_file_changed_after_the_export(
    add_model: Model, publish_model: Publish, make_spec: MakeSpec
) -> None:
    folder = publish_model(*add_model)
    spec = make_spec(folder)
    with (folder / "model.onnx").open("ab") as file:
        file.write(b"x")
    assert "was changed after its export: model.onnx" in refused(spec, "SR671").message


def test_a_file_lost_after_the_export(add_model: Model, publish_model: Publish, make_spec: MakeSpec) -> None:
    folder = publish_model(*add_model)
    spec = make_spec(folder)
    (folder / "model.onnx").unlink()
    assert "model.onnx" in refused(spec, "SR671").message


def test_another_checkpoint_than_the_pinned(add_folder: Path, make_spec: MakeSpec) -> None:
    error = refused(with_own(make_spec(add_folder), digest="0" * 64), "SR671")
    assert "does not hold checkpoint v1_export version 3 of model m" in error.message


def test_an_unknown_variant(add_folder: Path, make_spec: MakeSpec) -> None:
    error = refused(with_own(make_spec(add_folder), variant="fp33"), "SR672")
    assert "has no variant 'fp33'" in error.message
    assert "fp32" in error.hint


def test_a_file_that_is_no_model(add_model: Model, publish_model: Publish, make_spec: MakeSpec) -> None:
    folder = publish_model(*add_model, file_bytes=b"not ONNX")
    assert "model.onnx cannot be loaded" in refused(make_spec(folder), "SR672").message


def test_inputs_that_differ_from_the_signature(
    add_model: Model, publish_model: Publish, make_spec: MakeSpec
) -> None:
    model, (first, second), outputs = add_model
    folder = publish_model(model, [first, replace(second, tensor="float32")], outputs)
    error = refused(make_spec(folder), "SR672")
    assert "the file takes a int64, b int64; its signature says a int64, b float32" in error.message


def test_an_output_that_is_not_there(add_model: Model, publish_model: Publish, make_spec: MakeSpec) -> None:
    model, inputs, (output,) = add_model
    folder = publish_model(model, inputs, [replace(output, name="score")])
    assert "does not give the output(s) score" in refused(make_spec(folder), "SR672").message


def test_a_signature_without_inputs(add_model: Model, publish_model: Publish, make_spec: MakeSpec) -> None:
    model, _, outputs = add_model
    assert "no inputs" in refused(make_spec(publish_model(model, [], outputs)), "SR672").message


def test_an_output_of_the_wrong_shape(
    matrix_model: Model, publish_model: Publish, make_spec: MakeSpec
) -> None:
    error = refused(make_spec(publish_model(*matrix_model)), "SR672")
    assert re.search(r"output 'probs' of type FLOAT has shape \[1, 1\] for 1 row", error.message)


def test_a_sample_row_that_the_model_does_not_take(
    add_model: Model, publish_model: Publish, make_spec: MakeSpec
) -> None:
    error = refused(make_spec(publish_model(*add_model, sample=[{"a": "x", "b": 1}])), "SR672")
    assert "cannot score a sample row" in error.message
    assert "column a: expected an integer" in error.message


def test_many_rows_run_in_chunks(add_folder: Path, make_spec: MakeSpec) -> None:
    session = Session(make_spec(add_folder).own, read_signature(add_folder), threads=1)
    rows = 2 * CHUNK_ROWS + 17
    tensors = {"a": np.arange(rows), "b": np.arange(rows)[::-1].copy()}
    tensors["b"][CHUNK_ROWS:] = 5
    (probs,) = session.run(tensors, rows)
    expected = 1 / (1 + np.exp(-0.1 * (tensors["a"] + tensors["b"])))
    np.testing.assert_allclose(probs, expected, rtol=1e-6)
