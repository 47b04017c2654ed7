"""Jobs as Jobs of a cluster.

Nothing is kept here: a handle names the job and its output, and the cluster has the rest. So any process may
watch or cancel a job, and the death of the submitter costs nothing. A job has succeeded exactly when its
output is published; what the Job says matters only until then. Jobs that do other work have other outputs.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, astuple, replace
from datetime import UTC, datetime
from functools import partial

from sqlrec.artifacts.failure import clear_failure, read_failure
from sqlrec.artifacts.folder import is_complete, sweep
from sqlrec.errors import JobError, NameNotFoundError, RemoteError, StateError
from sqlrec.runtimes.kubernetes.client import ClusterClient
from sqlrec.runtimes.kubernetes.earlier import STOP_SECONDS, make_way, remove
from sqlrec.runtimes.kubernetes.failures import Patience, Trouble, by_its_log, waits, why_failed
from sqlrec.runtimes.kubernetes.job import CONTAINER, NO_FILES, JobManifests, job_manifests
from sqlrec.runtimes.kubernetes.logs import events_of, has_ended, job_lines, pods_of
from sqlrec.runtimes.kubernetes.manifest import Manifest
from sqlrec.runtimes.kubernetes.names import label_value
from sqlrec.runtimes.kubernetes.pod import namespace_of, owned_by
from sqlrec.settings import Cluster
from sqlrec.spec.job import JobHandle, JobSpec, JobState
from sqlrec.spec.options import Option, OptionKind
from sqlrec.spec.pod import OURS

RUNTIME = "kubernetes"
OUTPUT, REASON, INSTEAD = f"{OURS}output", f"{OURS}reason", f"{OURS}instead"
"""Annotations of a Job: where its result appears, why it was given up, and instead of what it was made."""
LOG_LINES = 20
GIVE_SECONDS = 5.0
TICK_SECONDS = 5.0
POLL_SECONDS = 0.2
SETTLE_SECONDS = 30.0
"""For so long a shared file system may hide from us what a pod has written."""
UNEXPECTED = "SR525"
"""What the program of a job says of an exception that is no error of ours."""


class KubernetesJobRuntime:
    """Runs jobs in the cluster of ``client``."""

    def __init__(
        self,
        client: ClusterClient,
        cluster: Cluster,
        *,
        files: Callable[[JobSpec], Mapping[str, str]] = lambda job: NO_FILES,
        patience: Patience | None = None,
        settle: float = SETTLE_SECONDS,
    ) -> None:
        """``files`` gives further files of /data, ``start.sh`` too.

        ``patience`` bounds how long pods wait before they run, and ``settle`` how many seconds the output of
        a completed Job is waited for.
        """
        self._files = files
        self._client = client
        self._cluster = cluster
        self._patience = patience or patience_of(cluster)
        self._settle = settle
        self._submitted: dict[str, JobHandle] = {}
        self._cancelled: set[str] = set()

    def handle(self, job: JobSpec) -> JobHandle:
        """The handle that :meth:`submit` gives for a job, for whoever follows one that runs."""
        place = namespace_of(job.pod, self._cluster)
        return JobHandle(id=job.id, runtime=RUNTIME, place=place, output_uri=job.output_uri)

    def submit(self, job: JobSpec) -> JobHandle:
        """Start a job unless it runs, or its output is there.

        One that was told otherwise is deleted first. Raises SR376 to SR378 for what cannot be rendered, and
        errors of :class:`ClusterClient`.
        """
        manifests = job_manifests(job, self._cluster, self._files(job))
        handle = self._submitted[job.id] = self.handle(job)
        self._cancelled.discard(job.id)
        is_done = is_complete(job.output_uri)
        instead = make_way(self._client, manifests.job, manifests.config_map, is_done=is_done)
        if not is_done:
            self._start(manifests, {OUTPUT: job.output_uri, **({INSTEAD: instead} if instead else {})})
        return handle

    def state(self, handle: JobHandle) -> JobState:
        """Where the job is; ``UNKNOWN`` when the cluster has none of this id and there is no output."""
        job = self._find(handle)
        if job is not None and not has_ended(job):
            return self._living(job)
        output = self._output(handle, job)
        if output and is_complete(output):
            return JobState.SUCCEEDED
        if job is None:
            return JobState.CANCELLED if handle.id in self._cancelled else JobState.UNKNOWN
        return JobState.RUNNING if _is_new(job, self._settle) else JobState.FAILED

    def logs(self, handle: JobHandle, since: str = "") -> Iterator[str]:
        """Lines of all pods, following them until the job is finished; ``since`` a time by RFC 3339."""
        job = self._find(handle)
        if job is None:
            return
        metadata = job["metadata"]
        if instead := metadata.get("annotations", {}).get(INSTEAD):
            yield instead
        yield from job_lines(
            self._client,
            metadata["name"],
            metadata["namespace"],
            on_trouble=partial(self._judge, job),
            tick=min(TICK_SECONDS, *astuple(self._patience)),
            since=since,
        )
        while self.state(handle) in (JobState.PENDING, JobState.RUNNING):
            time.sleep(POLL_SECONDS)

    def cancel(self, handle: JobHandle) -> None:
        """Delete the Job with all that belongs to it, and wait for it; a finished job is left as it is.

        Whatever it was told: nobody else will end it.
        """
        job = self._find(replace(handle, output_uri=""))
        if job is not None and not has_ended(job):
            self._cancelled.add(handle.id)
            remove(self._client, job)

    def forget(self, handle: JobHandle) -> None:
        """Delete what is left in the cluster of a job that has succeeded; its log goes with it."""
        job = self._find(handle)
        if job is not None and self.state(handle) is JobState.SUCCEEDED:
            metadata = job["metadata"]
            self._client.delete("Job", metadata["name"], metadata["namespace"], uid=metadata["uid"])

    def error(self, handle: JobHandle) -> JobError:
        """Why a job did not succeed: what its program said, else how its pods ended and the log's end."""
        job = self._find(handle)
        output = self._output(handle, job)
        told = read_failure(output) if output else {}
        if job is None and handle.id in self._cancelled:
            return JobError("SR505", f"job {handle.id} failed: it was cancelled")
        if job is None and not told:
            hint = "somebody deleted its Job, or it ended long ago; run the script again"
            raise NameNotFoundError("SR509", f"the cluster has no job {handle.id!r}", hint=hint)
        trouble, tail = self._diagnosed(job) if job is not None else (Trouble(reason=""), ())
        if told and not (told.get("code") == UNEXPECTED and trouble.rank):
            message, code, hint = told.get("message", ""), told.get("code", "SR505"), told.get("hint", "")
            return JobError(code, f"job {handle.id} failed: {message}", hint=hint)
        who = "" if trouble.rank is None else f"rank {trouble.rank}: "
        message = "\n".join([f"job {handle.id} failed: {who}{trouble.reason}", *tail])
        return JobError(trouble.code, message, hint=trouble.hint)

    def _find(self, handle: JobHandle) -> Manifest | None:
        """The Job of an id and an output, if one is given; one that is being deleted is none."""
        known = self._submitted.get(handle.id, handle)
        namespace = handle.place or known.place or self._cluster.namespace
        found = self._client.list("Job", namespace, labels=f"{OURS}job={label_value(handle.id)}")
        alive = (job for job in found if "deletionTimestamp" not in job["metadata"])
        return next((job for job in alive if _is_of(handle, job)), None)

    def _output(self, handle: JobHandle, job: Manifest | None) -> str:
        """Where the result appears; empty when nobody knows."""
        known = self._submitted.get(handle.id, handle)
        noted = job["metadata"].get("annotations", {}).get(OUTPUT, "") if job else ""
        return handle.output_uri or known.output_uri or str(noted)

    def _start(self, manifests: JobManifests, notes: Mapping[str, str]) -> None:
        """Create the objects, or what another submitter of the same job left undone; ``notes`` annotate it.

        The one who creates the Job clears what an earlier try left, and no pod is there yet: each waits for
        the ConfigMap.
        """
        wanted: Manifest = manifests.job
        wanted["metadata"]["annotations"] |= notes
        parts = [part for part in (manifests.headless, manifests.config_map) if part is not None]
        job = self._running_or_gone(wanted, parts)
        mine = self._client.create(wanted) if job is None else None
        if mine is not None:
            clear_failure(notes[OUTPUT])
            sweep(notes[OUTPUT])
        job = job or mine or self._client.get(*_place(wanted))
        for part in parts:
            self._give(job, part, wait=0.0 if mine else GIVE_SECONDS)

    def _running_or_gone(self, wanted: Manifest, parts: Sequence[Manifest]) -> Manifest | None:
        """The Job when it runs; None when nothing of it is left, files of an earlier try neither.

        Otherwise what is left is deleted, or the cluster is about to collect it, which is waited for: the
        pods of the next try must not see it.
        """
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            job = self._client.get(*_place(wanted))
            if job is not None and not self._is_done_for(job):
                return job
            if job is not None:
                remove(self._client, job)
            if not any(self._client.get(*_place(part)) for part in parts):
                return None
            time.sleep(POLL_SECONDS)
        left = ", ".join(" ".join(_place(part)[:2]) for part in parts)
        told = f"what is left of an earlier try is not deleted after {STOP_SECONDS:g} s: {left}"
        raise RemoteError("SR746", told, hint="delete it with kubectl", retriable=True)

    def _give(self, job: Manifest | None, part: Manifest, *, wait: float) -> None:
        """Let a Job own an object; ``wait`` so long for another submitter to create it."""
        deadline = time.monotonic() + wait
        while time.monotonic() < deadline:
            if self._client.get(*_place(part)) is not None:
                return
            time.sleep(POLL_SECONDS)
        if job is not None and self._client.create(owned_by(part, job)) is not None:
            return
        if job is None or not _belongs_to(job, self._client.get(*_place(part))):
            told = f"{' '.join(_place(part)[:2])}: somebody else deletes or starts the same job"
            raise StateError("SR743", told, hint="run the script again")

    def _is_done_for(self, job: Manifest) -> bool:
        """Whether nothing comes of a Job any more."""
        is_going = "deletionTimestamp" in job["metadata"]
        return is_going or (has_ended(job) and not _is_new(job, self._settle))

    def _living(self, job: Manifest) -> JobState:
        """Whether any pod of a Job runs; one that waits for too long ends the Job."""
        metadata = job["metadata"]
        pods = pods_of(self._client, metadata["name"], metadata["namespace"])
        for pod in pods:
            trouble = waits(pod)
            if trouble is not None and self._patience.is_over(trouble):
                self._judge(job, waits(pod, events_of(self._client, pod)) or trouble)
        is_waiting = all(p.get("status", {}).get("phase", "Pending") == "Pending" for p in pods)
        return JobState.PENDING if is_waiting else JobState.RUNNING

    def _judge(self, job: Manifest, trouble: Trouble) -> None:
        """Give a Job up whose pods wait for too long: its deadline is over, and it is noted why."""
        if not self._patience.is_over(trouble):
            return
        note = json.dumps(asdict(replace(trouble, lasting=0.0)))
        body = {"metadata": {"annotations": {REASON: note}}, "spec": {"activeDeadlineSeconds": 1}}
        with suppress(NameNotFoundError):
            self._client.patch("Job", job["metadata"]["name"], job["metadata"]["namespace"], body)

    def _diagnosed(self, job: Manifest) -> tuple[Trouble, Sequence[str]]:
        """Why a Job failed, and the last lines of the pod that it is due to."""
        metadata = job["metadata"]
        if note := metadata.get("annotations", {}).get(REASON):
            return Trouble(**json.loads(note)), ()
        pods = pods_of(self._client, metadata["name"], metadata["namespace"])
        waiting = [pod for pod in pods if waits(pod)]
        events = {pod["metadata"]["name"]: events_of(self._client, pod) for pod in waiting}
        trouble = why_failed(job, pods, events)
        if not trouble.pod:
            return trouble, ()
        lines = list(self._client.logs(trouble.pod, metadata["namespace"], CONTAINER, tail=LOG_LINES))
        return by_its_log(trouble, lines), lines


def patience_of(cluster: Cluster) -> Patience:
    """How long pods wait, by the settings; raises ``OptionError`` SR302."""
    if not cluster.pending_timeout:
        return Patience()
    seconds = _PENDING.parse(cluster.pending_timeout)
    return Patience(machine=float(str(seconds)))


_PENDING = Option(
    key="kubernetes.pending_timeout",
    kind=OptionKind.DURATION,
    doc="How long a pod may wait for a machine.",
    scopes=frozenset(),
)


def _is_of(handle: JobHandle, job: Manifest) -> bool:
    """Whether a Job publishes where the one of the handle does, as far as both say where."""
    noted = job["metadata"].get("annotations", {}).get(OUTPUT)
    return not (noted and handle.output_uri and noted != handle.output_uri)


def _is_new(job: Manifest, seconds: float) -> bool:
    """Whether a Job was completed so lately that its output may not be seen from here yet."""
    completed = job.get("status", {}).get("completionTime")
    if not completed:
        return False
    return (datetime.now(UTC) - datetime.fromisoformat(completed)).total_seconds() < seconds


def _place(manifest: Manifest) -> tuple[str, str, str]:
    """Kind, name and namespace."""
    metadata = manifest["metadata"]
    return manifest["kind"], metadata["name"], metadata["namespace"]


def _belongs_to(job: Manifest, part: Manifest | None) -> bool:
    owners = part["metadata"].get("ownerReferences") or () if part else ()
    return any(owner["uid"] == job["metadata"]["uid"] for owner in owners)
