"""Options of the pods that jobs and services run in: shared by every model type that runs in containers.

The controller turns them into :class:`Resources` and :class:`Topology`; what those become (a pod, a
process) is the runtime's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlrec import __version__
from sqlrec.models.pod_placement import ANNOTATION, ENV, LABEL, SELECTOR, TOLERATION, VOLUME
from sqlrec.models.pod_volumes import FORMS
from sqlrec.models.server_options import server_options
from sqlrec.spec.following import FOLLOW
from sqlrec.spec.job import Resources, Topology
from sqlrec.spec.options import Effective, Option, OptionKind, OptionSet, Parsed, Scope
from sqlrec.spec.pod import Pod

POD = frozenset({Scope.TRAIN, Scope.EXPORT, Scope.EVALUATE, Scope.SERVICE})
PULL_POLICIES = ("Always", "IfNotPresent", "Never")
JOB = frozenset({Scope.TRAIN, Scope.EXPORT})
MAX_PORT = 65535


def pod_options(image: str) -> tuple[Option, ...]:
    """Options of jobs and services that run in pods; ``image`` is the type's own default."""
    return (
        *container_options(image),
        _count_option("replicas", "Copies of the service.", frozenset({Scope.SERVICE}), default=1),
        Option(
            key=FOLLOW,
            kind=OptionKind.STRING,
            doc="Alias of the model, such as @prod: when it moves, the service serves what it names then.",
            scopes=frozenset({Scope.SERVICE}),
        ),
        *server_options(),
    )


def container_options(image: str) -> tuple[Option, ...]:
    """Image, resources, placement and environment of a pod: where work is done, and nothing of what it is."""
    return (
        _text_option("image", "Container image, without tag.", default=image),
        _text_option("version", "Tag of the container image.", default=f"{__version__}-cpu"),
        _amount_option("pod_cpu_cores", "CPU cores requested: 2, '0.5' or '500m'.", Resources().cpu),
        _amount_option("pod_memory", "Memory requested.", Resources().memory),
        _amount_option("pod_cpu_limit", "CPU limit; unset: no limit."),
        _amount_option("pod_memory_limit", "Memory limit; unset: no limit."),
        _count_option("pod_gpus", "GPUs of each pod.", POD, default=0, minimum=0),
        _text_option("pod_gpu_resource", "What the cluster calls its GPUs.", default=Pod().gpu_resource),
        _amount_option("pod_shared_memory", "Size of /dev/shm; unset: 64 MiB in most clusters."),
        *_placement_options(),
    )


def _placement_options() -> tuple[Option, ...]:
    """Where pods run and with what; all of it is optional."""
    return (
        _text_option("NAMESPACE", "Kubernetes namespace; unset: that of the runtime."),
        _text_option(f"{SELECTOR}{{f}}", "Label that a Kubernetes node must have."),
        _text_option(f"{TOLERATION}{{f}}", "Taint that is borne: 'VALUE:EFFECT', ':EFFECT' or '*' for any."),
        _text_option(f"{ENV}{{f}}", "Environment variable of the container; its name's case counts."),
        _text_option(f"{VOLUME}{{f}}", f"Volume of the pod and its mount, ':ro' to read only: {FORMS}."),
        _text_option(f"{LABEL}{{f}}", "Label of the pods."),
        _text_option(f"{ANNOTATION}{{f}}", "Annotation of the pods."),
        _text_option(
            "kubernetes.service_account", "Service account of the pods; unset: that of the settings."
        ),
        _text_option("kubernetes.priority_class", "Priority class of the pods."),
        Option(
            key="kubernetes.image_pull_policy",
            kind=OptionKind.STRING,
            doc="When the image is pulled; unset: as the settings or Kubernetes say.",
            scopes=POD,
            choices=PULL_POLICIES,
        ),
        Option(
            key="kubernetes.image_pull_secrets",
            kind=OptionKind.STRING_LIST,
            doc="Secrets for the registry of the image; unset: those of the settings.",
            scopes=POD,
        ),
    )


def topology_options() -> tuple[Option, ...]:
    """Machines and processes of a job that several processes can share."""
    one = Topology()
    return (
        _count_option("nnodes", "Machines of the job.", JOB, default=one.nodes),
        _count_option(
            "nproc_per_node",
            "Processes a machine, joined by torchrun when there are several.",
            JOB,
            default=one.processes_per_node,
        ),
        _count_option(
            "master_port",
            "Port at which the processes of a job find each other.",
            JOB,
            default=one.master_port,
            maximum=MAX_PORT,
        ),
    )


def _text_option(key: str, doc: str, default: str | None = None) -> Option:
    return Option(key=key, kind=OptionKind.STRING, doc=doc, scopes=POD, default=default)


def _amount_option(key: str, doc: str, default: str | None = None) -> Option:
    return Option(key=key, kind=OptionKind.QUANTITY, doc=doc, scopes=POD, default=default)


def _count_option(
    key: str,
    doc: str,
    scopes: frozenset[Scope],
    default: int,
    *,
    minimum: int = 1,
    maximum: int | None = None,
) -> Option:
    return Option(
        key=key,
        kind=OptionKind.INT,
        doc=doc,
        scopes=scopes,
        default=default,
        minimum=minimum,
        maximum=maximum,
    )


SURROUNDINGS = OptionSet((*topology_options(), *container_options("")))
"""Options of where a job runs, and with how much: one that had too little memory goes on with more."""


def resources(options: Mapping[str, Effective]) -> Resources:
    """Requests and limits from effective pod options."""
    return Resources(**{field: str(value) for field, value in _given(options, _RESOURCES)})


def topology(options: Mapping[str, Effective]) -> Topology:
    """Machines and processes from effective job options."""
    return Topology(**{field: value for field, value in _given(options, _TOPOLOGY) if isinstance(value, int)})


_RESOURCES = {
    "cpu": "pod_cpu_cores",
    "memory": "pod_memory",
    "cpu_limit": "pod_cpu_limit",
    "memory_limit": "pod_memory_limit",
}
_TOPOLOGY = {"nodes": "nnodes", "processes_per_node": "nproc_per_node", "master_port": "master_port"}


def _given(options: Mapping[str, Effective], keys: Mapping[str, str]) -> Iterator[tuple[str, Parsed]]:
    for field, key in keys.items():
        if key in options and options[key].value is not None:
            yield field, options[key].value
