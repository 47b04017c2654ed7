"""What the triggerer waits for in the place of tasks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextvars import copy_context
from functools import cached_property
from threading import Thread
from typing import Any

from airflow.providers.cncf.kubernetes.triggers.pod import KubernetesPodTrigger
from airflow.triggers.base import BaseTrigger, TriggerEvent

from sqlrec.airflow.cluster import connect
from sqlrec.airflow.ending import is_waiting
from sqlrec.errors import RemoteError, SqlRecError
from sqlrec.runtimes.kubernetes.jobs import KubernetesJobRuntime
from sqlrec.settings import Cluster
from sqlrec.spec.job import JobHandle, JobState

POLL_SECONDS = 2.0
LAST_LINES_SECONDS = 10.0


class PodTrigger(KubernetesPodTrigger):
    """Fires as the provider's does; the pod is left to a later wait of the same task."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class and arguments, as Airflow stores them."""
        return f"{__name__}.{type(self).__name__}", super().serialize()[1]

    async def on_kill(self) -> None:
        """Somebody ended the task: so ends its pod."""
        if not await asyncio.to_thread(is_waiting, self.task_instance):
            await super().on_kill()


class JobTrigger(BaseTrigger):
    """Fires when a job of the cluster has ended, or the time of its task is over.

    The cluster may be out of reach for as long as it likes. ``job`` is a handle, ``cluster`` the settings,
    ``extras`` is what stands in the connection that they name, ``deadline`` counts seconds from 1970.
    """

    def __init__(
        self,
        *,
        job: Mapping[str, str],
        cluster: Mapping[str, str],
        extras: Mapping[str, Any],
        deadline: float | None = None,
    ) -> None:
        super().__init__()
        self.job = job
        self.cluster = cluster
        self.extras = extras
        self.deadline = deadline
        self.is_told = False

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class and arguments, as Airflow stores them."""
        given = {"job": dict(self.job), "cluster": dict(self.cluster), "extras": dict(self.extras)}
        return f"{__name__}.{type(self).__name__}", {**given, "deadline": self.deadline}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """One event: ``status`` is ``ended``, ``timeout`` or ``lost``, the latter two with a ``message``.

        ``is_told``: all lines of the job were logged here.
        """
        yield TriggerEvent(await self._end())

    async def on_kill(self) -> None:
        """Somebody ended the task: so ends its job, unless a later wait of the task has it."""
        if not await asyncio.to_thread(is_waiting, self.task_instance):
            await asyncio.to_thread(self._cancel)

    async def _end(self) -> dict[str, Any]:
        """Poll, for a watch may die without a sign; beside it a thread of its own logs what the job says."""
        teller = Thread(target=copy_context().run, args=(self._tell,), daemon=True)
        teller.start()
        while self.deadline is None or time.time() < self.deadline:
            try:
                if await asyncio.to_thread(self._has_ended):
                    await asyncio.to_thread(teller.join, LAST_LINES_SECONDS)
                    return {"status": "ended", "is_told": self.is_told}
            except RemoteError as error:
                self.log.warning("Job %s cannot be looked at: %s", self.job["id"], error)
            except SqlRecError as error:
                return {"status": "lost", "message": str(error)}
            await asyncio.sleep(POLL_SECONDS)
        return {"status": "timeout", "message": "the time of its task is over"}

    def _has_ended(self) -> bool:
        state = self._runtime.state(self._handle)
        return state.finished or state is JobState.UNKNOWN

    def _tell(self) -> None:
        """Log the lines of all machines; what goes wrong here is made up for by the task."""
        try:
            for line in self._runtime.logs(self._handle):
                self.log.info("%s", line)
        except SqlRecError as error:
            self.log.warning("The log of job %s cannot be read: %s", self.job["id"], error)
        else:
            self.is_told = True

    def _cancel(self) -> None:
        self._runtime.cancel(self._handle)

    @property
    def _handle(self) -> JobHandle:
        return JobHandle(**self.job)

    @cached_property
    def _runtime(self) -> KubernetesJobRuntime:
        cluster = Cluster(**self.cluster)
        return KubernetesJobRuntime(connect(cluster, self.extras), cluster)
