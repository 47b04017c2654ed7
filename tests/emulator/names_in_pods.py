"""The DNS of the cluster: Services, and pods behind headless ones, written to each pod's ``/etc/hosts``."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from tests.emulator.endpoints import backends, is_published
from tests.emulator.kinds import SERVICES
from tests.emulator.objects import Object, name_of, namespace_of, uid_of
from tests.emulator.store import Change, Store


@dataclass
class Names:
    """Keeps the files of the pods that run. A name resolves only when it would in a cluster."""

    store: Store
    _files: dict[str, tuple[Object, Path]] = field(default_factory=dict)
    _written: dict[str, str] = field(default_factory=dict)
    _planned: bool = False

    def __post_init__(self) -> None:
        self.store.hooks.append(self._notice)

    def add(self, pod: Object, path: Path) -> None:
        """Keep the file of a pod that has its address."""
        self._files[uid_of(pod)] = (pod, path)
        self._write()

    def discard(self, pod: Object) -> None:
        self._files.pop(uid_of(pod), None)
        self._written.pop(uid_of(pod), None)

    def _notice(self, change: Change) -> None:
        if change.kind.plural in ("pods", "services") and not self._planned:
            self._planned = True
            asyncio.get_running_loop().call_soon(self._write)

    def _write(self) -> None:
        self._planned = False
        homes = {namespace_of(pod) for pod, _ in self._files.values()}
        records = {home: self._records(home) for home in homes}
        for uid, (pod, path) in self._files.items():
            own = f"127.0.0.1 localhost\n::1 localhost\n{pod['status']['podIP']} {hostname(pod)}\n"
            text = own + records[namespace_of(pod)]
            if self._written.get(uid) != text:
                self._written[uid] = text
                with path.open("r+" if path.exists() else "w") as file:
                    file.write(text)
                    file.truncate()

    def _records(self, home: str) -> str:
        lines = []
        for service in self.store.find(SERVICES):
            name, place = name_of(service), namespace_of(service)
            address = service["spec"].get("clusterIP")
            if address not in (None, "None"):
                lines.append(f"{address} {_names(name, place, home)}")
                continue
            for pod in backends(self.store, service):
                if is_published(service, pod):
                    lines.append(f"{pod['status']['podIP']} {_names(name, place, home)}")
                    if pod["spec"].get("subdomain") == name and pod["spec"].get("hostname"):
                        one = f"{pod['spec']['hostname']}.{name}"
                        lines.append(f"{pod['status']['podIP']} {_names(one, place, home)}")
        return "".join(f"{line}\n" for line in lines)


def hostname(pod: Object) -> str:
    """The name that a pod has for itself."""
    return str(pod["spec"].get("hostname") or name_of(pod))[:63]


def _names(name: str, namespace: str, home: str) -> str:
    forms = [f"{name}.{namespace}.svc.cluster.local", f"{name}.{namespace}.svc", f"{name}.{namespace}"]
    return " ".join([*forms, name] if namespace == home else forms)
