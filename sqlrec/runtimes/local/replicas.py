"""One server process of a service, from its start to the moment it takes requests.

A server listens on a private port first (it prints ``{"event": "listening", "private_port": N}``), where
it is asked whether it is ready and tried out; it joins the service's port when told to. There, too, the
versions of its models are changed.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlrec.errors import JobError
from sqlrec.runtimes.local.ports import HOST
from sqlrec.runtimes.local.processes import Launched, how_it_ended, last_lines, launch
from sqlrec.spec import codec
from sqlrec.spec.service import ServedModel

POLL_SECONDS = 0.05
HTTP_SECONDS = 5.0
LOG_LINES = 20


@dataclass(frozen=True, slots=True)
class SlotState:
    """One model of a running process: the version in force, all that are loaded, why one could not be."""

    version: int
    loaded: frozenset[int]
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """A server process. ``private_port`` is 0 until it listens."""

    launched: Launched
    log: str
    private_port: int = 0

    def url(self, path: str) -> str:
        """Where it takes requests itself, beside the service's port."""
        return f"http://{HOST}:{self.private_port}{path}"

    @property
    def ready(self) -> bool:
        """Whether the process runs and says that it can answer."""
        return self.launched.running and self._ask("GET", "/readyz")[0] == 200

    @property
    def tail(self) -> str:
        """The last lines of its log."""
        return last_lines(Path(self.log), LOG_LINES)

    def activate(self) -> None:
        """Let it take requests of the service's port. Raises ``JobError`` SR506."""
        self._change("/admin/activate", None, "does not join the port")

    def slots(self) -> Mapping[str, SlotState]:
        """Its models by slot; none when it does not run, or is a server that cannot be updated."""
        status, answer = self._ask("GET", "/admin/models") if self.launched.running else (599, "")
        try:
            found = json.loads(answer)["slots"] if status == 200 else {}
            return {
                name: SlotState(slot["version"], frozenset(map(int, slot["loaded"])), _failed(slot))
                for name, slot in found.items()
            }
        except (ValueError, KeyError, TypeError):
            return {}

    @property
    def failed_update(self) -> str:
        """Why the last version that it was told to load is not served; empty when it is."""
        return next((state.failure for state in self.slots().values() if state.failure), "")

    def load(self, slot: str, model: ServedModel, seconds: float) -> None:
        """Load a version beside that in force, within ``seconds``. Raises ``JobError`` SR506."""
        document = {"slot": slot, "model": codec.encode(model)}
        failure = f"does not load {model.checkpoint} (version {model.version})"
        self._change("/admin/models/load", document, failure, seconds)

    def put_in_force(self, versions: Mapping[str, int]) -> None:
        """Let loaded versions, by slot, answer. Raises ``JobError`` SR506."""
        self._change("/admin/models/activate", {"versions": versions}, "does not change its model")

    def unload(self, slot: str, version: int) -> None:
        """Forget a version that is not in force. Raises ``JobError`` SR506."""
        self._change("/admin/models/unload", {"slot": slot, "version": version}, f"keeps version {version}")

    def _change(self, path: str, document: object, failure: str, seconds: float = HTTP_SECONDS) -> None:
        status, answer = self._ask("POST", path, document, seconds)
        if status >= 300:
            raise JobError("SR506", f"its server {failure}: {_reason(status, answer)}")

    def _ask(
        self, method: str, path: str, document: object = None, seconds: float = HTTP_SECONDS
    ) -> tuple[int, str]:
        """Status and answer; 599 when there is none."""
        connection = http.client.HTTPConnection(HOST, self.private_port, timeout=seconds)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request(method, path, None if document is None else json.dumps(document))
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", errors="replace")
        return 599, ""


def _failed(slot: Mapping[str, Any]) -> str:
    failure = slot.get("last_update_error")
    if not failure:
        return ""
    return f"{failure['checkpoint']} (version {failure['version']}) was not loaded: {failure['message']}"


def _reason(status: int, answer: str) -> str:
    """Why a server refused: message and hint of its error, or the answer as it is."""
    if status == 599:
        return "it does not answer"
    try:
        error = json.loads(answer)["error"]
        hint = f" ({error['hint']})" if error.get("hint") else ""
        return f"{error['message']}{hint}"
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"status {status} {answer[:500]}".rstrip()


def start(
    command: Sequence[str], *, spec: Path, port: int, log: Path, mark: str, env: Mapping[str, str]
) -> Replica:
    """Start a server process on the service described by the file ``spec``."""
    log.unlink(missing_ok=True)
    launched = launch(
        [*command, "--spec", str(spec), "--port", str(port), "--private-port", "0"],
        log=log,
        exit_file=log.with_suffix(".exit.json"),
        mark=mark,
        env=env,
    )
    return Replica(launched=launched, log=str(log))


def wait_ready(replica: Replica, deadline: float) -> Replica:
    """The replica with its private port, once it is ready.

    Raises ``JobError`` SR506 as soon as the process has died, or when ``deadline`` (of the monotonic
    clock) has passed.
    """
    while True:
        running = replica.launched.running
        port = replica.private_port or announced_port(Path(replica.log))
        replica = Replica(launched=replica.launched, log=replica.log, private_port=port)
        if not running:
            raise JobError("SR506", f"its server {how_it_ended(replica.launched.exit_code)}")
        if port and replica.ready:
            return replica
        if time.monotonic() > deadline:
            raise JobError("SR506", "its server is not ready in time")
        time.sleep(POLL_SECONDS)


def announced_port(log: Path) -> int:
    """The private port that a server has printed, or 0."""
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("{") and '"listening"' in line:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                return int(json.loads(line)["private_port"])
    return 0
