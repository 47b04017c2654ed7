"""What a job is told otherwise, in words."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sqlrec.runtimes.changes import changed
from sqlrec.spec import codec
from sqlrec.spec.job import JobKind, JobSpec, Resources, TrainWork
from sqlrec.spec.table import Relation
from tests.registries import model

WORK = TrainWork(
    model=model(), checkpoint="v1", data=Relation(query="SELECT 1"), options={"num_epochs": 1, "seed": 7}
)
JOB = JobSpec(id="j", kind=JobKind.TRAIN, work=WORK, output_uri="/out.1", env={"KEY": "value of a secret"})


def told(now: JobSpec) -> str:
    return changed(codec.dumps(JOB, indent=2), codec.dumps(now))


def test_the_same_job_is_told_nothing_else() -> None:
    assert told(JOB) == ""
    other_order = replace(WORK, options=dict(sorted(WORK.options.items(), reverse=True)))
    assert told(replace(JOB, work=other_order)) == ""


def test_fields_are_named_and_values_are_not() -> None:
    now = replace(
        JOB,
        image="sqlrec/job:2",
        env={"KEY": "another"},
        work=replace(WORK, options={"num_epochs": 2, "seed": 7}),
        output_uri="/out.2",
    )
    assert told(now) == "env.KEY, image, work.options.num_epochs"


def test_what_comes_and_what_goes_differs_too() -> None:
    assert told(replace(JOB, env={})) == "env.KEY"
    assert told(replace(JOB, env={**JOB.env, "MORE": "1"})) == "env.MORE"


def test_many_fields_are_counted() -> None:
    env = {f"K{number}": "1" for number in range(4)}
    now = replace(JOB, env={**JOB.env, **env}, resources=Resources(memory="9Gi"))
    assert told(now) == "env.K0, env.K1, env.K2, env.K3 and 1 more"


@given(st.text() | st.builds(json.dumps, st.dictionaries(st.text(), st.integers() | st.lists(st.none()))))
def test_whatever_was_found_it_differs_from_a_job(found: str) -> None:
    assert changed(found, codec.dumps(JOB)) != ""
