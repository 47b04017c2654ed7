"""The template of every pod: jobs, services and Airflow's pods differ in their container and little else.

A container runs without privileges on a read-only file system; it can write to /tmp and to its volumes.
Values of secrets never stand here: a reference becomes a reference to the cluster's Secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from sqlrec.errors import OptionError, SetupError
from sqlrec.models.pod_volumes import require_apart, volume
from sqlrec.runtimes.kubernetes.manifest import Manifest
from sqlrec.runtimes.kubernetes.names import LABEL_LIMIT, object_name
from sqlrec.runtimes.kubernetes.start import DATA
from sqlrec.settings import Cluster
from sqlrec.spec.job import Resources
from sqlrec.spec.pod import Pod, Toleration, Volume, VolumeKind
from sqlrec.spec.secret import named, reference, variable

TMP = "/tmp"  # noqa: S108  (the path in a container)
SHARED_MEMORY = "/dev/shm"  # noqa: S108
CONFIG_VOLUME = "config-volume"
VOLUME_NAME = LABEL_LIMIT - len("volume-")
SURROUNDINGS = {"HOME": TMP, "USER": "sqlrec"}
"""The user of a container has no entry in its /etc/passwd; libraries ask for both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """The one container of a pod.

    ``env`` may hold references (``secret:NAME``). ``secrets`` are names of those that the program itself
    resolves. ``fields`` are further ones of the container, as the API calls them: ports, probes, lifecycle.
    """

    name: str
    image: str
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    resources: Resources = Resources()
    fields: Mapping[str, object] = field(default_factory=dict)


def pod_template(
    container: Container,
    pod: Pod,
    cluster: Cluster,
    *,
    config_map: str,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    fields: Mapping[str, object],
) -> Manifest:
    """A pod's ``metadata`` and ``spec``; the files of ``config_map`` lie in /data.

    ``labels`` and ``annotations`` are ours and go before the script's. ``fields`` are further ones of the
    pod's spec (restartPolicy, subdomain, terminationGracePeriodSeconds, …). Raises ``SetupError`` SR377 for
    settings of the cluster that cannot be, ``OptionError`` SR374 for a volume where the project is.
    """
    config = Volume(
        name=CONFIG_VOLUME, kind=VolumeKind.CONFIG_MAP, source=config_map, mount=DATA, read_only=True
    )
    volumes = (config, *_volumes(pod, cluster))
    account = pod.service_account or cluster.service_account
    pull_secrets = pod.image_pull_secrets or tuple(_names(cluster.image_pull_secrets))
    spec = {
        "containers": [_container(container, pod, cluster, volumes)],
        "volumes": [
            {"name": "tmp", "emptyDir": {}},
            *([_shared_memory(pod.shared_memory)] if pod.shared_memory else []),
            *({"name": v.name, **_source(v)} for v in volumes),
        ],
        "securityContext": _pod_security(cluster),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "serviceAccountName": account,
        "priorityClassName": pod.priority_class,
        "imagePullSecrets": [{"name": name} for name in pull_secrets],
        "nodeSelector": dict(sorted(pod.node_selector.items())),
        "tolerations": [_toleration(toleration) for toleration in pod.tolerations],
        **fields,
    }
    metadata = {
        "labels": dict(sorted({**pod.labels, **labels}.items())),
        "annotations": dict(sorted({**pod.annotations, **annotations}.items())),
    }
    return {"metadata": _given(metadata), "spec": _given(spec)}


def namespace_of(pod: Pod, cluster: Cluster) -> str:
    """Where the objects of a job or service live."""
    return pod.namespace or cluster.namespace


def owned_by(manifest: Mapping[str, Any], owner: Mapping[str, Any]) -> Manifest:
    """The manifest of an object that goes when ``owner``, an object as the API gave it, goes."""
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "blockOwnerDeletion": True,
    }
    return {**manifest, "metadata": {**manifest["metadata"], "ownerReferences": [reference]}}


def _container(container: Container, pod: Pod, cluster: Cluster, volumes: tuple[Volume, ...]) -> Manifest:
    mounts: list[Manifest] = [{"name": "tmp", "mountPath": TMP}]
    if pod.shared_memory:
        mounts.append({"name": "shared-memory", "mountPath": SHARED_MEMORY})
    for v in volumes:
        mounts.append({"name": v.name, "mountPath": v.mount, **({"readOnly": True} if v.read_only else {})})
    return _given(
        {
            "name": container.name,
            "image": container.image,
            "imagePullPolicy": pod.image_pull_policy or cluster.image_pull_policy,
            "command": list(container.command),
            "env": list(_env(container, cluster)),
            "envFrom": [{"secretRef": {"name": name}} for name in _names(cluster.env_from_secrets)],
            "resources": _resources(container.resources, pod),
            "volumeMounts": mounts,
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            **container.fields,
        }
    )


def _env(container: Container, cluster: Cluster) -> Iterator[Manifest]:
    secrets = {variable(name): reference(name) for name in container.secrets}
    for name, value in sorted({**SURROUNDINGS, **secrets, **container.env}.items()):
        if key := named(value):
            yield {"name": name, "valueFrom": {"secretKeyRef": {"name": cluster.secret, "key": key}}}
        else:
            yield {"name": name, "value": _literal(value)}


def _literal(value: str) -> str:
    """A value in which the kubelet finds no ``$(VARIABLE)`` to put in."""
    return re.sub(r"\$(?=[$(])", "$$", value)


def _resources(resources: Resources, pod: Pod) -> Manifest:
    gpus = {pod.gpu_resource: str(pod.gpus)} if pod.gpus else {}
    limits = {"cpu": resources.cpu_limit, "memory": resources.memory_limit, **gpus}
    requests = {"cpu": resources.cpu, "memory": resources.memory, **gpus}
    return _given({"requests": _given(requests), "limits": _given(limits)})


def _pod_security(cluster: Cluster) -> Manifest:
    if not cluster.run_as_user.isdecimal() or int(cluster.run_as_user) == 0:
        raise SetupError(
            "SR377",
            f"kubernetes.run_as_user is {cluster.run_as_user!r}, no number of a user other than root",
            hint="write a number such as '50000'",
        )
    user = int(cluster.run_as_user)
    return {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": user,
        "fsGroup": user,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _volumes(pod: Pod, cluster: Cluster) -> Iterator[Volume]:
    """The project's volume, then the pod's own."""
    project = (_project(cluster),) if cluster.volume else ()
    yield from project
    for own in pod.volumes:
        require_apart(own, project)
        yield replace(own, name=f"volume-{object_name(own.name, VOLUME_NAME)}")


def _project(cluster: Cluster) -> Volume:
    try:
        found = volume("project", f"{cluster.volume}:{cluster.mount}")
        require_apart(found, ())
    except OptionError as error:
        message = (
            f"kubernetes.volume {cluster.volume!r} with kubernetes.mount {cluster.mount!r}: {error.message}"
        )
        raise SetupError("SR377", message, hint="write volume = 'pvc:CLAIM' or 'host:/PATH'") from None
    if found.kind not in (VolumeKind.CLAIM, VolumeKind.HOST):
        message = f"kubernetes.volume is {cluster.volume!r}, which this process cannot share with pods"
        raise SetupError("SR377", message, hint="write 'pvc:CLAIM' or 'host:/PATH'")
    return found


def _source(volume: Volume) -> Manifest:
    match volume.kind:
        case VolumeKind.CLAIM:
            return {"persistentVolumeClaim": {"claimName": volume.source}}
        case VolumeKind.HOST:
            return {"hostPath": {"path": volume.source}}
        case VolumeKind.EMPTY:
            return {"emptyDir": {"sizeLimit": volume.source}}
        case VolumeKind.CONFIG_MAP:
            return {"configMap": {"name": volume.source}}
        case VolumeKind.SECRET:
            return {"secret": {"secretName": volume.source}}
        case _:
            assert_never(volume.kind)


def _shared_memory(size: str) -> Manifest:
    return {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": size}}


def _toleration(toleration: Toleration) -> Manifest:
    operator = (
        {"operator": "Equal", "value": toleration.value} if toleration.value else {"operator": "Exists"}
    )
    return _given({"key": toleration.key, **operator, "effect": toleration.effect})


def _names(text: str) -> Iterator[str]:
    return (part.strip() for part in text.split(",") if part.strip())


def _given(fields: Mapping[str, object]) -> Manifest:
    """Fields that say something; an empty one would be an invalid name or the API's default written out."""
    return {key: value for key, value in fields.items() if value not in ("", [], {})}
