"""Notes about services that are not where all are: those that somebody else runs, or in another namespace."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from sqlrec.runtimes.kubernetes import names
from sqlrec.runtimes.kubernetes.client import ClusterClient
from sqlrec.runtimes.kubernetes.service import service_name
from sqlrec.spec.service import Endpoint, ServiceState

COMPONENT = "note"
FILE = "note.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Where a service is: in ``namespace``, or, when that is empty, elsewhere at ``url``."""

    name: str
    namespace: str
    url: str = ""
    checkpoint: str = ""
    version: int = 0

    @property
    def endpoint(self) -> Endpoint:
        """A service that somebody else runs."""
        return Endpoint(
            name=self.name,
            url=self.url,
            state=ServiceState.READY,
            checkpoint=self.checkpoint,
            version=self.version,
            detail="runs elsewhere",
        )


class Notes:
    """Notes as ConfigMaps of the runtime's own namespace, where every service is looked for first."""

    def __init__(self, client: ClusterClient, home: str) -> None:
        self._client = client
        self._home = home

    def find(self, name: str) -> Note | None:
        """The note about a service."""
        found = self._client.get("ConfigMap", _object(name), self._home)
        return Note(**json.loads(found["data"][FILE])) if found else None

    def all(self) -> tuple[Note, ...]:
        """All notes."""
        selector = f"app.kubernetes.io/component={COMPONENT}"
        found = self._client.list("ConfigMap", self._home, labels=selector)
        return tuple(Note(**json.loads(config_map["data"][FILE])) for config_map in found)

    def namespace_of(self, name: str) -> str:
        """Where the objects of a service are."""
        note = self.find(name)
        return (note.namespace if note else "") or self._home

    def put(self, note: Note) -> None:
        """Note it, in place of what was noted of the service."""
        facts = {"service": note.name}
        self._client.apply(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {
                    "name": _object(note.name),
                    "namespace": self._home,
                    "labels": names.labels(_object(note.name), COMPONENT, facts),
                    "annotations": names.notes(facts),
                },
                "data": {FILE: json.dumps(asdict(note))},
            }
        )

    def forget(self, name: str) -> None:
        """Delete the note, if there is one."""
        self._client.delete("ConfigMap", _object(name), self._home)


def _object(name: str) -> str:
    return f"{service_name(name)}-note"
