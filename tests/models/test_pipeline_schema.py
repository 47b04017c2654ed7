"""Our table of TorchEasyRec's schema, with protobuf itself as the judge of what is written and refused."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from sqlrec.models.deep.controller import DeepModel
from sqlrec.models.deep.pipeline.document import Subject, document
from sqlrec.models.deep.pipeline.schema import ROOT, Fault, FieldType, faults, schema
from sqlrec.models.deep.pipeline.text import parse
from sqlrec.spec.job import TrainWork
from tests.models.pipeline_world import CASES, PLACES, case, trainings

SCALARS = {"string": 9, "bool": 8, "float": 2, "int32": 5, "uint32": 13, "uint64": 4}
"""Protobuf's numbers of scalar types; 11 is a message, 14 an enum."""

Judge = Callable[[str], Any]


@pytest.fixture(scope="module")
def judge() -> Judge:
    """``judge(text)``: the message as protobuf reads it, by descriptors made of our table; else it raises."""
    pool = importlib.import_module("google.protobuf.descriptor_pool").DescriptorPool()
    factory = importlib.import_module("google.protobuf.message_factory")
    text_format = importlib.import_module("google.protobuf.text_format")
    pool.Add(_file())
    made = factory.GetMessageClass(pool.FindMessageTypeByName(f"tzrec.protos.{ROOT}"))

    def read(text: str) -> Any:
        found = text_format.Parse(text, made())
        found.SerializeToString()  # refuses a message that lacks a required field
        return found

    return read


def _file() -> Any:
    pb2 = importlib.import_module("google.protobuf.descriptor_pb2")
    file = pb2.FileDescriptorProto(name="pipeline.proto", package="tzrec.protos", syntax="proto2")
    for name, values in schema().enums.items():
        enum = file.enum_type.add(name=name)
        for value, number in values.items():
            enum.value.add(name=f"{name}_{value}" if _is_taken(name, value) else value, number=number)
    for name in schema().closed:
        file.message_type.add(name=name)
    for name, fields in schema().messages.items():
        described = file.message_type.add(name=name)
        for field in fields.values():
            _add(described, field)
    return file


def _is_taken(enum: str, value: str) -> bool:
    """Names of enum values are those of the whole package."""
    return any(value in values for name, values in schema().enums.items() if name != enum)


def _add(described: Any, field: FieldType) -> None:
    inner = field.type in schema().messages or field.type in schema().closed
    made = described.field.add(
        name=field.name,
        number=field.number,
        label=3 if field.repeated else 2 if field.required else 1,
        type=SCALARS.get(field.type, 11 if inner else 14),
    )
    if field.type not in SCALARS:
        made.type_name = f".tzrec.protos.{field.type}"
    if field.group:
        names = [group.name for group in described.oneof_decl]
        if field.group not in names:
            described.oneof_decl.add(name=field.group)
            names.append(field.group)
        made.oneof_index = names.index(field.group)


def test_the_table_is_whole() -> None:
    known = {*schema().messages, *schema().enums, *schema().closed, *SCALARS}
    for name, fields in schema().messages.items():
        assert {field.type for field in fields.values()} <= known, name
        numbers = [field.number for field in fields.values()]
        assert len(set(numbers)) == len(numbers), name
        assert not any(field.group and (field.required or field.repeated) for field in fields.values()), name


@pytest.mark.parametrize("name", CASES)
def test_protobuf_reads_what_is_written(name: str, judge: Judge) -> None:
    kind, work = case(name)
    read = judge(document(Subject.of(work, kind), PLACES))
    assert read.IsInitialized()
    assert [*read.data_config.label_fields] == [*work.model.labels]
    assert {f.WhichOneof("feature") for f in read.feature_configs} <= {
        "id_feature",
        "raw_feature",
        "sequence_id_feature",
    }


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(made=trainings())
def test_protobuf_reads_any_model(made: tuple[DeepModel, TrainWork], judge: Judge) -> None:
    kind, work = made
    subject = Subject.of(work, kind)
    read = judge(document(subject, PLACES))
    assert [c.name for c in subject.columns] == [
        getattr(f, f.WhichOneof("feature")).feature_name for f in read.feature_configs
    ]
    assert read.train_config.sparse_optimizer.adagrad_optimizer.lr == pytest.approx(work.options["sparse_lr"])


GOOD = 'train_input_path: "a" eval_input_path: "b" model_dir: "c"\n'
WRONG = {
    "model_dri: 'x'": "EasyRecConfig has no field 'model_dri'",
    "train_config { }": "TrainConfig lacks sparse_optimizer",
    "train_config: 5": "EasyRecConfig.train_config is a message, not 5",
    "data_config { dataset_type: Parquet }": "one of OdpsDataset",
    "data_config { dataset_type: 'ParquetDataset' }": "not 'ParquetDataset'",
    "data_config { dataset_type: ParquetDataset batch_size: 1.5 }": "batch_size is a whole number",
    "data_config { dataset_type: ParquetDataset batch_size: -1 }": "batch_size is a whole number",
    "data_config { dataset_type: ParquetDataset batch_size: 5000000000 }": "batch_size is a whole number",
    "data_config { dataset_type: ParquetDataset label_fields: 5 }": "label_fields is a text",
    "data_config { dataset_type: ParquetDataset shuffle: 'yes' }": "shuffle is true or false",
    "export_config { exporter_type: best }": "exporter_type is a text, not best",
    "feature_configs { id_feature { feature_name: 'a' } }": "IdFeature lacks expression",
    "model_config { num_class: 1 num_class: 2 }": "ModelConfig.num_class is set twice",
    "model_config { metrics { auc {} recall_at_k {} } }": "at most one of its metrics is set",
    "eval_config { } eval_config { }": "EasyRecConfig.eval_config is set twice",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_protobuf_refuses_is_refused(text: str, judge: Judge) -> None:
    found: list[Fault] = [*faults(parse(GOOD + text))]
    assert any(WRONG[text] in fault.message for fault in found), found
    assert found[0].line == 2
    with pytest.raises(Exception, match=r".") as error:
        judge(GOOD + text)
    assert type(error.value).__name__ in ("ParseError", "EncodeError")


def test_a_near_name_is_offered() -> None:
    (fault,) = faults(parse(GOOD + "data_config { dataset_type: ParquetDatset }"))
    assert fault.hint == "Did you mean 'ParquetDataset'?"


def test_what_is_not_described_is_told_apart() -> None:
    (fault,) = faults(parse(GOOD + "model_config { tdm { } }"))
    assert fault.is_closed
    assert "ModelConfig.tdm is a TDM, which sqlrec does not read" in fault.message
