"""The runtimes in memory, and the registry, for tests of what is built on them.

``tests/contracts`` runs one suite over these and over the real ones, so that they cannot drift apart.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlrec.artifacts.folder import is_complete
from sqlrec.errors import JobError, NameNotFoundError, SqlRecError
from sqlrec.runtimes.runtime import Change, Deployable, Verify
from sqlrec.spec.job import JobHandle, JobSpec, JobState
from sqlrec.spec.service import Endpoint, ExternalServiceSpec, ServiceSpec, ServiceState
from tests.fake_registry import FakeRegistry

__all__ = ["FakeJob", "FakeJobRuntime", "FakeRegistry", "FakeServiceRuntime"]


@dataclass
class FakeJob:
    """What the fake runtime knows of a job."""

    spec: JobSpec
    state: JobState
    lines: list[str] = field(default_factory=list)
    error: str = ""
    starts: int = 0
    forgotten: bool = False


class FakeJobRuntime:
    """``JobRuntime`` that runs ``program`` at once, in this process.

    The program publishes its output or raises; what it gives to its second argument is the job's log.
    While ``paused`` is set, jobs stay running until :meth:`resume`.
    """

    def __init__(self, program: Callable[[JobSpec, Callable[[str], None]], None]) -> None:
        self.program = program
        self.jobs: dict[str, FakeJob] = {}
        self.paused = False

    def submit(self, job: JobSpec) -> JobHandle:
        known = self.jobs.setdefault(job.id, FakeJob(spec=job, state=JobState.PENDING))
        if known.state is JobState.RUNNING and known.spec == job:
            pass
        elif is_complete(Path(job.output_uri)):
            known.state = JobState.SUCCEEDED
        else:
            self._start(known, job)
        return JobHandle(id=job.id, runtime="fake")

    def _start(self, known: FakeJob, job: JobSpec) -> None:
        known.spec, known.state, known.error, known.lines = job, JobState.RUNNING, "", []
        known.starts += 1
        if not self.paused:
            self._run(known)

    def _run(self, known: FakeJob) -> None:
        try:
            self.program(known.spec, known.lines.append)
        except SqlRecError as error:
            known.error = error.message
        done = is_complete(Path(known.spec.output_uri))
        known.state = JobState.SUCCEEDED if done else JobState.FAILED

    def resume(self) -> None:
        """Let the jobs that wait run."""
        self.paused = False
        for known in self.jobs.values():
            if known.state is JobState.RUNNING:
                self._run(known)

    def state(self, handle: JobHandle) -> JobState:
        return self.jobs[handle.id].state if handle.id in self.jobs else JobState.UNKNOWN

    def logs(self, handle: JobHandle) -> Iterator[str]:
        yield from self.jobs[handle.id].lines if handle.id in self.jobs else ()

    def cancel(self, handle: JobHandle) -> None:
        if self.state(handle) is JobState.RUNNING:
            self.jobs[handle.id].state = JobState.CANCELLED

    def error(self, handle: JobHandle) -> JobError:
        if handle.id not in self.jobs:
            raise NameNotFoundError("SR509", f"no job {handle.id!r}")
        known = self.jobs[handle.id]
        reason = "it was cancelled" if known.state is JobState.CANCELLED else known.error or "no output"
        tail = [] if known.error else known.lines[-20:]
        return JobError("SR505", "\n".join([f"job {handle.id} failed: {reason}", *tail]))

    def forget(self, handle: JobHandle) -> None:
        if handle.id in self.jobs:
            self.jobs[handle.id].forgotten = self.state(handle) is JobState.SUCCEEDED


class FakeServiceRuntime:
    """``ServiceRuntime`` without processes: services are entries with a URL that nobody answers.

    ``broken`` names checkpoints whose server does not start.
    """

    def __init__(self) -> None:
        self.broken: set[str] = set()
        self.specs: dict[str, Deployable] = {}
        self.canaries: dict[str, tuple[ServiceSpec, float]] = {}
        self.drifted: dict[str, tuple[Change, ...]] = {}
        self._lock = threading.Lock()
        self._endpoints: dict[str, Endpoint] = {}

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        with self._lock:
            yield

    def canary(self, service: ServiceSpec, share: float, verify: Verify) -> Endpoint:
        stable = self._endpoints[service.name.casefold()]
        if service.checkpoint in self.broken:
            raise JobError("SR506", f"the canary of {service.name} was not deployed")
        verify(replace(stable, state=ServiceState.STARTING))
        self.canaries[service.name.casefold()] = service, share
        return replace(stable, checkpoint=service.checkpoint, version=service.version, detail="1 of 2 pods")

    def end_canary(self, name: str) -> None:
        self.canaries.pop(name.casefold(), None)

    def drift(self, name: str) -> tuple[Change, ...]:
        return self.drifted.get(name.casefold(), ())

    def apply(self, service: Deployable, verify: Verify) -> Endpoint:
        name = service.name.casefold()
        if self.specs.get(name) == service:
            return self._endpoints[name]
        endpoint = Endpoint(
            name=service.name,
            url=service.url
            if isinstance(service, ExternalServiceSpec)
            else f"http://127.0.0.1:9/{name}/predict",
            state=ServiceState.READY,
            checkpoint=service.checkpoint,
            version=service.version,
        )
        try:
            if service.checkpoint in self.broken:
                raise JobError("SR506", "its server ended with exit status 1")
            verify(replace(endpoint, state=ServiceState.STARTING, url=f"{endpoint.url}/new/predict"))
            verify(endpoint)
        except Exception as error:
            raise JobError("SR506", f"service {service.name} was not deployed: {error}") from error
        self.specs[name], self._endpoints[name] = service, endpoint
        return endpoint

    def endpoint(self, name: str) -> Endpoint | None:
        return self._endpoints.get(name.casefold())

    def endpoints(self) -> tuple[Endpoint, ...]:
        return tuple(sorted(self._endpoints.values(), key=lambda e: e.name))

    def logs(self, name: str, lines: int = 50) -> str:
        return f"serving {self.specs[name.casefold()].checkpoint}" if name.casefold() in self.specs else ""

    def stop(self, name: str) -> None:
        if endpoint := self.endpoint(name):
            self._endpoints[name.casefold()] = replace(endpoint, state=ServiceState.STOPPED)
            del self.specs[name.casefold()]

    def remove(self, name: str) -> None:
        self.specs.pop(name.casefold(), None)
        self._endpoints.pop(name.casefold(), None)
