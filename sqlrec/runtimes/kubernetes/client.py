"""The cluster: objects of any kind as plain dicts, over the REST paths of the API.

The package ``kubernetes`` gives what is hard (kubeconfigs, credential plugins, TLS, proxies) and nothing
more: its models drop fields that they do not know, and its log reader answers the text of a bytes literal.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlrec.errors import NameNotFoundError, RemoteError, SetupError, StateError
from sqlrec.runtimes.kubernetes.follow import follow_log
from sqlrec.runtimes.kubernetes.manifest import Manifest
from sqlrec.runtimes.kubernetes.rest import Answer, Closing, Connection
from sqlrec.settings import Cluster

API_VERSIONS = {
    "ConfigMap": "v1",
    "Event": "v1",
    "PersistentVolumeClaim": "v1",
    "Pod": "v1",
    "Secret": "v1",
    "Service": "v1",
    "Deployment": "apps/v1",
    "ReplicaSet": "apps/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "Job": "batch/v1",
    "Lease": "coordination.k8s.io/v1",
    "PodDisruptionBudget": "policy/v1",
}
"""Kinds that are spoken of, all of them namespaced, with the version that is used."""
REQUEST = "sqlrec.io/request"
"""Annotation by which a repeated create knows the object of its own first try."""
PAGE = 500
POLL_SECONDS = 0.2
MERGE, APPLY = "application/merge-patch+json", "application/apply-patch+yaml"
Objects = list[Manifest]


def open_cluster(cluster: Cluster) -> ClusterClient:
    """The cluster of a kubeconfig (``config``, else ``KUBECONFIG`` or ``~/.kube/config``) or of this pod.

    Raises ``SetupError`` SR740 when none of them can be used. Nothing is asked of the cluster yet.
    """
    try:
        from kubernetes.client import ApiClient, Configuration
        from kubernetes.config import load_incluster_config, load_kube_config
        from kubernetes.config.kube_config import KUBE_CONFIG_DEFAULT_LOCATION
    except ImportError:
        hint = "pip install 'sqlrec[kubernetes]'"
        raise SetupError("SR740", "the runtime kubernetes needs the package kubernetes", hint=hint) from None
    files = cluster.config or KUBE_CONFIG_DEFAULT_LOCATION
    is_there = any(Path(file).expanduser().is_file() for file in files.split(":") if file)
    configuration, context = Configuration(), cluster.context or None
    try:
        if is_there:
            load_kube_config(files, context, client_configuration=configuration, persist_config=False)
        elif cluster.config or cluster.context:
            raise FileNotFoundError(f"there is no file {files}")
        else:
            load_incluster_config(client_configuration=configuration)
        api = ApiClient(configuration)
    except Exception as error:
        where = files if is_there or cluster.config or cluster.context else f"{files} or this pod's account"
        raise SetupError("SR740", f"no cluster by {where}: {error}", hint=_config_hint(error)) from error
    return client_of(api)


def client_of(api: Any) -> ClusterClient:
    """The cluster of an ``ApiClient`` of the package ``kubernetes``."""

    def authorize(headers: dict[str, str]) -> None:
        headers["User-Agent"] = "sqlrec"
        api.update_params_for_auth(headers, [], ["BearerToken"])

    return ClusterClient(Connection(api.rest_client.pool_manager, api.configuration.host, authorize))


def _config_hint(error: Exception) -> str:
    if "context" in str(error):
        return "kubectl config get-contexts lists them; correct context in [kubernetes] of sqlrec.toml"
    return "set config in [kubernetes] of sqlrec.toml, or KUBECONFIG, to a kubeconfig file"


class ClusterClient:
    """Verbs on objects of :data:`API_VERSIONS`; each repeats itself while the API server is away.

    All raise ``SetupError`` SR742 (no access), ``RemoteError`` SR741 (no answer), ``OptionError`` SR744
    (the server refuses what it is given) and ``NameNotFoundError`` SR745 (no such namespace or object).
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def patient(self, seconds: float, closing: Closing) -> ClusterClient:
        """The same cluster, waited for so long when it does not answer, or until closed."""
        return ClusterClient(self._connection.patient(seconds, closing))

    def get(self, kind: str, name: str, namespace: str) -> Manifest | None:
        """The object, or None."""
        answer = self._connection.call("GET", _path(kind, namespace, name))
        return None if answer.status == 404 else answer.body

    def list(self, kind: str, namespace: str, labels: str = "", fields: str = "") -> Objects:
        """All objects that have the labels and fields of two selectors."""
        return self.list_at(kind, namespace, labels, fields)[0]

    def list_at(self, kind: str, namespace: str, labels: str = "", fields: str = "") -> tuple[Objects, str]:
        """The objects, and the version of the cluster's state that they are of, for :meth:`changes`."""
        query = {"limit": str(PAGE)} | _selectors(labels, fields)
        head = {"apiVersion": API_VERSIONS[kind], "kind": kind}
        found: Objects = []
        while True:
            answer = self._connection.call("GET", _path(kind, namespace), query=query)
            if answer.status == 410:
                found, query = [], _selectors(labels, fields)
                continue
            body = _done(answer, kind, namespace)
            found += [head | item for item in body.get("items") or ()]
            rest = body.get("metadata", {})
            if not rest.get("continue"):
                return found, str(rest.get("resourceVersion", ""))
            query = query | {"continue": rest["continue"]}

    def create(self, manifest: Manifest) -> Manifest | None:
        """The created object; None when there is one of that name already.

        When the answer to a first try was lost, the object it created is known by an annotation of its own.
        """
        token = secrets.token_hex(8)
        metadata = dict(manifest["metadata"])
        metadata["annotations"] = dict(metadata.get("annotations") or {}) | {REQUEST: token}
        kind, name, namespace = _names(manifest)
        body = {**manifest, "metadata": metadata}
        answer = self._connection.call("POST", _path(kind, namespace), body=body)
        if answer.status != 409:
            return _done(answer, kind, name)
        if answer.body.get("reason") != "AlreadyExists":
            raise _conflict(kind, name, answer)
        mine = self.get(kind, name, namespace) if answer.attempts > 1 else None
        notes = mine["metadata"].get("annotations", {}) if mine else {}
        return mine if notes.get(REQUEST) == token else None

    def apply(
        self, manifest: Manifest, *, force: bool = True, manager: str = "sqlrec", dry_run: bool = False
    ) -> Manifest:
        """Create the object or make its fields as given, by server-side apply; what others set stays.

        Raises ``StateError`` SR743 without ``force`` when another manager has set a field otherwise.
        """
        kind, name, namespace = _names(manifest)
        query = {"fieldManager": manager, "force": str(force).lower()} | (
            {"dryRun": "All"} if dry_run else {}
        )
        path = _path(kind, namespace, name)
        answer = self._connection.call("PATCH", path, query=query, body=manifest, content=APPLY)
        return _changed(answer, kind, name)

    def patch(self, kind: str, name: str, namespace: str, body: Manifest) -> Manifest:
        """The object after a merge patch; ``metadata.resourceVersion`` in it makes it conditional (SR743)."""
        answer = self._connection.call("PATCH", _path(kind, namespace, name), body=body, content=MERGE)
        return _changed(answer, kind, name)

    def scale(self, kind: str, name: str, namespace: str, replicas: int) -> None:
        """Set the number of replicas and touch nothing else."""
        path, body = _path(kind, namespace, name, "scale"), {"spec": {"replicas": replicas}}
        _changed(self._connection.call("PATCH", path, body=body, content=MERGE), kind, name)

    def delete(
        self,
        kind: str,
        name: str,
        namespace: str,
        *,
        propagation: str = "Background",
        uid: str = "",
        wait: float = 0.0,
    ) -> None:
        """Delete an object; one that is missing, or is another than that of ``uid``, is no error.

        With ``wait`` it is waited for, so many seconds, until it is gone (with ``Foreground``: and all that
        belongs to it). Raises ``RemoteError`` SR746 when it is not.
        """
        options: Manifest = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        if uid:
            options["preconditions"] = {"uid": uid}
        answer = self._connection.call("DELETE", _path(kind, namespace, name), body=options)
        if answer.status == 409 and not uid:
            raise _conflict(kind, name, answer)
        if answer.status >= 400 or not wait:
            return
        deadline = time.monotonic() + wait
        while (left := self.get(kind, name, namespace)) is not None:
            uid = uid or _uid(left)
            if _uid(left) != uid:
                return
            if time.monotonic() > deadline:
                hint = "a finalizer holds it, or its node does not answer: see kubectl describe"
                told = f"{kind} {name} is not deleted after {wait:g} s"
                raise RemoteError("SR746", told, hint=hint, retriable=True)
            time.sleep(POLL_SECONDS)

    def events(self, kind: str, name: str, namespace: str) -> Objects:
        """What the cluster noted about an object, oldest first."""
        fields = f"involvedObject.kind={kind},involvedObject.name={name}"
        return sorted(self.list("Event", namespace, fields=fields), key=_noted_at)

    def changes(
        self,
        kind: str,
        namespace: str,
        *,
        version: str,
        seconds: float,
        closing: Closing,
        labels: str = "",
        fields: str = "",
    ) -> Iterator[tuple[str, Manifest]]:
        """What happens (``ADDED``, ``MODIFIED``, ``DELETED``) to objects after a version of the state.

        Ends at any trouble, when nothing happens for ``seconds``, and when closed: the caller lists again.
        """
        query = {"watch": "true", "resourceVersion": version} | _selectors(labels, fields)
        query["timeoutSeconds"] = str(max(1, round(seconds)))
        lines = self._connection.lines(_path(kind, namespace), query, seconds=seconds, closing=closing)
        for line in lines:
            event = json.loads(line)
            if event["type"] not in ("ADDED", "MODIFIED", "DELETED"):
                return
            yield event["type"], event["object"]

    def logs(
        self,
        pod: str,
        namespace: str,
        container: str,
        *,
        follow: bool = False,
        since: str = "",
        tail: int | None = None,
        previous: bool = False,
        closing: Closing | None = None,
    ) -> Iterator[str]:
        """Lines of a container, from a time on (RFC 3339) or the last ``tail``; none when there is no log.

        With ``follow`` until it has ended, also over broken connections, or until closed.
        """
        query = {"container": container}
        query |= {"sinceTime": since} if since else {}
        query |= {"tailLines": str(tail)} if tail is not None else {}
        query |= {"previous": "true"} if previous else {}
        path = _path("Pod", namespace, pod, "log")
        if follow:
            runs = partial(self._may_write, pod, namespace, container)
            yield from follow_log(self._connection, path, query, runs=runs, closing=closing or Closing())
        else:
            text = self._connection.text(path, query).removesuffix("\n")
            yield from text.split("\n") if text else ()

    def _may_write(self, pod: str, namespace: str, container: str) -> bool:
        """Whether lines of a container may still come."""
        found = self.get("Pod", pod, namespace)
        if found is None or found.get("status", {}).get("phase") in ("Succeeded", "Failed"):
            return False
        states = found.get("status", {}).get("containerStatuses") or ()
        return not any(s["name"] == container and "terminated" in s.get("state", {}) for s in states)


def _path(kind: str, namespace: str, name: str = "", sub: str = "") -> str:
    version = API_VERSIONS[kind]
    root = "/apis/" if "/" in version else "/api/"
    parts = ("namespaces", namespace, f"{kind.lower()}s", name, sub)
    return root + "/".join([version, *(quote(part, safe="") for part in parts if part)])


def _selectors(labels: str, fields: str) -> dict[str, str]:
    given = {"labelSelector": labels, "fieldSelector": fields}
    return {key: value for key, value in given.items() if value}


def _names(manifest: Manifest) -> tuple[str, str, str]:
    metadata = manifest["metadata"]
    return manifest["kind"], metadata["name"], metadata["namespace"]


def _uid(body: Manifest) -> str:
    return str(body["metadata"]["uid"])


def _changed(answer: Answer, kind: str, name: str) -> Manifest:
    if answer.status == 409:
        raise _conflict(kind, name, answer)
    return _done(answer, kind, name)


def _done(answer: Answer, kind: str, name: str) -> Manifest:
    if answer.status < 400:
        return answer.body
    message = answer.body.get("message", f"status {answer.status}")
    hint = "create it, or correct namespace in [kubernetes] of sqlrec.toml" if "namespaces" in message else ""
    raise NameNotFoundError("SR745", f"{kind} {name}: {message}", hint=hint)


def _conflict(kind: str, name: str, answer: Answer) -> StateError:
    message = answer.body.get("message", "conflict")
    return StateError("SR743", f"{kind} {name} was changed by somebody else: {message}")


def _noted_at(event: Manifest) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event.get("firstTimestamp") or "")
