"""A service as the objects of a cluster: what its server is told, the pods, and how they are reached.

Pods of the service and of its canary differ in one label, the track, so that one Service leads to both. The
server's spec lies in a ConfigMap whose name has a digest of it: a revision finds its own however often others
came between, and scaling, which changes nothing that a server is told, replaces no pod.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import ceil

from sqlrec.errors import OptionError, SetupError
from sqlrec.runtimes.kubernetes.manifest import Manifest
from sqlrec.runtimes.kubernetes.names import LABEL_LIMIT, label_value, labels, notes, object_name
from sqlrec.runtimes.kubernetes.pod import Container, namespace_of, pod_template
from sqlrec.runtimes.kubernetes.start import SPEC
from sqlrec.settings import Cluster
from sqlrec.spec import codec
from sqlrec.spec.canary import CANARY
from sqlrec.spec.function import ApiServiceSpec, relations
from sqlrec.spec.pod import OURS, Pod
from sqlrec.spec.secret import references
from sqlrec.spec.service import ServiceSpec

Served = ServiceSpec | ApiServiceSpec
"""What a server of ours serves."""

CONTAINER = "server"
COMPONENT = "service"
INSTANCE = "app.kubernetes.io/instance"
TRACK = f"{OURS}track"
REVISION = f"{OURS}revision"
STABLE = "stable"
NAME_LIMIT = LABEL_LIMIT - len("-canary-xxxxxxxxxx-xxxxx")
"""Characters of a service's objects: names of pods fit into a label, too."""

PORT, SERVICE_PORT = 8080, 80
CONFIG_DIGITS = 10
KEPT_REVISIONS = 5
DEADLINE, DRAIN, REQUEST_TIMEOUT = 600.0, 5.0, 30.0
CLOSING_SECONDS = 1
"""How long a server closes connections after their next answer, once its pod is out of the Service."""
MIN_READY_SECONDS = 1
ROLLOUT_OPTIONS = frozenset({"max_replicas", "target_cpu", "progress_deadline", "drain", "replicas", CANARY})
"""Options that no server reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceManifests:
    """Objects of one revision. The Deployment owns the others."""

    deployment: Manifest
    config_map: Manifest
    others: tuple[Manifest, ...]

    @property
    def instance(self) -> str:
        """Selector of all objects of the service, those of its canary, too."""
        return f"{INSTANCE}={self.deployment['metadata']['labels'][INSTANCE]}"

    @property
    def digest(self) -> str:
        """Of all objects: the same digest, the same revision at the same scale."""
        return _digest([self.deployment, self.config_map, *self.others])


def service_manifests(service: Served, cluster: Cluster, *, canary: int = 0) -> ServiceManifests:
    """The objects of a service, or with ``canary`` pods those of the canary beside it.

    Raises ``OptionError`` SR378 (no image) and SR597 (an autoscaler that may have fewer pods than replicas),
    ``SetupError`` SR377 (settings of the cluster) and SR595 (files that no pod can read).
    """
    _require_reachable(service, cluster)
    track = CANARY if canary else STABLE
    told = _as_told(service)
    config_map = _config_map(service, told, cluster)
    deployment = _deployment(service, told, cluster, config_map, track, canary or service.replicas)
    name = str(deployment["metadata"]["name"])
    others = [_service(name, service, cluster, _selector(service, CANARY if canary else ""))]
    if not canary:
        others += [*_budget(name, service, cluster), *_autoscaler(name, service, cluster)]
    return ServiceManifests(deployment=deployment, config_map=config_map, others=tuple(others))


def service_name(name: str, track: str = STABLE) -> str:
    """Name of the Deployment and the Service of a service, or of its canary."""
    base = object_name(name, NAME_LIMIT)
    return base if track == STABLE else f"{base}-{track}"


def namespace(service: Served, cluster: Cluster) -> str:
    """Where the objects of a service live."""
    return namespace_of(_pod(service), cluster)


def _as_told(service: Served) -> Served:
    """The spec without what only the cluster reads."""
    options = {key: value for key, value in service.options.items() if key not in ROLLOUT_OPTIONS}
    return replace(service, replicas=1, env={}, image="", pod=Pod(), options=options)


def _config_map(service: Served, told: Served, cluster: Cluster) -> Manifest:
    data = {"spec.json": codec.dumps(told)}
    name = f"{service_name(service.name)}-{_digest(data)}"
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(name, service, cluster),
        "data": data,
    }


def _deployment(
    service: Served, told: Served, cluster: Cluster, config_map: Manifest, track: str, replicas: int
) -> Manifest:
    template = _template(service, told, cluster, str(config_map["metadata"]["name"]), track)
    template["metadata"]["labels"][REVISION] = _digest(template)
    scaled = {} if track == STABLE and _most_replicas(service) else {"replicas": replicas}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(service_name(service.name, track), service, cluster, track),
        "spec": {
            **scaled,
            "selector": {"matchLabels": _selector(service, track)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "minReadySeconds": MIN_READY_SECONDS,
            "progressDeadlineSeconds": max(2, ceil(_seconds(service, "progress_deadline", DEADLINE))),
            "revisionHistoryLimit": KEPT_REVISIONS,
            "template": template,
        },
    }


def _template(service: Served, told: Served, cluster: Cluster, config_map: str, track: str) -> Manifest:
    drain = ceil(_seconds(service, "drain", DRAIN))
    longest = ceil(_seconds(service, "request_timeout", REQUEST_TIMEOUT))
    container = Container(
        name=CONTAINER,
        image=_image(service, cluster),
        command=_command(service),
        env=service.env,
        secrets=references(told),
        resources=service.resources,
        fields={
            "ports": [{"name": "http", "containerPort": PORT}],
            "startupProbe": {
                **_probe(service, "/startupz", 1),
                "failureThreshold": max(30, ceil(_seconds(service, "progress_deadline", DEADLINE))),
            },
            "readinessProbe": {**_probe(service, "/readyz", 2), "failureThreshold": 2},
            "livenessProbe": {**_probe(service, "/healthz", 10), "failureThreshold": 3},
            "lifecycle": {"preStop": {"exec": {"command": ["sleep", str(drain)]}}},
        },
    )
    facts = _facts(service)
    template: Manifest = pod_template(
        container,
        _pod(service),
        cluster,
        config_map=config_map,
        labels={**labels(service_name(service.name), COMPONENT, facts), TRACK: track},
        annotations=notes(facts),
        fields={
            "terminationGracePeriodSeconds": drain + CLOSING_SECONDS + longest + 5,
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": key,
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": {"matchLabels": _selector(service, track)},
                }
                for key in ("kubernetes.io/hostname", "topology.kubernetes.io/zone")
            ],
        },
    )
    return template


def _command(service: Served) -> tuple[str, ...]:
    program = "sqlrec.programs" if isinstance(service, ApiServiceSpec) else "sqlrec.serving"
    address = ("--host", "0.0.0.0", "--port", str(PORT), "--activate")  # noqa: S104  (the pod's own network)
    return ("python", "-m", program, "--spec", SPEC, *address, "--drain-seconds", str(CLOSING_SECONDS))


def _probe(service: Served, path: str, seconds: int) -> Manifest:
    """A request that is answered without a token; the service port opens once the server is ready."""
    return {
        "httpGet": {"path": path, "port": "http", "scheme": scheme(service).upper()},
        "periodSeconds": seconds,
        "timeoutSeconds": 5,
    }


def scheme(service: Served) -> str:
    """What the service port speaks."""
    return "https" if service.options.get("tls_cert_file") else "http"


def _service(name: str, service: Served, cluster: Cluster, selector: Mapping[str, str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(name, service, cluster),
        "spec": {
            "type": "ClusterIP",
            "selector": dict(selector),
            "ports": [{"name": "http", "port": SERVICE_PORT, "targetPort": "http", "protocol": "TCP"}],
        },
    }


def _budget(name: str, service: Served, cluster: Cluster) -> Iterator[Manifest]:
    """Several pods are not all taken away at once when nodes are emptied."""
    if service.replicas > 1:
        yield {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": _metadata(name, service, cluster),
            "spec": {"maxUnavailable": 1, "selector": {"matchLabels": _selector(service, STABLE)}},
        }


def _autoscaler(name: str, service: Served, cluster: Cluster) -> Iterator[Manifest]:
    """It owns the number of pods, which the Deployment then does not say."""
    most = _most_replicas(service)
    if not most:
        return
    if most < service.replicas:
        raise OptionError(
            "SR597",
            f"service {service.name} has replicas = {service.replicas} and max_replicas = {most}",
            hint="replicas is what the autoscaler starts from and keeps at least; make max_replicas larger",
        )
    cpu = {"type": "Utilization", "averageUtilization": int(str(service.options.get("target_cpu") or 70))}
    yield {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": _metadata(name, service, cluster),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": service.replicas,
            "maxReplicas": most,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": cpu}}],
        },
    }


def _most_replicas(service: Served) -> int:
    return int(str(service.options.get("max_replicas") or 0))


def _seconds(service: Served, option: str, default: float) -> float:
    value = service.options.get(option)
    return float(str(value)) if value is not None else default


def _pod(service: Served) -> Pod:
    """What the script asks of the pods; the run that asked is no part of it, or each would replace all."""
    own = {key: value for key, value in service.pod.annotations.items() if not key.startswith(OURS)}
    return replace(service.pod, annotations=own)


def _image(service: Served, cluster: Cluster) -> str:
    own = cluster.api_image if isinstance(service, ApiServiceSpec) else ""
    image = service.image or own or cluster.server_image
    if not image:
        raise OptionError(
            "SR378",
            f"service {service.name} has no container image",
            hint="set server_image in [kubernetes] of sqlrec.toml, or WITH (image = …)",
        )
    return image


def _facts(service: Served) -> dict[str, str]:
    if isinstance(service, ApiServiceSpec):
        return {"service": service.name, "api": service.api.name}
    return {
        "service": service.name,
        "model": str(service.own.model.name),
        "checkpoint": service.checkpoint,
        "version": str(service.version),
    }


def _selector(service: Served, track: str) -> dict[str, str]:
    """Labels of pods of a track, or without one those of all."""
    common = {INSTANCE: service_name(service.name), "app.kubernetes.io/component": COMPONENT}
    return {**common, TRACK: label_value(track)} if track else common


def _metadata(name: str, service: Served, cluster: Cluster, track: str = "") -> Manifest:
    facts = _facts(service)
    own = {"path": service.path, "scheme": scheme(service)}
    return {
        "name": name,
        "namespace": namespace(service, cluster),
        "labels": labels(service_name(service.name), COMPONENT, {**facts, "track": track}),
        "annotations": notes({**facts, **own}),
    }


def _require_reachable(service: Served, cluster: Cluster) -> None:
    """Every file that the server reads lies on a volume of its pods, or in object storage; raises SR595."""
    volumes = [cluster.mount] if cluster.volume else []
    mounts = [mount.rstrip("/") + "/" for mount in (*volumes, *(v.mount for v in _pod(service).volumes))]
    for what, path in _files(service):
        if "://" not in path and not f"{path}/".startswith(tuple(mounts)):
            where = ", ".join(mount.rstrip("/") for mount in mounts) or "no volume"
            raise SetupError(
                "SR595",
                f"pods of service {service.name} cannot read {what} at {path}: they have {where}",
                hint="let volume in [kubernetes] of sqlrec.toml hold the project (pvc:CLAIM or host:/PATH)",
            )


def _files(service: Served) -> Iterator[tuple[str, str]]:
    if isinstance(service, ServiceSpec):
        for served in service.models:
            yield f"checkpoint {served.checkpoint}", served.model_uri.removeprefix("file://")
        return
    for relation in relations(service.api.program.steps):
        for source in relation.sources.values():
            if source.path:
                yield f"table {source.name}", source.path


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:CONFIG_DIGITS]
