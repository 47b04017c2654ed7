"""pipeline.config in the ConfigMap of jobs whose model TorchEasyRec could train."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sqlrec.errors import OptionError
from sqlrec.models.deep.pipeline.schema import faults
from sqlrec.models.deep.pipeline.text import parse
from sqlrec.runtimes.kubernetes.job import config_map
from sqlrec.settings import Cluster
from sqlrec.spec.job import JobKind, JobSpec, Topology
from tests.models.pipeline_world import CASES, a_model, a_training, an_export

CLUSTER = Cluster(namespace="ml", job_image="sqlrec/job:1")
KIND, OPTIONS, _ = CASES["deepfm"]
JOB = JobSpec(
    id="daily/run/train",
    kind=JobKind.TRAIN,
    work=a_training(KIND, a_model(KIND, options=OPTIONS), {}),
    output_uri="/mnt/out/v1",
)


def _data(job: JobSpec) -> dict[str, str]:
    manifest: Any = config_map(job, CLUSTER)
    return dict(manifest["data"])


@pytest.mark.parametrize("topology", [Topology(), Topology(nodes=2, processes_per_node=2)])
def test_the_program_follows_the_file(topology: Topology) -> None:
    data = _data(replace(JOB, topology=topology))
    assert [*faults(parse(data["pipeline.config"]))] == []
    assert (
        "-m sqlrec.jobs --spec /data/spec.json --pipeline-config /data/pipeline.config\n" in data["start.sh"]
    )


def test_an_export_has_one_too() -> None:
    job = replace(JOB, kind=JobKind.EXPORT, work=an_export(KIND, JOB.work.model))
    assert 'model_dir: "/source/tzrec"' in _data(job)["pipeline.config"]


def test_what_torcheasyrec_cannot_do_makes_no_object() -> None:
    work = a_training(KIND, JOB.work.model, {"trainer": "tzrec", "eval_steps": 10})
    with pytest.raises(OptionError, match="TorchEasyRec has no eval_steps = 10") as error:
        _data(replace(JOB, work=work))
    assert error.value.code == "SR380"
