from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.spec import codec
from sqlrec.spec.job import CurvePoint, ExportWork, JobKind, JobResult, JobSpec, ScoreWork, TrainWork
from sqlrec.spec.model import Checkpoint, CheckpointKind, CheckpointStatus, ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import Parsed
from sqlrec.spec.schema import DataType, Field, Schema
from sqlrec.spec.service import Endpoint, ServedModel, ServiceSpec, ServiceState
from sqlrec.spec.signature import InputColumn, OutputColumn, Signature, Variant
from sqlrec.spec.table import Relation, TableFormat, TableSource

INT = DataType.parse("INT")
MODEL = ModelSpec(
    name=ModelName.of("d", "Rank"),
    type="tzrec.wide_and_deep",
    columns=Schema(
        (Field(name="u", type=INT, nullable=False), Field(name="t", type=DataType.parse("ARRAY<STRING>")))
    ),
    outputs=Schema((Field(name="probs", type=DataType.parse("FLOAT"), comment="click"),)),
    options={"label_columns": "y", "batch_size": 8, "rate": 0.5, "flag": True},
)
TABLE = TableSource(name="t", format=TableFormat.CSV, path="t.csv", options={"header": "true"})
RELATION = Relation(query='SELECT * FROM "t"', sources={"t": TABLE}, parameters={"p1": "{{ ds }}"})
TRAIN = TrainWork(
    model=MODEL, checkpoint="v1", data=RELATION, validation=RELATION, options={"hidden": (4, 2), "x": None}
)
VALUES: list[object] = [
    MODEL,
    JobSpec(id="a", kind=JobKind.TRAIN, work=TRAIN, output_uri="/out", env={"A": "b"}),
    JobSpec(
        id="b",
        kind=JobKind.EXPORT,
        work=ExportWork(model=MODEL, checkpoint="v1_export", source_uri="/v1", options={"l": ("a", "b")}),
        output_uri="/out",
    ),
    JobSpec(
        id="c",
        kind=JobKind.SCORE,
        work=ScoreWork(service="s", url="http://h/predict", model=MODEL, inputs=RELATION, output=TABLE),
        output_uri="/out",
    ),
    JobResult(
        rows=3, metrics={"auc": 0.5, "count": 1.0}, curves=(CurvePoint(name="auc", step=1, value=0.5),)
    ),
    Checkpoint(
        model=MODEL.name,
        name="v1",
        kind=CheckpointKind.ORIGIN,
        status=CheckpointStatus.SUCCEEDED,
        version=1,
        uri="/v1",
    ),
    ServiceSpec(
        name="s", models=(ServedModel(model=MODEL, checkpoint="v1_export", version=2, model_uri="/m"),)
    ),
    Endpoint(name="s", url="http://h/predict", state=ServiceState.READY),
    Signature(
        model="m",
        type="t",
        checkpoint="v1_export",
        inputs=(InputColumn(name="u", type=INT, tensor="int64"),),
        outputs=(OutputColumn(name="probs", type=DataType.parse("FLOAT")),),
        variants={"fp32": Variant(file="model.onnx", bytes=1)},
        sample=({"u": 1, "t": ["a"]},),
    ),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda v: type(v).__name__)
def test_every_spec_reads_back_as_it_was(value: object) -> None:
    text = codec.dumps(value)
    assert codec.loads(type(value), text) == value
    assert codec.dumps(codec.loads(type(value), text)) == text
    assert codec.loads(type(value), codec.dumps(value, indent=2).encode()) == value


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Leaf:
    number: int
    ratio: float = 0.0


@dataclass(frozen=True)
class Branch:
    type: str
    leaf: Leaf | None = None
    either: Leaf | Colour | int | str = 0
    many: tuple[Leaf, ...] = ()
    any: object = None
    options: Mapping[str, Parsed] = field(default_factory=dict)
    derived: int = field(init=False, default=7)


scalars = st.none() | st.text(max_size=5) | st.integers(-(2**53), 2**53) | st.booleans()
values: st.SearchStrategy[Any] = st.one_of(
    scalars,
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(st.text(max_size=3), max_size=3).map(tuple),
    st.lists(st.integers(), max_size=3).map(tuple),
)
leaves = st.builds(Leaf, st.integers(), st.floats(allow_nan=False))
branches = st.builds(
    Branch,
    st.text(max_size=5),
    st.none() | leaves,
    leaves | st.just(Colour.RED) | st.integers() | st.text(max_size=3).filter(lambda t: t != "red"),
    st.lists(leaves, max_size=2).map(tuple),
    scalars,
    st.dictionaries(st.text(max_size=4), values, max_size=3),
)


@given(branches)
def test_any_value_reads_back_as_it_was(value: Branch) -> None:
    assert codec.loads(Branch, codec.dumps(value)) == value


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], r"\$: expected Branch, found list"),
        ({"$type": "Leaf"}, r"\$: expected Branch, found Leaf"),
        ({"type": "x", "colour": 1}, "Branch has no field colour"),
        ({"type": "x", "derived": 1}, "Branch has no field derived"),
        ({}, "missing 1 required positional argument: 'type'"),
        ({"type": 5}, r"\$.type: expected str, found int"),
        (
            {"type": "x", "leaf": {"$type": "Leaf", "number": True}},
            r"\$.leaf.number: expected int, found bool",
        ),
        ({"type": "x", "leaf": {"$type": "Twig"}}, r"\$.leaf: expected one of Leaf, NoneType"),
        ({"type": "x", "leaf": 3}, r"\$.leaf: expected one of"),
        ({"type": "x", "many": {}}, r"\$.many: expected a list, found dict"),
        ({"type": "x", "many": [{"number": "1"}]}, r"\$.many\[0\].number: expected int, found str"),
        ({"type": "x", "options": []}, r"\$.options: expected an object, found list"),
        ({"type": "x", "options": {"a": {}}}, r"\$.options.a: expected one of"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(data: object, message: str) -> None:
    with pytest.raises(codec.CodecError, match=message) as caught:
        codec.decode(Branch, data)
    assert caught.value.code == "SR490"


@pytest.mark.parametrize(
    ("cls", "data", "message"),
    [
        (Colour, "blue", "'blue' is no Colour"),
        (Colour, [1], "is no Colour"),
        (DataType, "STRNG", "'STRNG' is no DataType"),
        (DataType, 5, "expected the text of a DataType, found int"),
        (ModelName, "a.b.c.d", "is no ModelName"),
    ],
)
def test_text_forms_are_checked(cls: type, data: object, message: str) -> None:
    with pytest.raises(codec.CodecError, match=message):
        codec.decode(cls, data)


def test_a_union_may_hold_a_text_form() -> None:
    assert codec.decode(DataType | int, "ARRAY<INT>") == DataType.parse("ARRAY<INT>")
    assert codec.decode(Any, {"x": 1}) == {"x": 1}
    assert codec.decode(float, 1) == 1.0


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"version": 99, "value": {}}', b"\xff"])
def test_another_version_or_no_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(codec.CodecError, match=r"not JSON|format version"):
        codec.loads(Leaf, text)


def test_what_has_no_json_form_is_a_programming_error() -> None:
    with pytest.raises(TypeError, match="cannot encode object"):
        codec.encode(object())
    with pytest.raises(TypeError, match="cannot encode type"):
        codec.encode(Leaf)


def test_types_and_names_are_written_as_text() -> None:
    assert codec.encode(MODEL.columns.fields[1].type) == "ARRAY<STRING>"
    assert json.loads(codec.dumps(MODEL))["value"]["name"] == "sqlrec.d.Rank"
