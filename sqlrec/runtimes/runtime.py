"""The two seams between a plan and the machines it runs on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from sqlrec.errors import JobError
from sqlrec.spec.function import ApiServiceSpec
from sqlrec.spec.job import JobHandle, JobSpec, JobState
from sqlrec.spec.service import Endpoint, ExternalServiceSpec, ServiceSpec


class JobRuntime(Protocol):
    """Runs jobs."""

    def submit(self, job: JobSpec) -> JobHandle:
        """Start a job. The same job again is the one there is: running, or finished with its result.

        A job of that id that failed or died is started anew; one that runs and was told otherwise is ended,
        and started anew as it is told now.
        """

    def state(self, handle: JobHandle) -> JobState:
        """Where the job is."""

    def logs(self, handle: JobHandle) -> Iterator[str]:
        """Lines of all processes so far and to come, until the job is finished."""

    def cancel(self, handle: JobHandle) -> None:
        """Stop every process of the job; a finished job is left as it is."""

    def error(self, handle: JobHandle) -> JobError:
        """Why a job did not succeed: what its program said, else how it ended and the log's end."""

    def forget(self, handle: JobHandle) -> None:
        """Give back what a job holds that has succeeded and whose result was read; others are left."""


Verify = Callable[[Endpoint], None]
"""Proves a started service by using it; raises when it does not answer as it should."""


Deployable = ServiceSpec | ApiServiceSpec | ExternalServiceSpec
"""A service of a model, the server of an API, or a service that somebody else runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What somebody changed by hand in a running service: a field, what was applied and what it is now.

    An empty text: it was not there. ``by`` names the program that did it, where that is known.
    """

    field: str
    applied: str
    found: str
    by: str = ""

    def __str__(self) -> str:
        who = f" by {self.by}" if self.by else ""
        return f"{self.field}: {self.applied or '(nothing)'} → {self.found or '(nothing)'}{who}"


class ServiceRuntime(Protocol):
    """Runs services, those of models and those of APIs, under one set of names."""

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Hold a service, so that one change of it is made at a time; waits for who holds it.

        It holds for all who can reach the same services, and ends with the holder, however that ends.
        """

    def apply(self, service: Deployable, verify: Verify) -> Endpoint:
        """Make the service run as specified, without an outage when it already runs.

        One that somebody else runs is only noted, when ``verify`` raises nothing. Of others
        the new revision is started beside the old one, proved by ``verify`` and only then takes over.
        On any failure the old one stays, the new one is removed, and ``JobError`` gives the reason with
        the last log lines. ``detail`` of the endpoint tells what else was done.
        """

    def canary(self, service: ServiceSpec, share: float, verify: Verify) -> Endpoint:
        """Run another revision beside a service, for about a share of its requests; ``detail`` tells which.

        One that runs already is replaced. On any failure it is removed, the service goes on as it was, and
        ``JobError`` gives the reason. Raises ``StateError`` SR271 where this cannot be done.
        """

    def end_canary(self, name: str) -> None:
        """Remove the canary of a service; a missing one is no error."""

    def drift(self, name: str) -> tuple[Change, ...]:
        """What was changed by hand in what runs; applying the service takes it back."""

    def endpoint(self, name: str) -> Endpoint | None:
        """The service as it is now, or None; a stale process id or a foreign port is detected."""

    def endpoints(self) -> tuple[Endpoint, ...]:
        """All services."""

    def logs(self, name: str, lines: int = 50) -> str:
        """The last lines of a service's log."""

    def stop(self, name: str) -> None:
        """Drain and stop a service but keep what it is, so that applying it starts it where it was."""

    def remove(self, name: str) -> None:
        """Drain and stop a service; a missing one is no error."""
