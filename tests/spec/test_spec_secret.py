"""References to secrets are found wherever they stand, and replaced but in definitions of models."""

from __future__ import annotations

import pytest

from sqlrec.errors import NameNotFoundError
from sqlrec.spec.job import JobKind, JobSpec, TrainWork
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.schema import Schema
from sqlrec.spec.secret import given_by, named, reference, references, resolved, variable
from sqlrec.spec.table import Relation, TableFormat, TableSource

MODEL = ModelSpec(
    name=ModelName.parse("rank"),
    type="tzrec.dssm",
    columns=Schema(),
    outputs=Schema(),
    options={"image": "secret:of_model"},
)
TABLE = TableSource(name="t", format=TableFormat.CSV, path="/t.csv", options={"password": "secret:of_table"})
JOB = JobSpec(
    id="j",
    kind=JobKind.TRAIN,
    work=TrainWork(
        model=MODEL,
        checkpoint="v1",
        data=Relation(query="SELECT 'secret:no one' AS x", sources={"t": TABLE}),
        options={"token": "secret:of.option", "epochs": 3, "many": ("a", "secret:of_option")},
    ),
    output_uri="/out",
    env={"AWS_SECRET_ACCESS_KEY": "secret:aws_secret"},
)


def test_references_are_found_in_every_place_but_the_models_definition() -> None:
    assert references(JOB) == ("aws_secret", "of.option", "of_option", "of_table")
    assert references(MODEL) == references(3) == references(JOB.topology) == ()


def test_a_resolved_job_has_the_values_and_the_definition_its_references() -> None:
    found = resolved(JOB, str.upper)
    work = found.work
    assert isinstance(work, TrainWork)
    assert work.options == {"token": "OF.OPTION", "epochs": 3, "many": ("a", "OF_OPTION")}
    assert work.data.sources["t"].options == {"password": "OF_TABLE"}
    assert found.env == {"AWS_SECRET_ACCESS_KEY": "AWS_SECRET"}
    assert work.model is MODEL
    assert references(found) == ()


def test_what_refers_to_nothing_is_left_as_it_is() -> None:
    assert resolved(JOB.resources, str.upper) is JOB.resources
    assert resolved("secret:not one", str.upper) == "secret:not one"
    assert named("see secret:x") == named(None) == ""


def test_a_reference_resolved_to_itself_stays_a_reference() -> None:
    assert resolved(JOB, reference) == JOB


def test_a_pod_looks_into_its_environment_and_says_which_variable_is_missing() -> None:
    find = given_by({variable("of.option"): "x"})
    assert find("of.option") == "x"
    with pytest.raises(NameNotFoundError, match=r"SR320.*SQLREC_SECRET_AWS_SECRET"):
        resolved(JOB.env, find)
