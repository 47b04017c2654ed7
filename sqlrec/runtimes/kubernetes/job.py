"""A job as the objects of a cluster: its files, and what runs them.

One failing rank ends the job: the others cannot go on without it, and what was trained is in the last state
that was written, from which the job's next start resumes. So nothing is retried here. A pod of a job of one
machine that was evicted is no failure; it is started again, as if nothing had happened.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sqlrec.errors import JobError, OptionError
from sqlrec.models.beside import job_files
from sqlrec.runtimes.kubernetes.manifest import Manifest
from sqlrec.runtimes.kubernetes.names import JobNames, job_facts, job_names, labels, notes
from sqlrec.runtimes.kubernetes.pod import Container, namespace_of, pod_template
from sqlrec.runtimes.kubernetes.start import COMMAND, program, start_script
from sqlrec.settings import Cluster
from sqlrec.spec import codec
from sqlrec.spec.job import JobSpec
from sqlrec.spec.pod import OURS
from sqlrec.spec.quantity import quantity
from sqlrec.spec.secret import references

CONTAINER = "base"
"""What Airflow calls the container whose end is the pod's."""
KEPT_SECONDS = 24 * 3600
CONFIG_MAP_BYTES = 1024 * 1024
THREADS = "OMP_NUM_THREADS"
SPEC_FILE = "spec.json"
DIGEST = f"{OURS}digest"
"""Annotation of a Job or pod: the digest of all that it was given. One with another is another job."""
NO_FILES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class JobManifests:
    """Objects of one job. ``job`` is created first; the others are then given to it (``owned_by``)."""

    job: Manifest
    config_map: Manifest
    headless: Manifest | None = None


def job_manifests(job: JobSpec, cluster: Cluster, files: Mapping[str, str] = NO_FILES) -> JobManifests:
    """A Job, Indexed when it has several machines; ``files`` lie beside spec.json in /data.

    Raises ``JobError`` SR376 (files too large), ``OptionError`` SR378 (no image), ``SetupError`` SR377.
    """
    names, nodes = job_names(job), job.topology.nodes
    template = {"subdomain": names.headless} if nodes > 1 else {}
    spec = {
        "completions": nodes,
        "parallelism": nodes,
        "backoffLimit": 0,
        "ttlSecondsAfterFinished": KEPT_SECONDS,
        **({"completionMode": "Indexed"} if nodes > 1 else {"podFailurePolicy": _GO_ON_ELSEWHERE}),
        "template": _template(job, cluster, {"restartPolicy": "Never", **template}),
    }
    given = config_map(job, cluster, files)
    metadata = _own_metadata(names.job, job, cluster, _digest(spec, given["data"]))
    return JobManifests(
        job={"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec},
        config_map=given,
        headless=_headless(names, job, cluster) if nodes > 1 else None,
    )


def pod_manifest(job: JobSpec, cluster: Cluster) -> Manifest:
    """A job of one machine as a pod alone, which somebody else watches; :func:`config_map` has its files.

    Raises what :func:`job_manifests` raises.
    """
    if job.topology.nodes != 1:
        raise ValueError(f"job {job.id} has {job.topology.nodes} machines; one pod is no home for them")
    template = _template(job, cluster, {"restartPolicy": "Never"})
    told = _digest(template, config_map(job, cluster)["data"])
    metadata = _own_metadata(job_names(job).base, job, cluster, told)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def config_map(job: JobSpec, cluster: Cluster, files: Mapping[str, str] = NO_FILES) -> Manifest:
    """The files of /data: the job's spec, how it starts, those of its model's type, and ``files``.

    Raises ``JobError`` SR376, and ``OptionError`` for a job that its trainer cannot do.
    """
    names, files = job_names(job), {**job_files(job), **files}
    data = {
        SPEC_FILE: codec.dumps(job),
        "start.sh": start_script(job.topology, f"{names.job}-0.{names.headless}", program(files)),
        **files,
    }
    size = sum(len(text.encode()) for text in data.values())
    if size > CONFIG_MAP_BYTES:
        largest = max(data, key=lambda name: len(data[name]))
        raise JobError(
            "SR376",
            f"job {job.id} has {size:,} bytes of files, which are more than a ConfigMap holds "
            f"({CONFIG_MAP_BYTES:,}); the largest is {largest}",
            hint="a table of very many files is shorter as a pattern (part-*.parquet)",
        )
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(names.config_map, job, cluster),
        "data": dict(sorted(data.items())),
    }


_GO_ON_ELSEWHERE = {
    "rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]
}
"""A pod that was evicted is replaced, and its program resumes from the last state that was written."""


def _headless(names: JobNames, job: JobSpec, cluster: Cluster) -> Manifest:
    """Ranks find each other while they are not ready: none is before all are there."""
    port = job.topology.master_port
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(names.headless, job, cluster),
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": {"job-name": names.job},
            "ports": [{"name": "torch-distributed", "port": port, "targetPort": port}],
        },
    }


def _template(job: JobSpec, cluster: Cluster, fields: Mapping[str, object]) -> Manifest:
    facts = job_facts(job)
    container = Container(
        name=CONTAINER,
        image=_image(job, cluster),
        command=COMMAND,
        env={THREADS: _threads(job), **job.env},
        secrets=references(job.work),
        resources=job.resources,
    )
    return pod_template(
        container,
        job.pod,
        cluster,
        config_map=job_names(job).config_map,
        labels=labels(job_names(job).base, job.kind.value, facts),
        annotations=notes(facts),
        fields=fields,
    )


def _own_metadata(name: str, job: JobSpec, cluster: Cluster, told: str) -> Manifest:
    """Metadata of what makes pods, or is one: with all that it is given, as a digest.

    What the script asks of its pods stands there, too, for queues read it there.
    """
    own = _metadata(name, job, cluster)
    remarks = {**job.pod.annotations, **own["annotations"], DIGEST: told}
    marks = {**job.pod.labels, **own["labels"]}
    return {**own, "labels": dict(sorted(marks.items())), "annotations": dict(sorted(remarks.items()))}


def _digest(*given: object) -> str:
    text = json.dumps(given, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _metadata(name: str, job: JobSpec, cluster: Cluster) -> Manifest:
    facts = job_facts(job)
    return {
        "name": name,
        "namespace": namespace_of(job.pod, cluster),
        "labels": dict(sorted(labels(job_names(job).base, job.kind.value, facts).items())),
        "annotations": dict(sorted(notes(facts).items())),
    }


def _image(job: JobSpec, cluster: Cluster) -> str:
    image = job.image or cluster.job_image
    if not image:
        raise OptionError(
            "SR378",
            f"job {job.id} has no container image",
            hint="set job_image in [kubernetes] of sqlrec.toml, or WITH (image = …)",
        )
    return image


def _threads(job: JobSpec) -> str:
    """Threads of each process: a container sees all cores of its machine, whatever it asked for."""
    cores = quantity(job.resources.cpu_limit or job.resources.cpu)
    return str(max(1, int(cores / job.topology.processes_per_node)))
