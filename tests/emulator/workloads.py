"""Small manifests, and what tests ask of a namespace: for tests of the cluster itself."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes import client

from tests.emulator.fixtures import JOB_IMAGE, api_client
from tests.emulator.objects import Object
from tests.emulator.waiting import eventually

SERVER = """
import http.server, os, signal, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = os.environ.get("ANSWER", "").encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a): pass
server = http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler)
signal.signal(signal.SIGTERM, lambda *a: threading.Thread(target=server.shutdown).start())
server.serve_forever()
"""
"""A server that answers with the variable ANSWER and ends when it is told to."""


def container(*command: str, image: str = JOB_IMAGE, **fields: object) -> Object:
    return {"name": "main", "image": image, "command": list(command), **fields}


def pod(name: str, *containers: Object, **spec: object) -> Object:
    body = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 5, "containers": list(containers)}
    return {"metadata": {"name": name}, "spec": {**body, **spec}}


def job(name: str, *command: str, image: str = JOB_IMAGE, **spec: object) -> Object:
    pods = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1}
    template = {"spec": {**pods, "containers": [container(*command, image=image)]}}
    body = {"backoffLimit": 0, "template": template, **spec}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": body}


def server(answer: str, replicas: int = 2, **spec: object) -> Object:
    """A Deployment ``web`` that answers at port 8080."""
    probe = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
    pause = {"preStop": {"exec": {"command": ["sleep", "0.3"]}}}
    main = container("python", "-c", SERVER, env=[{"name": "ANSWER", "value": answer}], lifecycle=pause)
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{**main, "readinessProbe": probe}]},
    }
    rolling = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    body = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    head = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}
    return {**head, "spec": {**body, "strategy": rolling, **spec}}


SERVICE = {
    "metadata": {"name": "web"},
    "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
}


@dataclass(frozen=True, slots=True)
class Home:
    """A namespace and the clients of its objects."""

    namespace: str
    core: Any
    apps: Any
    batch: Any

    def start(self, body: Object) -> None:
        self.core.create_namespaced_pod(self.namespace, body)

    def pod(self, name: str) -> Any:
        return self.core.read_namespaced_pod(name, self.namespace)

    def pods(self, selector: str = "") -> list[Any]:
        return list(self.core.list_namespaced_pod(self.namespace, label_selector=selector).items)

    def ended(self, name: str) -> Any:
        """A pod once it has come to its end."""
        return eventually(lambda: (p := self.pod(name)).status.phase in ("Succeeded", "Failed") and p)

    def state(self, name: str) -> Any:
        """The state of a pod's first container."""
        statuses = self.pod(name).status.container_statuses
        return statuses[0].state if statuses else None

    def running(self, name: str) -> Any:
        return eventually(lambda: (state := self.state(name)) and state.running)

    def log(self, name: str, **query: object) -> str:
        answer = self.core.read_namespaced_pod_log(name, self.namespace, _preload_content=False, **query)
        return str(answer.data.decode())

    def events(self, name: str) -> list[str]:
        chosen = f"involvedObject.name={name}"
        found = self.core.list_namespaced_event(self.namespace, field_selector=chosen).items
        return [e.reason for e in found]

    def job(self, name: str) -> Any:
        return self.batch.read_namespaced_job(name, self.namespace)

    def job_ended(self, name: str) -> str:
        """``Complete`` or ``Failed``."""

        def end() -> str:
            conditions = self.job(name).status.conditions or []
            return next((c.type for c in conditions if c.type in ("Complete", "Failed")), "")

        return eventually(end)

    def rolled_out(self, name: str = "web") -> None:
        def is_done() -> bool:
            d = self.apps.read_namespaced_deployment(name, self.namespace)
            s, wanted = d.status, d.spec.replicas
            fresh = s.observed_generation == d.metadata.generation
            return bool(fresh and s.replicas == s.updated_replicas == s.available_replicas == wanted)

        eventually(is_done)

    def url(self, service: str = "web") -> str:
        address = self.core.read_namespaced_service(service, self.namespace).spec.cluster_ip
        return f"http://{address}/"


@contextmanager
def home(kubeconfig: Path, namespace: str) -> Iterator[Home]:
    """The clients for a namespace."""
    with api_client(kubeconfig) as api:
        yield Home(namespace, client.CoreV1Api(api), client.AppsV1Api(api), client.BatchV1Api(api))


def get(url: str) -> str:
    """The body of an answer."""
    with urllib.request.urlopen(url, timeout=30) as answer:
        return str(answer.read().decode())
