"""Tasks and labels of models, and what is said of the wrong number of inputs."""

from __future__ import annotations

import pytest

from sqlrec.errors import NameNotFoundError, SchemaError
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.prediction import label_of, measured_task, vector_column, wrong_number
from sqlrec.spec.schema import DataType, Field, Schema
from sqlrec.spec.task import Task


def model(outputs: dict[str, str], **options: str) -> ModelSpec:
    fields = tuple(Field(name=name, type=DataType.parse(kind)) for name, kind in outputs.items())
    columns = Schema((Field(name="y", type=DataType.parse("INT")),))
    return ModelSpec(
        name=ModelName.of("m"), type="x", columns=columns, outputs=Schema(fields), options=options
    )


TASKS = [
    (model({"a": "STRING"}, task="chat-completion"), "", Task.TEXT_GENERATION),
    (model({"a": "STRING"}, task="embedding"), "classification", Task.CLASSIFICATION),
    (model({"a": "FLOAT"}, objective="Regression"), "", Task.REGRESSION),
    (model({"a": "ARRAY<FLOAT>"}), "", Task.EMBEDDING),
    (model({"a": "FLOAT"}, label_columns="y"), "", Task.CLASSIFICATION),
]


@pytest.mark.parametrize(("of", "given", "task"), TASKS)
def test_the_task_of_a_model(of: ModelSpec, given: str, task: Task) -> None:
    assert measured_task(of, given) is task


def test_a_model_that_does_not_say_what_it_is_for() -> None:
    with pytest.raises(SchemaError, match=r"SR435.*add TASK"):
        measured_task(model({"a": "STRING"}), "")
    with pytest.raises(SchemaError, match=r"SR432.*exactly one field"):
        measured_task(model({"a": "FLOAT", "b": "FLOAT"}), "")
    assert label_of(model({}, label_columns="y"), "") == "y"
    assert label_of(model({}, label_columns="y"), "z") == "z"
    with pytest.raises(SchemaError, match=r"SR432.*labels y, z"):
        label_of(model({}, label_columns="y,z"), "")


def test_the_wrong_number_of_inputs_is_told_with_those_it_wants() -> None:
    said = "Number of descriptor input columns (3) does not match model input size (1): model m takes y INT"
    assert wrong_number(model({}), 3) == said


def schema(**columns: str) -> Schema:
    return Schema(tuple(Field(name=name, type=DataType.parse(kind)) for name, kind in columns.items()))


def test_the_column_of_vectors() -> None:
    table = schema(a="INT", v="ARRAY<FLOAT>", w="ARRAY<INT>")
    assert (vector_column(table, ""), vector_column(table, "V")) == ("v", "v")
    two = schema(v="ARRAY<FLOAT>", w="ARRAY<DOUBLE>")
    assert vector_column(two, "w") == "w"
    with pytest.raises(SchemaError, match=r"SR434.*columns v, w hold vectors"):
        vector_column(two, "")
    with pytest.raises(SchemaError, match=r"SR434.*no column holds vectors"):
        vector_column(schema(a="INT"), "")
    with pytest.raises(SchemaError, match=r"SR433.*`w` type is ARRAY<FLOAT> or ARRAY<DOUBLE>.*ARRAY<INT>"):
        vector_column(table, "w")
    with pytest.raises(NameNotFoundError, match=r"SR402.*'vv'.*columns: a, v, w"):
        vector_column(table, "vv")
