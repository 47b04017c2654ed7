"""Where the services are that a program calls.

A service may move while the program runs: it is deployed anew, stopped and started, dropped and created
again on another port. A local runtime's records are on disk, so looking whether one changed is a matter of
microseconds and is done for every call.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, cast

from sqlrec.errors import NameNotFoundError, StateError
from sqlrec.spec import codec
from sqlrec.spec.access import access_of
from sqlrec.spec.function import Callee
from sqlrec.spec.model import with_members
from sqlrec.spec.names import slug
from sqlrec.spec.secret import Lookup, no_secret, resolved
from sqlrec.spec.service import ExternalServiceSpec, ServiceSpec

HOST = "127.0.0.1"


class Callees(Protocol):
    """Finds services."""

    def find(self, service: str) -> Callee:
        """The service as it is now; raises SR206 when there is none, SR630 when it is stopped."""


class FixedCallees:
    """Services that stay where they were when the program was deployed."""

    def __init__(self, known: Mapping[str, Callee]) -> None:
        self._known = {name.casefold(): callee for name, callee in known.items()}

    def find(self, service: str) -> Callee:
        """The service."""
        if service.casefold() not in self._known:
            raise _unknown(service)
        return self._known[service.casefold()]


class LocalCallees:
    """Services of this machine, from the records of their runtime below ``root``.

    Records refer to secrets; ``secrets`` knows their values.
    """

    def __init__(self, root: Path, secrets: Lookup = no_secret) -> None:
        self._root = root
        self._secrets = secrets
        self._read: dict[str, tuple[tuple[int, int], Callee]] = {}

    def find(self, service: str) -> Callee:
        """The service as its record says; raises SR320 for a secret that is not known here."""
        folder = self._root / slug(service.casefold())
        try:
            found = (folder / "service.json").stat()
        except OSError:
            raise _unknown(service) from None
        state = (found.st_mtime_ns, found.st_ino)
        known = self._read.get(service.casefold())
        if known is None or known[0] != state:
            known = (state, resolved(_callee(service, folder), self._secrets))
            self._read[service.casefold()] = known
        return known[1]


def _callee(service: str, folder: Path) -> Callee:
    try:
        record: Any = json.loads((folder / "service.json").read_bytes())["value"]
        if record["stopped"]:
            raise StateError("SR630", f"service {service} is stopped", hint="run the script that creates it")
        text = (folder / f"spec.{record['revision']}.json").read_bytes()
        spec = cast(ServiceSpec | ExternalServiceSpec, codec.loads(ServiceSpec | ExternalServiceSpec, text))
        own = f"{record.get('scheme', 'http')}://{HOST}:{record['port']}/predict"
        if isinstance(spec, ExternalServiceSpec):
            return Callee(
                service=service, url=spec.url, model=spec.model, access=spec.access, headers=spec.headers
            )
        model = with_members(spec.own.model, [served.model for served in spec.models[1:]])
        return Callee(service=service, url=own, model=model, access=access_of(spec.options))
    except (OSError, ValueError, KeyError, TypeError):
        raise _unknown(service) from None


def _unknown(service: str) -> NameNotFoundError:
    return NameNotFoundError(
        "SR206", f"service {service} does not exist", hint="CREATE SERVICE, then call the function again"
    )
