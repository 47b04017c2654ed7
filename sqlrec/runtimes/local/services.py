"""Services as processes of this machine, replaced without an outage.

New server processes start beside the old ones and are proved through their private ports; only then do
they join the service's port (shared through ``SO_REUSEPORT``), and only after another proof through that
port are the old ones drained. Where only versions of models change, no process is started: those that run
load the new versions beside the old ones (:mod:`sqlrec.runtimes.local.live`).

The record on disk changes in one step after the proof, so whatever is killed and when, a retry finds either
the old service or the new one, strays it can tell apart, and processes that it can bring in line.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from sqlrec.artifacts.durable import locked, make_folder, write_text, writing
from sqlrec.errors import JobError, SqlRecError, StateError
from sqlrec.runtimes.local.live import Processes, may_update
from sqlrec.runtimes.local.ports import HOST, reserved, reserved_any, user_of
from sqlrec.runtimes.local.processes import family, how_it_ended, last_lines, stop
from sqlrec.runtimes.local.replicas import Replica, start, wait_ready
from sqlrec.runtimes.runtime import Change, Deployable, Verify
from sqlrec.spec import codec
from sqlrec.spec.function import ApiServiceSpec
from sqlrec.spec.names import slug
from sqlrec.spec.secret import Lookup, no_secret, reference, references, resolved, variable
from sqlrec.spec.service import Endpoint, ExternalServiceSpec, ServiceSpec, ServiceState

KEPT_REVISIONS = 5
"""Revisions whose specification and logs stay on disk."""

COMMAND = (sys.executable, "-m", "sqlrec.serving")
API_COMMAND = (sys.executable, "-m", "sqlrec.programs")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRecord:
    """``service.json``: what runs, and on which port. ``revision`` counts the deployments that took over.

    ``address`` is the URL of a service that somebody else runs; it has no processes and no port.
    """

    name: str
    digest: str
    revision: int
    port: int
    checkpoint: str
    version: int
    replicas: tuple[Replica, ...]
    stopped: bool = False
    path: str = "/predict"
    address: str = ""
    scheme: str = "http"

    @property
    def url(self) -> str:
        """Where requests go."""
        return self.address or f"{self.scheme}://{HOST}:{self.port}{self.path}"

    def endpoint(self, state: ServiceState, detail: str = "") -> Endpoint:
        """The service as seen from outside."""
        return Endpoint(
            name=self.name,
            url=self.url,
            state=state,
            checkpoint=self.checkpoint,
            version=self.version,
            detail=detail,
        )


class LocalServiceRuntime:
    """Runs services below ``root``."""

    def __init__(
        self,
        root: Path,
        *,
        command: Sequence[str] = COMMAND,
        api_command: Sequence[str] = API_COMMAND,
        ready_timeout: float = 120.0,
        drain_timeout: float = 40.0,
        secrets: Lookup = no_secret,
    ) -> None:
        """The commands are servers; ``--spec FILE --port P --private-port 0`` is added to them.

        A spec that refers to secrets stays so on disk; the processes get the values in their environment.
        """
        self._secrets = secrets
        self._root = root.absolute()
        self._command = tuple(command)
        self._api_command = tuple(api_command)
        self._ready_timeout = ready_timeout
        self._drain_timeout = drain_timeout

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Hold a service on this machine; the lock ends with the process."""
        return locked(self._root / f"{slug(name.casefold())}.change.lock")

    def canary(self, service: ServiceSpec, share: float, verify: Verify) -> Endpoint:
        """Raises ``StateError`` SR271: processes behind one socket take requests as they come."""
        raise StateError(
            "SR271",
            f"service {service.name} runs on this machine, where a canary cannot be run beside it",
            hint="CREATE OR REPLACE SERVICE … ON MODELS (…) WITH (routing = 'split', weights = '90,10')"
            " gives another model a share",
        )

    def end_canary(self, name: str) -> None:
        """There is none."""

    def drift(self, name: str) -> tuple[Change, ...]:
        """Nothing: processes are what their record says."""
        return ()

    def apply(self, service: Deployable, verify: Verify) -> Endpoint:
        """Make the service run as specified; the same specification again changes nothing.

        Raises ``JobError`` SR506 (the new processes failed; the old ones go on), SR507 (the service's port
        is taken by somebody else), ``SetupError`` SR703, ``NameNotFoundError`` SR320 (a secret is not set).
        """
        folder = make_folder(self._folder(service.name))
        with self._lock(service.name):
            before = self._record(service.name)
            self._sweep(folder, before)
            digest = hashlib.sha256(codec.dumps(service).encode()).hexdigest()
            ready = before is not None and _all_ready(before)
            live = self._live(before, service) if before and ready else None
            if before and ready and before.digest == digest and (live is None or live.are_new):
                return before.endpoint(ServiceState.READY)
            if isinstance(service, ExternalServiceSpec):
                after = self._note(service, digest, before, verify)
            elif before and live:
                after = self._update(live, digest, before, verify)
            else:
                moves = before is not None and before.scheme != _scheme(service)
                with self._port(service.name, None if moves else before) as port:
                    after = self._start(service, digest, before, port, verify)
            self._sweep(folder, after)
            _forget_files(folder, after)
        return after.endpoint(ServiceState.READY)

    def endpoint(self, name: str) -> Endpoint | None:
        """The service as it is now, or None."""
        record = self._record(name)
        return None if record is None else _observe(record)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """All services, by name."""
        records = (self._read(path) for path in self._root.glob("*/service.json"))
        return tuple(_observe(record) for record in sorted(filter(None, records), key=lambda r: r.name))

    def logs(self, name: str, lines: int = 50) -> str:
        """The last lines of the log of each process; empty when there is no such service."""
        record = self._record(name)
        replicas = record.replicas if record else ()
        return "\n".join(last_lines(Path(replica.log), lines) for replica in replicas)

    def stop(self, name: str) -> None:
        """Drain and stop the processes but keep the service: applying it again gives the same URL."""
        with self._lock(name):
            record = self._record(name)
            if record is not None:
                self._write(replace(record, stopped=True))
                self._sweep(self._folder(name), None)

    def remove(self, name: str) -> None:
        """Drain and stop a service and forget it; a missing one is no error."""
        with self._lock(name):
            folder = self._folder(name)
            if not folder.is_dir():
                return
            self._sweep(folder, None)
            with writing(folder):
                shutil.rmtree(folder)

    def _note(
        self, service: ExternalServiceSpec, digest: str, before: ServiceRecord | None, verify: Verify
    ) -> ServiceRecord:
        """Record a service that somebody else runs."""
        after = ServiceRecord(
            name=service.name,
            digest=digest,
            revision=before.revision + 1 if before else 1,
            port=0,
            checkpoint=service.checkpoint,
            version=service.version,
            replicas=(),
            address=service.url,
        )
        verify(after.endpoint(ServiceState.READY))
        write_text(self._folder(service.name) / f"spec.{after.revision}.json", codec.dumps(service, indent=2))
        self._write(after)
        return after

    def _start(
        self,
        service: ServiceSpec | ApiServiceSpec,
        digest: str,
        before: ServiceRecord | None,
        port: int,
        verify: Verify,
    ) -> ServiceRecord:
        """Start, prove, activate and record new processes; on failure nothing of them is left."""
        folder, env = self._folder(service.name), self._environment(service)
        revision = before.revision + 1 if before else 1
        spec = folder / f"spec.{revision}.json"
        write_text(spec, codec.dumps(service, indent=2))
        after = ServiceRecord(
            name=service.name,
            digest=digest,
            revision=revision,
            port=port,
            checkpoint=service.checkpoint,
            version=service.version,
            replicas=(),
            path=service.path,
            scheme=_scheme(service),
        )
        command = self._api_command if isinstance(service, ApiServiceSpec) else self._command
        replicas: list[Replica] = []
        deadline = time.monotonic() + self._ready_timeout
        try:
            for index in range(service.replicas):
                log = folder / f"server.{revision}.{index}.log"
                replicas.append(start(command, spec=spec, port=port, log=log, mark=str(folder), env=env))
            replicas[:] = [wait_ready(replica, deadline) for replica in replicas]
            for replica in replicas:
                verify(replace(after.endpoint(ServiceState.STARTING), url=replica.url(service.path)))
            for replica in replicas:
                replica.activate()
            verify(after.endpoint(ServiceState.READY))
            after = replace(after, replicas=tuple(replicas))
            self._write(after)
        except Exception as error:
            failure = _failure(service.name, error, replicas)
            self._sweep(folder, before)
            raise failure from error
        except BaseException:
            self._sweep(folder, before)
            raise
        return after

    def _environment(self, service: ServiceSpec | ApiServiceSpec) -> dict[str, str]:
        """Variables of the processes: the service's own, and those of the secrets that its spec refers to."""
        told = references(replace(service, env={}))
        secrets = {variable(name): resolved(reference(name), self._secrets) for name in told}
        return {**secrets, **resolved(service.env, self._secrets)}

    def _live(self, before: ServiceRecord, service: Deployable) -> Processes | None:
        """The running processes, if they can become what is wanted without new ones."""
        try:
            spec = (self._folder(before.name) / f"spec.{before.revision}.json").read_bytes()
            running = cast(Deployable, codec.loads(Deployable, spec))
        except (FileNotFoundError, codec.CodecError):
            return None
        if not (isinstance(running, ServiceSpec) and isinstance(service, ServiceSpec)):
            return None
        processes = Processes(before.replicas, running, service)
        return processes if may_update(running, service) and processes.can_update else None

    def _update(
        self, processes: Processes, digest: str, before: ServiceRecord, verify: Verify
    ) -> ServiceRecord:
        """Change the models of running processes; on failure all answer as before."""
        service = processes.new
        after = replace(
            before,
            digest=digest,
            revision=before.revision + (digest != before.digest),
            checkpoint=service.checkpoint,
            version=service.version,
        )
        write_text(self._folder(service.name) / f"spec.{after.revision}.json", codec.dumps(service, indent=2))
        try:
            processes.prepare(self._ready_timeout)
            for url in processes.trials():
                verify(replace(after.endpoint(ServiceState.STARTING), url=url))
            processes.activate()
            for replica in before.replicas:
                verify(replace(after.endpoint(ServiceState.STARTING), url=replica.url(service.path)))
            verify(after.endpoint(ServiceState.READY))
            self._write(after)
        except BaseException as error:
            processes.take_back()
            if isinstance(error, Exception):
                raise _failure(service.name, error, before.replicas) from error
            raise
        processes.settle()
        return after

    @contextmanager
    def _port(self, name: str, before: ServiceRecord | None) -> Iterator[int]:
        """The service's port, reserved while new processes start unless its running processes use it.

        Without ``before`` it is a new one: so where only the wire changes, since one port cannot speak both.
        """
        if before and any(replica.launched.running for replica in before.replicas):
            yield before.port
            return
        if before is None or not before.port:
            with reserved_any(str(self._folder(name)), self._taken()) as port:
                yield port
            return
        with reserved(before.port) as free:
            if not free:
                raise JobError(
                    "SR507",
                    f"port {before.port} of service {name} is used by {user_of(before.port)}",
                    hint=f"stop that process, or drop service {name} and create it again on another port",
                )
            yield before.port

    def _taken(self) -> set[int]:
        records = (self._read(path) for path in self._root.glob("*/service.json"))
        return {record.port for record in records if record}

    def _sweep(self, folder: Path, kept: ServiceRecord | None) -> None:
        """Drain and stop processes of the service that ``kept`` does not list."""
        outside = [replica.launched for replica in kept.replicas] if kept else []
        stop(family(str(folder), outside=outside), grace=self._drain_timeout)

    def _lock(self, name: str) -> AbstractContextManager[None]:
        return locked(self._root / f"{slug(name.casefold())}.lock")

    def _folder(self, name: str) -> Path:
        return self._root / slug(name.casefold())

    def _record(self, name: str) -> ServiceRecord | None:
        return self._read(self._folder(name) / "service.json")

    @staticmethod
    def _read(path: Path) -> ServiceRecord | None:
        try:
            return cast(ServiceRecord, codec.loads(ServiceRecord, path.read_bytes()))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _write(self, record: ServiceRecord) -> None:
        write_text(self._folder(record.name) / "service.json", codec.dumps(record, indent=2))


def _forget_files(folder: Path, record: ServiceRecord) -> None:
    """Remove specifications and logs of revisions long gone, less the logs of what runs."""
    kept = {Path(replica.log).stem for replica in record.replicas}
    for path in folder.glob("*.*.*"):
        revision = path.name.split(".")[1]
        old = revision.isdecimal() and int(revision) <= record.revision - KEPT_REVISIONS
        if old and ".".join(path.name.split(".")[:3]) not in kept:
            path.unlink(missing_ok=True)


def _all_ready(record: ServiceRecord) -> bool:
    return not record.stopped and all(replica.ready for replica in record.replicas)


def _observe(record: ServiceRecord) -> Endpoint:
    if record.stopped:
        return record.endpoint(ServiceState.STOPPED)
    if record.address:
        return record.endpoint(ServiceState.READY, "runs elsewhere")
    dead = [r for r in record.replicas if not r.launched.running]
    if dead and len(dead) == len(record.replicas):
        taken = user_of(record.port)
        detail = f"its server {how_it_ended(dead[0].launched.exit_code)}"
        return record.endpoint(ServiceState.DEAD, f"{detail}; port is used by {taken}" if taken else detail)
    if dead:
        return record.endpoint(
            ServiceState.READY, f"{len(dead)} of {len(record.replicas)} processes are dead"
        )
    ready = [replica for replica in record.replicas if replica.ready]
    failed = next(filter(None, (replica.failed_update for replica in ready)), "")
    return record.endpoint(ServiceState.READY if ready else ServiceState.STARTING, failed)


def _failure(name: str, error: Exception, replicas: Sequence[Replica]) -> JobError:
    """The error of a deployment: its reason and the end of the log of the process that has most to say."""
    reason = error.message if isinstance(error, SqlRecError) else f"{type(error).__name__}: {error}"
    hint = error.hint if isinstance(error, SqlRecError) else ""
    dead = [replica for replica in replicas if not replica.launched.running]
    tail = "\n".join(replica.tail for replica in (dead or replicas)[:1])
    message = f"service {name} was not deployed: {reason}" + (f"\n{tail}" if tail else "")
    return JobError("SR506", message, hint=hint)


def _scheme(service: ServiceSpec | ApiServiceSpec) -> str:
    """What the service port speaks."""
    return "https" if service.options.get("tls_cert_file") else "http"
