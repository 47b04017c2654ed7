"""Options of the pods that jobs and services run in: shared by every model type that runs in containers.

The controller turns them into :class:`Resources` and :class:`Topology`; what those become (a pod, a
process) is the runtime's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlrec import __version__
from sqlrec.models.server_options import server_options
from sqlrec.spec.following import FOLLOW
from sqlrec.spec.job import Resources, Topology
from sqlrec.spec.options import Effective, Option, OptionKind, Parsed, Scope

POD = frozenset({Scope.TRAIN, Scope.EXPORT, Scope.EVALUATE, Scope.SERVICE})
JOB = frozenset({Scope.TRAIN, Scope.EXPORT})
MAX_PORT = 65535


def pod_options(image: str) -> tuple[Option, ...]:
    """Image, resources, placement and environment of a pod; ``image`` is the type's own default."""
    return (
        _text_option("image", "Container image, without tag.", default=image),
        _text_option("version", "Tag of the container image.", default=f"{__version__}-cpu"),
        _count_option("pod_cpu_cores", "CPU cores requested.", POD, default=int(Resources().cpu)),
        _text_option("pod_memory", "Memory requested, as a quantity.", default=Resources().memory),
        _text_option("pod_cpu_limit", "CPU limit, as a quantity; unset: no limit."),
        _text_option("pod_memory_limit", "Memory limit, as a quantity; unset: no limit."),
        _text_option("NAMESPACE", "Kubernetes namespace; unset: that of the runtime."),
        _text_option("kubernetes.node.selector.{f}", "Label that a Kubernetes node must have."),
        _text_option("kubernetes.env.{f}", "Environment variable of the container."),
        _count_option("replicas", "Copies of the service.", frozenset({Scope.SERVICE}), default=1),
        Option(
            key=FOLLOW,
            kind=OptionKind.STRING,
            doc="Alias of the model, such as @prod: when it moves, the service serves what it names then.",
            scopes=frozenset({Scope.SERVICE}),
        ),
        *server_options(),
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


def _count_option(
    key: str, doc: str, scopes: frozenset[Scope], default: int, maximum: int | None = None
) -> Option:
    return Option(
        key=key, kind=OptionKind.INT, doc=doc, scopes=scopes, default=default, minimum=1, maximum=maximum
    )


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
