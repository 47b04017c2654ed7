"""Names of objects are valid whatever they are made of, and no two things share one."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.runtimes.kubernetes.names import (
    LABEL_LIMIT,
    NAME_LIMIT,
    job_facts,
    job_names,
    label_value,
    labels,
    notes,
    object_name,
)
from sqlrec.spec.job import EvaluateWork, ExportWork, JobKind, JobSpec, ScoreWork, TrainWork, Work
from sqlrec.spec.model import CheckpointKind, ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.pod import Pod
from sqlrec.spec.schema import Schema
from sqlrec.spec.table import Relation, TableFormat, TableSource
from tests.manifests import QUALIFIED, SERVICE

ANYTHING = st.text(max_size=300)
DATA = Relation(query="SELECT 1")


def model(name: str) -> ModelSpec:
    return ModelSpec(name=ModelName.of(name), type="t", columns=Schema(), outputs=Schema())


def job(work: Work, kind: JobKind, job_id: str = "run-1") -> JobSpec:
    return JobSpec(id=job_id, kind=kind, work=work, output_uri="/out")


def training(name: str, checkpoint: str = "v1.0", job_id: str = "run-1") -> JobSpec:
    work = TrainWork(model=model(name), checkpoint=checkpoint, data=DATA)
    return job(work, JobKind.TRAIN, job_id)


@given(ANYTHING)
def test_any_text_becomes_a_name_that_services_may_have(text: str) -> None:
    assert re.fullmatch(SERVICE, object_name(text))
    assert "--" not in object_name(text)
    assert len(object_name(text, 40)) <= 40


@given(ANYTHING, ANYTHING)
def test_two_texts_share_no_name(one: str, other: str) -> None:
    assert (object_name(one) == object_name(other)) == (one.casefold() == other.casefold())


@given(st.text("ab_-. A", max_size=6), st.text("ab_-. A", max_size=6))
def test_two_texts_that_are_nearly_the_same_share_no_name(one: str, other: str) -> None:
    assert (object_name(one) == object_name(other)) == (one.casefold() == other.casefold())


@pytest.mark.parametrize(
    ("text", "name"), [("movies", "movies"), ("Item_Tower", "item-tower"), ("a1_2b", "a1-2b")]
)
def test_ordinary_names_stay_readable(text: str, name: str) -> None:
    assert object_name(text) == name


@pytest.mark.parametrize(
    "text", ["item-tower", "api.rank", "2024_model", "ctr__v1", "_x", "x_", "模型", "", "a" * 64]
)
def test_what_had_to_change_ends_with_a_hash(text: str) -> None:
    assert re.fullmatch(r".*-[0-9a-f]{10}", object_name(text))


@given(ANYTHING)
def test_any_text_becomes_a_label(text: str) -> None:
    assert re.fullmatch(f"({QUALIFIED})?", label_value(text))


@given(st.text("aA_-. é", max_size=6), st.text("aA_-. é", max_size=6))
def test_two_texts_share_no_label(one: str, other: str) -> None:
    assert (label_value(one) == label_value(other)) == (one == other)


@given(st.text("abAB_-模", min_size=1, max_size=200), ANYTHING, ANYTHING)
def test_every_suffix_of_a_jobs_objects_fits(name: str, checkpoint: str, job_id: str) -> None:
    names = job_names(training(name, checkpoint, job_id))
    assert len(names.base) <= NAME_LIMIT
    for text in (names.base, names.headless, names.config_map, f"{names.job}-9999-abcde"):
        assert re.fullmatch(SERVICE, text)


def test_names_say_what_is_done() -> None:
    ctr, v1 = model("ctr_model"), "v1.0"
    output = TableSource(name="o", path="/o", format=TableFormat.PARQUET)
    measuring = EvaluateWork(model=ctr, checkpoint=v1, kind=CheckpointKind.EXPORT, source_uri="/s", data=DATA)
    scoring = ScoreWork(service="live", url="http://x", model=ctr, inputs=DATA, output=output)
    works: dict[str, tuple[JobKind, Work]] = {
        "ctr-model-v1-0": (JobKind.TRAIN, TrainWork(model=ctr, checkpoint=v1, data=DATA)),
        "ctr-model-v1-0-export": (JobKind.EXPORT, ExportWork(model=ctr, checkpoint=v1, source_uri="/s")),
        "ctr-model-v1-0-evaluate": (JobKind.EVALUATE, measuring),
        "live-score": (JobKind.SCORE, scoring),
    }
    for words, (kind, work) in works.items():
        assert re.fullmatch(rf"{words}-[0-9a-f]{{10}}", job_names(job(work, kind)).base)


def test_runs_that_make_the_same_checkpoint_share_no_object() -> None:
    one, other = training("m", job_id="run-1"), training("m", job_id="run-2")
    assert job_names(one) != job_names(other)
    assert job_names(one) == job_names(replace(one, output_uri="/elsewhere"))


def test_facts_are_whole_in_annotations_and_short_in_labels() -> None:
    run = "manual__2026-11-21T20:18:52+00:00"
    pod = Pod(annotations={"sqlrec.io/run": run, "sqlrec.io/dag": "daily", "team": "ads"})
    facts = job_facts(replace(training("ctr"), pod=pod))
    assert notes(facts) == {
        "sqlrec.io/checkpoint": "v1.0",
        "sqlrec.io/dag": "daily",
        "sqlrec.io/job": "run-1",
        "sqlrec.io/model": "ctr",
        "sqlrec.io/run": run,
    }
    told = labels("ctr-v1", "train", facts)
    assert told["sqlrec.io/run"] == label_value(run) != run
    assert told["sqlrec.io/dag"] == "daily"
    assert told["app.kubernetes.io/instance"] == "ctr-v1"
    assert max(map(len, told.values())) <= LABEL_LIMIT


def test_a_fact_that_is_not_there_is_no_label() -> None:
    assert "sqlrec.io/checkpoint" not in labels("x", "service", {"checkpoint": "", "service": "x"})
