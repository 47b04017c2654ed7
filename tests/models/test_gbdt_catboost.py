"""CatBoost: native texts, the written file against the trained model, damaged files, going on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from sqlrec.errors import DataError, SchemaError, StateError
from sqlrec.features.matrix import matrix_configs
from sqlrec.features.plain import float_column, text_column
from sqlrec.features.raw import raw_inputs
from sqlrec.models.gbdt import catboost
from sqlrec.models.gbdt.catboost_file import MAPPING_FILE, MODEL_FILE, open_export
from sqlrec.models.objective import Objective
from sqlrec.models.tabular.estimator import Examples, Lesson
from sqlrec.models.tabular.native import NativeEncoder
from sqlrec.spec.options import Parsed
from sqlrec.spec.schema import DataType, Field, Schema
from sqlrec.spec.signature import MISSING_INT

pytestmark = pytest.mark.ml

COLUMNS = {"shop": "BIGINT", "city": "STRING", "price": "DOUBLE", "size": "INT", "day": "TIMESTAMP"}
FEATURES = Schema(tuple(Field(name=name, type=DataType.parse(text)) for name, text in COLUMNS.items()))
OPTIONS: dict[str, Parsed] = {
    "metric": "auc",
    "early_stopping_rounds": 0,
    "seed": 1,
    "learning_rate": 0.3,
    "cb_iterations": 8,
    "cb_depth": 3,
}


def shops(rows: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "shop": pa.array(rng.integers(10**12, 10**12 + 9, rows), mask=rng.random(rows) < 0.1),
            "city": pa.array([f"città-{c}" for c in rng.integers(0, 6, rows)], mask=rng.random(rows) < 0.1),
            "price": pa.array(rng.normal(size=rows), mask=rng.random(rows) < 0.1),
            "size": pa.array(rng.integers(0, 9, rows), pa.int32()),
            "day": pa.array(rng.integers(0, 10**15, rows), pa.timestamp("us")),
        }
    )


def fitted(table: pa.Table) -> NativeEncoder:
    return NativeEncoder.fit(table, matrix_configs(FEATURES, ("SHOP",), 1000))


def lesson(table: pa.Table, encoder: NativeEncoder, objective: Objective = Objective.BINARY) -> Lesson:
    matrix = encoder.transform(table)
    score = np.nan_to_num(matrix[:, 0]) + (matrix[:, 3] % 2)
    levels = np.digitize(score, (0.0, 1.0))
    labels = {Objective.BINARY: score > 0.5, Objective.REGRESSION: score}.get(objective, levels)
    groups = np.arange(len(matrix)) // 10 if objective is Objective.RANKING else None
    examples = Examples(matrix=matrix, labels=labels.astype(np.float32), groups=groups)
    return Lesson(
        objective=objective,
        names=encoder.names,
        categorical=encoder.categorical,
        train=examples,
        validation=examples,
        classes=3 if objective is Objective.MULTICLASS else 0,
        options=OPTIONS,
        threads=1,
        base=None,
        progress=lambda message, done=None: None,
        texts=encoder.texts,
    )


def strange() -> pa.Table:
    return pa.table(
        {
            "shop": pa.array([None, 1, -(2**60), 10**12]),
            "city": pa.array([None, "", "elsewhere", "città-1"]),
            "price": pa.array([None, float("inf"), -1e300, float("nan")]),
            "size": pa.array([None, 2**31 - 1, -1, 0], pa.int32()),
            "day": pa.array([None, -1, 10**17, 0], pa.timestamp("us")),
        }
    )


def test_texts_are_whole_and_unseen_ones_are_told_apart() -> None:
    table = shops(200, 1)
    encoder = fitted(table)
    assert encoder.names == ("price", "size", "day", "shop", "city")
    assert encoder.categorical == (3, 4)
    assert encoder.texts[4] == sorted({v for v in table["city"].to_pylist() if v is not None})
    codes = encoder.transform(strange())[:, 3:]
    assert codes[:2, 1].tolist() == [0, 0]
    assert codes[:3, 0].tolist() == [0, 10, 10]
    assert codes[2, 1] == 7
    again = NativeEncoder.from_json(encoder.to_json())
    np.testing.assert_array_equal(again.transform(strange()), encoder.transform(strange()))
    with pytest.raises(DataError) as caught:
        NativeEncoder.from_json({"encoding": "native"})
    assert caught.value.code == "SR445"


def test_raw_columns_become_numbers_and_texts() -> None:
    raw = np.array([5, MISSING_INT], np.int64)
    assert text_column(raw).tolist() == ["5", ""]
    assert text_column(np.array(["a", ""], object)).tolist() == ["a", ""]
    np.testing.assert_array_equal(float_column(raw, 3.0), np.array([2, np.nan], np.float32))
    cut = float_column(np.array([np.inf, np.nan], np.float32), None)
    assert cut[0] == np.finfo(np.float32).max
    assert np.isnan(cut[1])


def test_arrays_are_no_features() -> None:
    features = Schema((Field(name="a", type=DataType.parse("ARRAY<FLOAT>")),))
    with pytest.raises(SchemaError, match="array") as caught:
        NativeEncoder.fit(pa.table({"a": [[1.0]]}), matrix_configs(features, (), 10))
    assert caught.value.code == "SR441"


@pytest.mark.parametrize("objective", [*Objective][:4])
def test_the_written_file_answers_as_the_trained_model(objective: Objective, tmp_path: Path) -> None:
    table = shops(200, 1)
    encoder = fitted(table)
    learned = catboost.LEARNER.fit(lesson(table, encoder, objective))
    made: Any = learned.estimator
    file = made.file(encoder, "probs")
    (tmp_path / MODEL_FILE).write_bytes(file.content)
    for name, content in file.files.items():
        (tmp_path / name).write_bytes(content)
    served = open_export(tmp_path, MODEL_FILE)
    for rows in (shops(100, 2), strange()):
        (found,) = served.run(None, raw_inputs(rows, encoder.inputs))
        (expected,) = made.predict(encoder.transform(rows))
        np.testing.assert_array_equal(found, expected)
        assert found.shape == ((rows.num_rows, 3) if objective is Objective.MULTICLASS else (rows.num_rows,))
    uses = made.importance()
    assert sum(uses.values()) > 0
    assert set(uses) == set(range(5))
    assert made.graph(("probs",)) is None


def test_it_goes_on_from_a_base_that_knows_other_texts(tmp_path: Path) -> None:
    first, second = shops(200, 1), shops(200, 2)
    cities = pa.array([f"new-{i % 4}" for i in range(200)])
    second = second.set_column(1, "city", cities)
    base = fitted(first)
    grown = base.extended(fitted(second))
    assert grown.texts[4] == [*base.texts[4], "new-0", "new-1", "new-2", "new-3"]
    catboost.LEARNER.fit(lesson(first, base)).estimator.save(tmp_path)
    (tmp_path / "encoder.json").write_text(json.dumps(base.to_json()))
    more = catboost.LEARNER.fit(replace(lesson(second, grown), base=tmp_path))
    assert more.params["trees"] == "16"
    assert more.passes == 8


def test_early_stopping_keeps_the_best_round() -> None:
    table = shops(200, 1)
    usual = lesson(table, fitted(table))
    assert usual.validation is not None
    noise = replace(usual.validation, labels=np.random.default_rng(0).integers(0, 2, 200).astype(np.float32))
    options: dict[str, Parsed] = {
        **OPTIONS,
        "cb_iterations": 300,
        "early_stopping_rounds": 4,
        "metric": "logloss",
    }
    learned = catboost.LEARNER.fit(replace(usual, validation=noise, options=options))
    assert int(learned.params["trees"]) < 30


def test_what_catboost_refuses_is_said() -> None:
    table = shops(50, 1)
    encoder = fitted(table)
    usual = lesson(table, encoder)
    flat = replace(usual.train, matrix=np.zeros_like(usual.train.matrix))
    with pytest.raises(
        DataError, match="CatBoost refuses to train: All features are either constant"
    ) as caught:
        catboost.LEARNER.fit(replace(usual, train=flat, validation=None))
    assert caught.value.code == "SR545"


@pytest.mark.parametrize("damaged", [MODEL_FILE, MAPPING_FILE])
def test_a_damaged_export_is_an_error(damaged: str, tmp_path: Path) -> None:
    table = shops(60, 1)
    encoder = fitted(table)
    made: Any = catboost.LEARNER.fit(lesson(table, encoder)).estimator
    file = made.file(encoder, "probs")
    contents = {MODEL_FILE: file.content, **file.files, damaged: b"{}"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(StateError) as caught:
        open_export(tmp_path, MODEL_FILE)
    assert caught.value.code == "SR521"
