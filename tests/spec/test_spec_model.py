from __future__ import annotations

from dataclasses import replace

import pytest

from sqlrec.spec.job import JobState
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.schema import DataType, Field, Schema

MODEL = ModelSpec(
    name=ModelName.of("m"),
    type="t",
    columns=Schema(tuple(Field(name=n, type=DataType.parse("INT")) for n in ("User", "click", "buy"))),
    outputs=Schema(),
    options={"label_columns": "Click, buy,"},
)


def test_features_are_the_columns_less_the_labels() -> None:
    assert MODEL.labels == ("Click", "buy")
    assert MODEL.features.names == ("User",)
    assert replace(MODEL, options={}).labels == ()


def test_the_digest_is_of_the_meaning() -> None:
    same = replace(MODEL, name=ModelName.of("other"), comment="c", ddl="CREATE …")
    assert same.digest == MODEL.digest
    assert replace(MODEL, options={"label_columns": "buy"}).digest != MODEL.digest
    assert replace(MODEL, columns=Schema(MODEL.columns.fields[:2])).digest != MODEL.digest


@pytest.mark.parametrize(
    ("state", "finished"), [(JobState.RUNNING, False), (JobState.FAILED, True), (JobState.UNKNOWN, False)]
)
def test_final_states(state: JobState, finished: bool) -> None:
    assert state.finished is finished
