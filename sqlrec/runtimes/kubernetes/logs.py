"""The lines of all pods of a job as one stream, live, from its first line on whenever one begins to read.

Pods come and go: one that is evicted is replaced. So pods are watched, each that has started is followed by a
thread of its own, and the stream ends with the Job.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, Full, Queue
from typing import assert_never

from sqlrec.errors import SetupError
from sqlrec.runtimes.kubernetes.client import ClusterClient, Objects
from sqlrec.runtimes.kubernetes.failures import Trouble, is_slow, rank_of, waits
from sqlrec.runtimes.kubernetes.job import CONTAINER
from sqlrec.runtimes.kubernetes.manifest import Manifest
from sqlrec.runtimes.kubernetes.rest import Closing
from sqlrec.runtimes.kubernetes.watching import Level, watch

QUEUED = 10_000
OUTAGE_SECONDS = 900.0
"""A job goes on while its cluster's API server is away or replaced, so who follows it is in no hurry."""
ENDED = ("Complete", "Failed", "FailureTarget")
"""Conditions of a Job after which nothing of it matters any more."""


def has_ended(job: Manifest) -> bool:
    """Whether a Job is done, or has failed although some of its pods are still being stopped."""
    conditions = job.get("status", {}).get("conditions") or ()
    return any(c["type"] in ENDED and c["status"] == "True" for c in conditions)


def pods_of(client: ClusterClient, job: str, namespace: str) -> Objects:
    """The pods of a Job."""
    return client.list("Pod", namespace, labels=f"job-name={job}")


def events_of(client: ClusterClient, pod: Manifest) -> Objects:
    """What was noted of a pod; nothing where we are not allowed to read it, as it only adds words."""
    try:
        return client.events("Pod", pod["metadata"]["name"], pod["metadata"]["namespace"])
    except SetupError:
        return []


def job_lines(
    client: ClusterClient,
    job: str,
    namespace: str,
    *,
    on_trouble: Callable[[Trouble], None],
    tick: float = 5.0,
    since: str = "",
) -> Iterator[str]:
    """Lines of all pods of a Job until it has ended, those of several ranks as ``[rank 1] …``.

    What keeps a pod from starting is told once in a line of its own; ``on_trouble`` hears of it with every
    change and every ``tick`` seconds. ``since``, a time by RFC 3339, leaves out what is older.
    """
    reader = _Reader(client, job, namespace, since)
    try:
        yield from reader.lines(on_trouble, tick)
    finally:
        reader.close()


@dataclass(frozen=True, slots=True)
class _Line:
    text: str


@dataclass(frozen=True, slots=True)
class _Pods:
    level: Level


@dataclass(frozen=True, slots=True)
class _Job:
    level: Level


@dataclass(frozen=True, slots=True)
class _End:
    pod: str


@dataclass(frozen=True, slots=True)
class _Tick:
    pass


_Item = _Line | _Pods | _Job | _End | _Tick | Exception


class _Reader:
    """Threads that read, and the queue in which arrives what they have read."""

    def __init__(self, client: ClusterClient, job: str, namespace: str, since: str) -> None:
        self._closing = Closing()
        self._client = client.patient(OUTAGE_SECONDS, self._closing)
        self._job = job
        self._namespace = namespace
        self._since = since
        self._queue: Queue[_Item] = Queue(QUEUED)
        self._pods: Objects = []
        self._followed: set[str] = set()
        self._told: set[str] = set()

    def close(self) -> None:
        self._closing.close()

    def lines(self, on_trouble: Callable[[Trouble], None], tick: float) -> Iterator[str]:
        self._start(self._watch_pods)
        self._start(self._watch_job)
        ended: set[str] = set()
        awaited: set[str] | None = None
        while awaited is None or not awaited <= ended:
            match item := self._next(tick):
                case _Line(text):
                    yield text
                case _Pods(level):
                    self._follow(list(level.values()))
                case _Job(level):
                    if self._is_over(level):
                        awaited = self._last_pods()
                case _End(pod):
                    ended.add(pod)
                case _Tick():
                    pass
                case Exception():
                    raise item
                case _:
                    assert_never(item)
            if awaited is None and isinstance(item, _Pods | _Tick):
                yield from self._troubles(on_trouble)

    def _next(self, tick: float) -> _Item:
        try:
            return self._queue.get(timeout=tick)
        except Empty:
            return _Tick()

    def _is_over(self, level: Level) -> bool:
        return self._job not in level or has_ended(level[self._job])

    def _last_pods(self) -> set[str]:
        """The pods whose lines belong to the whole, when the Job is over; others are being stopped."""
        pods = pods_of(self._client, self._job, self._namespace)
        self._follow(pods)
        return {p["metadata"]["name"] for p in pods if p["status"].get("phase") in ("Succeeded", "Failed")}

    def _follow(self, pods: Objects) -> None:
        self._pods = pods
        for pod in pods:
            name = pod["metadata"]["name"]
            if pod["status"].get("phase") not in (None, "Pending") and name not in self._followed:
                self._followed.add(name)
                self._start(partial(self._read, pod))

    def _troubles(self, on_trouble: Callable[[Trouble], None]) -> Iterator[str]:
        for pod in self._pods:
            if waits(pod) is None and not is_slow(pod):
                continue
            trouble = waits(pod, events_of(self._client, pod))
            if trouble is None:
                continue
            on_trouble(trouble)
            line = f"{_prefix(pod)}waiting: {trouble.reason}"
            if line not in self._told:
                self._told.add(line)
                yield line

    def _start(self, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            except Exception as error:  # carried to the thread that reads the lines
                self._put(error)

        threading.Thread(target=run, name=f"logs of {self._job}", daemon=True).start()

    def _watch_pods(self) -> None:
        labels = f"job-name={self._job}"
        for level in watch(self._client, "Pod", self._namespace, labels=labels, closing=self._closing):
            self._put(_Pods(level))

    def _watch_job(self) -> None:
        for level in watch(self._client, "Job", self._namespace, name=self._job, closing=self._closing):
            self._put(_Job(level))

    def _read(self, pod: Manifest) -> None:
        name, prefix = pod["metadata"]["name"], _prefix(pod)
        try:
            for line in self._client.logs(
                name, self._namespace, CONTAINER, follow=True, since=self._since, closing=self._closing
            ):
                self._put(_Line(prefix + line))
        finally:
            self._put(_End(name))

    def _put(self, item: _Item) -> None:
        """Hand over, and wait while the other thread is behind, unless it has gone."""
        while not self._closing.closed:
            with suppress(Full):
                self._queue.put(item, timeout=1.0)
                return


def _prefix(pod: Manifest) -> str:
    rank = rank_of(pod)
    return "" if rank is None else f"[rank {rank}] "
