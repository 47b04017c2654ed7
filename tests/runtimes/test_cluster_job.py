"""Jobs as manifests: golden files, and many combinations of options under the schemas of three releases."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from sqlrec.errors import JobError, OptionError
from sqlrec.models.deep.controllers import WIDE_AND_DEEP
from sqlrec.models.pod_placement import environment, pod
from sqlrec.runtimes.kubernetes.job import DIGEST, JobManifests, config_map, job_manifests, pod_manifest
from sqlrec.settings import Cluster
from sqlrec.spec import codec
from sqlrec.spec.job import JobKind, JobSpec, Resources, ScoreWork, Topology, TrainWork
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import OptionValue, Scope
from sqlrec.spec.pod import Pod, Toleration, Volume, VolumeKind
from sqlrec.spec.schema import Schema
from sqlrec.spec.table import Relation, TableFormat, TableSource
from tests.manifests import problems

GOLDEN = Path(__file__).parents[1] / "golden" / "manifests"
CLUSTER = Cluster(namespace="ml", volume="pvc:files", mount="/srv/project", job_image="sqlrec/job:1.0")
MODEL = ModelSpec(name=ModelName.of("ctr"), type="gbdt.lightgbm", columns=Schema(), outputs=Schema())
WORK = TrainWork(model=MODEL, checkpoint="v1", data=Relation(query="SELECT * FROM clicks"))
RUN = {
    "sqlrec.io/dag": "daily",
    "sqlrec.io/run": "manual__2026-11-21T06:00:00+00:00",
    "sqlrec.io/task": "train",
}
JOB = JobSpec(
    id="daily-manual-train-0a1b2c3d",
    kind=JobKind.TRAIN,
    work=WORK,
    output_uri="/srv/project/.sqlrec/runs/daily/manual/train",
    pod=Pod(annotations=RUN),
)


def objects(manifests: JobManifests) -> list[dict[str, Any]]:
    return [o for o in (manifests.job, manifests.headless, manifests.config_map) if o]


def asked(options: dict[str, OptionValue]) -> JobSpec:
    """The job of TRAIN MODEL … WITH (options), as its execution makes it."""
    effective = WIDE_AND_DEEP.options.effective(Scope.TRAIN, statement=options)
    return replace(
        JOB,
        image=f"{effective['image'].value}:{effective['version'].value}",
        resources=WIDE_AND_DEEP.resources(effective),
        topology=WIDE_AND_DEEP.topology(effective),
        env=environment(effective),
        pod=pod(effective),
    )


class Text(str):
    """Text of several lines, shown as it is."""


def shown(manifests: list[dict[str, Any]]) -> str:
    """YAML, without the spec of the job, which is not the cluster's business, and without digests of it."""

    yaml.add_representer(
        Text,
        lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, "|"),
        yaml.SafeDumper,
    )
    plain: list[dict[str, Any]] = json.loads(json.dumps(manifests))
    for notes in [manifest["metadata"]["annotations"] for manifest in plain]:
        if DIGEST in notes:
            notes[DIGEST] = "…"
    for data in [manifest["data"] for manifest in plain if "data" in manifest]:
        data.update({key: Text(text) for key, text in {**data, "spec.json": "…\n"}.items()})
    return str(yaml.safe_dump_all(plain, sort_keys=False, allow_unicode=True, width=1000))


GPUS = replace(
    JOB,
    image="my/trainer:cuda",
    resources=Resources(cpu="8", memory="32Gi", memory_limit="64Gi"),
    topology=Topology(processes_per_node=4),
    env={"NCCL_DEBUG": "INFO", "HF_TOKEN": "secret:hf"},
    pod=Pod(
        gpus=4,
        shared_memory="16Gi",
        node_selector={"cloud.google.com/gke-accelerator": "nvidia-l4"},
        tolerations=(Toleration(key="nvidia.com/gpu", effect="NoSchedule"),),
        volumes=(Volume(name="logs", kind=VolumeKind.CLAIM, source="logs", mount="/mnt/logs"),),
        labels={"team": "ads"},
        annotations=RUN,
    ),
)
CASES = {
    "pod": [pod_manifest(JOB, CLUSTER), config_map(JOB, CLUSTER)],
    "two-nodes": objects(job_manifests(replace(JOB, topology=Topology(nodes=2)), CLUSTER)),
    "gpus": objects(job_manifests(GPUS, CLUSTER)),
    "tzrec": objects(
        job_manifests(
            replace(JOB, topology=Topology(nodes=2, processes_per_node=2), image="mirror/tzrec:1.1"),
            CLUSTER,
            {"pipeline.config": 'train_config {\n  num_epochs: 1\n}\nmodel_dir: "/srv/project/model"\n'},
        )
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_manifests_are_the_golden_ones(case: str, request: pytest.FixtureRequest) -> None:
    file = GOLDEN / f"{case}.yaml"
    if request.config.getoption("--update-golden"):
        file.write_text(shown(CASES[case]))
    assert shown(CASES[case]) == file.read_text(), f"{file.name} differs: update with --update-golden"
    assert problems(CASES[case]) == []


def digests(job: JobSpec, cluster: Cluster = CLUSTER) -> tuple[str, str]:
    """Of a job as a Job and as a pod."""
    made = job_manifests(job, cluster).job, pod_manifest(job, cluster)
    first, second = (manifest["metadata"]["annotations"][DIGEST] for manifest in made)
    return first, second


@pytest.mark.parametrize(
    ("job", "cluster"),
    [
        (replace(JOB, work=replace(WORK, options={"seed": 1})), CLUSTER),
        (replace(JOB, resources=Resources(memory="9Gi")), CLUSTER),
        (replace(JOB, image="sqlrec/job:2"), CLUSTER),
        (replace(JOB, env={"A": "1"}), CLUSTER),
        (replace(JOB, pod=replace(JOB.pod, labels={"team": "ads"})), CLUSTER),
        (JOB, replace(CLUSTER, job_image="sqlrec/job:2")),
        (JOB, replace(CLUSTER, service_account="trainer")),
        (JOB, replace(CLUSTER, volume="pvc:others")),
    ],
)
def test_another_script_and_other_settings_have_other_digests(job: JobSpec, cluster: Cluster) -> None:
    assert not {*digests(job, cluster)} & {*digests(JOB)}


def test_another_try_has_the_same_digest() -> None:
    assert digests(JOB) == digests(replace(JOB, env=dict(JOB.env)), replace(CLUSTER, pending_timeout="1h"))
    files = ({"start.sh": "a"}, {"start.sh": "b"})
    made = [job_manifests(JOB, CLUSTER, given).job["metadata"]["annotations"][DIGEST] for given in files]
    assert made[0] != made[1], "what lies beside the spec counts, too"


OPTIONS: dict[str, dict[str, OptionValue]] = {
    "nothing": {},
    "cores": {"pod_cpu_cores": 4},
    "half a core": {"pod_cpu_cores": "0.5"},
    "milli": {"pod_cpu_cores": "250m", "pod_cpu_limit": "1500m"},
    "memory": {"pod_memory": "512Mi"},
    "decimal memory": {"pod_memory": "1.5G", "pod_memory_limit": "2G"},
    "limits": {"pod_cpu_limit": 2, "pod_memory_limit": "4Gi"},
    "gpu": {"pod_gpus": 1},
    "gpus of another maker": {"pod_gpus": 8, "pod_gpu_resource": "amd.com/gpu"},
    "shared memory": {"pod_shared_memory": "1Gi"},
    "processes": {"nproc_per_node": 4, "pod_cpu_cores": 8},
    "nodes": {"nnodes": 2},
    "many nodes": {"nnodes": 1000, "master_port": 23456},
    "nodes and processes": {"nnodes": 2, "nproc_per_node": 2, "pod_gpus": 2, "pod_shared_memory": "2Gi"},
    "image": {"image": "registry.example.org:5000/team/job", "version": "2026-11-21"},
    "image by digest": {"image": f"team/job@sha256:{'0' * 64}", "version": ""},
    "pull policy": {"kubernetes.image_pull_policy": "always"},
    "pull secrets": {"kubernetes.image_pull_secrets": "one, two.three"},
    "namespace": {"NAMESPACE": "team-a"},
    "account": {"kubernetes.service_account": "trainer"},
    "priority": {"kubernetes.priority_class": "high-priority"},
    "selector": {"kubernetes.node.selector.node.kubernetes.io/instance-type": "m5.large"},
    "selectors": {"kubernetes.node.selector.disk": "ssd", "kubernetes.node.selector.Zone": ""},
    "any toleration": {"kubernetes.toleration.gpu": "*"},
    "tolerations": {
        "kubernetes.toleration.a.b/c": "x:NoSchedule",
        "kubernetes.toleration.spot": ":NoExecute",
    },
    "variables": {"kubernetes.env.Path": "a=$(HOME)", "kubernetes.env.PATH": "b", "kubernetes.env.EMPTY": ""},
    "secret variable": {"kubernetes.env.TOKEN": "secret:api.token"},
    "our own variables": {"kubernetes.env.HOME": "/mnt", "kubernetes.env.OMP_NUM_THREADS": "3"},
    "claim": {"kubernetes.volume.logs": "pvc:logs:/mnt/logs"},
    "host, read only": {"kubernetes.volume.hadoop": "host:/etc/hadoop:/etc/hadoop:ro"},
    "scratch": {"kubernetes.volume.scratch": "empty:100Gi:/tmp/scratch"},
    "files of a config map": {"kubernetes.volume.my_conf": "configmap:my.conf:/etc/my"},
    "files of a secret": {"kubernetes.volume.tls": "secret-files:tls:/etc/tls/"},
    "five volumes": {f"kubernetes.volume.v{n}": f"pvc:claim-{n}:/mnt/{n}" for n in range(5)},
    "labels": {"kubernetes.label.team": "ads", "kubernetes.label.example.com/Cost-Center": "4711"},
    "annotations": {
        "kubernetes.annotation.sidecar.istio.io/inject": "false",
        "kubernetes.annotation.note": "any text",
    },
    "everything": {
        "nnodes": 3,
        "nproc_per_node": 2,
        "pod_cpu_cores": "7.5",
        "pod_cpu_limit": 8,
        "pod_memory": "30Gi",
        "pod_memory_limit": "32Gi",
        "pod_gpus": 2,
        "pod_shared_memory": "4Gi",
        "NAMESPACE": "all",
        "kubernetes.service_account": "all",
        "kubernetes.priority_class": "all",
        "kubernetes.image_pull_policy": "IfNotPresent",
        "kubernetes.image_pull_secrets": "all",
        "kubernetes.node.selector.all": "1",
        "kubernetes.toleration.all": ":PreferNoSchedule",
        "kubernetes.volume.all": "pvc:all:/all",
        "kubernetes.label.all": "1",
        "kubernetes.annotation.all": "1",
        "kubernetes.env.ALL": "1",
    },
}


@pytest.mark.parametrize("case", OPTIONS)
def test_every_combination_of_options_is_valid(case: str) -> None:
    job = asked(OPTIONS[case])
    manifests = job_manifests(job, CLUSTER)
    assert problems(objects(manifests)) == []
    assert (manifests.headless is None) == (job.topology.nodes == 1)
    if job.topology.nodes == 1:
        assert problems([pod_manifest(job, CLUSTER)]) == []


def test_every_option_of_pods_is_in_a_combination() -> None:
    given = {WIDE_AND_DEEP.options.find(key) for options in OPTIONS.values() for key in options}
    declared = [
        o for o in WIDE_AND_DEEP.options.options if o.key.startswith(("pod_", "kubernetes.", "image"))
    ]
    assert [option.key for option in declared if option not in given] == []


def test_the_pod_is_told_the_whole_job() -> None:
    data = job_manifests(JOB, CLUSTER, {"pipeline.config": "…"}).config_map["data"]
    assert codec.loads(JobSpec, data["spec.json"]) == JOB
    assert sorted(data) == ["pipeline.config", "spec.json", "start.sh"]


def test_the_same_job_is_the_same_manifests() -> None:
    shuffled = replace(GPUS, env=dict(reversed([*GPUS.env.items()])))
    spec = job_manifests(GPUS, CLUSTER).job["spec"]
    assert job_manifests(GPUS, CLUSTER) == job_manifests(GPUS, CLUSTER)
    assert job_manifests(shuffled, CLUSTER).job["spec"] == spec


def test_secrets_of_the_work_become_variables_and_no_value_is_told() -> None:
    job = replace(JOB, work=replace(WORK, options={"api_key": "secret:provider"}), env={"X": "secret:x"})
    (container,) = job_manifests(job, CLUSTER).job["spec"]["template"]["spec"]["containers"]
    references = {
        v["name"]: v["valueFrom"]["secretKeyRef"]["key"] for v in container["env"] if "valueFrom" in v
    }
    assert references == {"SQLREC_SECRET_PROVIDER": "provider", "X": "x"}


@pytest.mark.parametrize(
    ("resources", "processes", "threads"),
    [
        (Resources(cpu="4"), 1, "4"),
        (Resources(cpu="4"), 3, "1"),
        (Resources(cpu="500m"), 1, "1"),
        (Resources(cpu="1", cpu_limit="8"), 2, "4"),
    ],
)
def test_a_process_has_the_threads_of_its_share(resources: Resources, processes: int, threads: str) -> None:
    job = replace(JOB, resources=resources, topology=Topology(processes_per_node=processes))
    (container,) = job_manifests(job, CLUSTER).job["spec"]["template"]["spec"]["containers"]
    assert {"name": "OMP_NUM_THREADS", "value": threads} in container["env"]


def test_a_rank_that_fails_ends_the_job_and_an_evicted_pod_does_not() -> None:
    ranks = job_manifests(replace(JOB, topology=Topology(nodes=2)), CLUSTER).job["spec"]
    assert (ranks["backoffLimit"], ranks["completionMode"], ranks["completions"], ranks["parallelism"]) == (
        0,
        "Indexed",
        2,
        2,
    )
    assert "podFailurePolicy" not in ranks
    (rule,) = job_manifests(JOB, CLUSTER).job["spec"]["podFailurePolicy"]["rules"]
    assert (rule["action"], rule["onPodConditions"][0]["type"]) == ("Ignore", "DisruptionTarget")


def test_what_a_script_asks_of_its_pods_stands_on_the_job_too() -> None:
    manifests = job_manifests(GPUS, CLUSTER)
    assert manifests.job["metadata"]["labels"]["team"] == "ads"
    assert "team" not in manifests.config_map["metadata"]["labels"]


def test_files_that_are_too_large_are_refused() -> None:
    with pytest.raises(JobError, match=r"the largest is pipeline\.config") as caught:
        job_manifests(JOB, CLUSTER, {"pipeline.config": "é" * 600_000})
    assert caught.value.code == "SR376"


def test_a_job_without_an_image_is_refused() -> None:
    with pytest.raises(OptionError, match="no container image") as caught:
        job_manifests(JOB, replace(CLUSTER, job_image=""))
    assert caught.value.code == "SR378"


def test_a_pod_alone_is_no_home_for_several_machines() -> None:
    with pytest.raises(ValueError, match="2 machines"):
        pod_manifest(replace(JOB, topology=Topology(nodes=2)), CLUSTER)


def test_scoring_is_named_after_its_service() -> None:
    output = TableSource(name="o", path="/o", format=TableFormat.PARQUET)
    work = ScoreWork(service="live", url="http://live", model=MODEL, inputs=WORK.data, output=output)
    manifests = job_manifests(replace(JOB, kind=JobKind.SCORE, work=work), CLUSTER)
    assert manifests.job["metadata"]["labels"]["sqlrec.io/service"] == "live"
    assert problems(objects(manifests)) == []
