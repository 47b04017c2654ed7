"""Why a job of a cluster failed, or cannot start, in words: from its Job, its pods and their events.

Pure: everything is read from objects as the API gives them.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlrec.runtimes.kubernetes.manifest import Manifest

INDEX = "batch.kubernetes.io/job-completion-index"
CANNOT_BE = frozenset({"InvalidImageName", "ErrImageNeverPull"})
"""Reasons for which a container waits that do not pass by themselves."""
IMAGE = CANNOT_BE | {"ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable"}
SOON_SECONDS, SLOW_SECONDS = 5.0, 20.0
"""Before these, what is missing may just be on its way: our own ConfigMap follows its Job."""
CONFIG = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
MEMORY_HINT = "raise pod_memory (and pod_memory_limit), or lower batch_size"
FAILED, NOT_STARTED, MEMORY, LOST = "SR505", "SR590", "SR591", "SR592"
"""Codes: what a program did, a pod that did not start, memory, a machine that was lost."""

Noted = Mapping[str, Sequence[Manifest]]
"""Events of pods by their names, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why a pod failed or does not start: what happened, what to change, and whose log may tell more.

    ``rank`` is that of a job of several machines. ``lasting``: seconds for which it has kept a pod from
    starting; ``kind`` groups what is waited for equally long.
    """

    reason: str
    code: str = FAILED
    hint: str = ""
    pod: str = ""
    rank: int | None = None
    kind: str = ""
    lasting: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds for which a pod may wait: for its image, for what it refers to, for a machine with room."""

    image: float = 120.0
    config: float = 60.0
    machine: float = float("inf")

    def is_over(self, trouble: Trouble) -> bool:
        """Whether waiting longer makes no sense."""
        limits = {"image": self.image, "config": self.config, "machine": self.machine, "never": 0.0}
        return trouble.lasting >= limits.get(trouble.kind, float("inf"))


def rank_of(pod: Manifest) -> int | None:
    """The index of a pod of an Indexed Job; None of any other."""
    index = pod["metadata"].get("annotations", {}).get(INDEX)
    return None if index is None else int(index)


def waits(pod: Manifest, events: Sequence[Manifest] = (), now: datetime | None = None) -> Trouble | None:
    """What keeps a pod from starting or going on; a pull that goes on is nothing wrong."""
    status = pod.get("status", {})
    if status.get("phase") == "Running" and status.get("reason") == "NodeLost":
        return _of(pod, LOST, _MACHINE["NodeLost"], _AGAIN, kind="told")
    if status.get("phase") != "Pending":
        return None
    placed = _condition(status, "PodScheduled")
    lasting = _seconds_since(placed, now or datetime.now(UTC))
    if placed.get("status") == "False" and placed.get("reason") == "Unschedulable":
        return _of(pod, NOT_STARTED, *_unschedulable(placed), kind="machine", lasting=lasting)
    for container in _containers(status):
        waiting = container.get("state", {}).get("waiting") or {}
        reason, message = waiting.get("reason", ""), waiting.get("message", "")
        if reason in IMAGE:
            kind = "never" if reason in CANNOT_BE else "image"
            words = _image(container, reason, message, events)
            return _of(pod, NOT_STARTED, *words, kind=kind, lasting=lasting)
        if reason in CONFIG and lasting >= SOON_SECONDS:
            return _of(pod, NOT_STARTED, *_config(reason, message), kind="config", lasting=lasting)
    if (told := _mounts(events)) and lasting >= SLOW_SECONDS:
        hint = "the claims, ConfigMaps and Secrets of its volumes must exist and be free"
        return _of(
            pod, NOT_STARTED, f"its volumes cannot be mounted: {told}", hint, kind="machine", lasting=lasting
        )
    return None


def is_slow(pod: Manifest, now: datetime | None = None) -> bool:
    """Whether it is time to look into the events of a pod that has not started."""
    placed = _condition(pod.get("status", {}), "PodScheduled")
    is_pending = pod.get("status", {}).get("phase") == "Pending"
    return is_pending and _seconds_since(placed, now or datetime.now(UTC)) >= SLOW_SECONDS


def ended(pod: Manifest) -> Trouble | None:
    """Why a pod failed; None when it has not."""
    status = pod.get("status", {})
    if status.get("phase") != "Failed":
        return None
    reason, message = status.get("reason", ""), str(status.get("message", "")).strip()
    told = f": {message}" if message else ""
    if reason in _MACHINE:
        hint = f"raise pod_memory; {_AGAIN}" if reason == "Evicted" else _AGAIN
        return _of(pod, LOST, f"{_MACHINE[reason]}{told}", hint)
    if reason == "DeadlineExceeded":
        return _of(pod, FAILED, f"it took longer than the deadline of its pod{told}", "")
    if _is_disrupted(pod):
        condition = _condition(status, "DisruptionTarget")
        words = _DISRUPTIONS.get(condition.get("reason", ""), "its machine had to be freed")
        message = condition.get("message", "")
        return _of(pod, LOST, f"{words}: {message}" if message else words, _AGAIN)
    for container in _containers(status):
        finished = container.get("state", {}).get("terminated") or {}
        if finished.get("exitCode", 0) != 0:
            return _of(pod, *_terminated(pod, container["name"], finished))
    return _of(pod, FAILED, f"its pod failed ({reason or 'no reason given'}){told}", "")


def why_failed(job: Manifest, pods: Iterable[Manifest], events: Noted | None = None) -> Trouble:
    """The one reason for which a job failed: that of the first pod to fail of itself.

    Of a job that gave no pod a chance, the reason of the Job itself.
    """
    pods, events = list(pods), events or {}
    replaces = "podFailurePolicy" in job.get("spec", {})
    for pod in sorted(pods, key=lambda p: (replaces and _is_disrupted(p), *_guilt(p))):
        if trouble := ended(pod):
            return trouble
    for pod in pods:
        if trouble := waits(pod, events.get(pod["metadata"]["name"], ())):
            return trouble
    last = _condition(job.get("status", {}), "Failed")
    if last.get("reason") == "DeadlineExceeded":
        return Trouble(reason="it took longer than the deadline of its Job")
    if _condition(job.get("status", {}), "Complete").get("status") == "True":
        return Trouble(reason="its program ended without publishing its output")
    told = last.get("message", "")
    reason = f"the cluster gave it up: {told}" if told else "its pod is gone"
    return Trouble(reason=reason, hint="somebody deleted it, or its machine is gone; run the script again")


def by_its_log(trouble: Trouble, lines: Sequence[str]) -> Trouble:
    """The trouble of a pod, better known by its last lines.

    The kernel may kill one process of several, and then only torchrun tells of it.
    """
    if trouble.code == FAILED and any("SIGKILL" in line for line in lines):
        reason = f"{trouble.reason}; one of its processes was killed by SIGKILL: was memory short?"
        return replace(trouble, code=MEMORY, reason=reason, hint=MEMORY_HINT)
    return trouble


def _of(pod: Manifest, code: str, reason: str, hint: str, *, kind: str = "", lasting: float = 0.0) -> Trouble:
    name, rank = pod["metadata"]["name"], rank_of(pod)
    return Trouble(code=code, reason=reason, hint=hint, pod=name, rank=rank, kind=kind, lasting=lasting)


def _unschedulable(condition: Manifest) -> tuple[str, str]:
    told = condition.get("message", "no machine has room for it")
    hint = "lower pod_cpu_cores, pod_memory or gpus, correct the node selector, or add machines"
    return f"no machine takes its pod: {told}", hint


def _image(container: Manifest, reason: str, message: str, events: Sequence[Manifest]) -> tuple[str, str]:
    """The registry's own words stand in an event; while the kubelet backs off they are nowhere else."""
    failed = [e.get("message", "") for e in events if "ailed to pull" in e.get("message", "")]
    told = failed[-1] if failed else message
    hint = (
        "correct image and version (or job_image in sqlrec.toml); a private registry needs image_pull_secrets"
    )
    image = container.get("image", "")
    return f"its image {image} cannot be pulled ({reason}){': ' + told if told else ''}", hint


def _mounts(events: Sequence[Manifest]) -> str:
    """What the last event says, if that is about volumes."""
    last = events[-1] if events else {}
    return str(last.get("message", "")) if last.get("reason") in ("FailedMount", "FailedAttachVolume") else ""


def _config(reason: str, message: str) -> tuple[str, str]:
    told = message or reason
    if "secret" in message.casefold() or "find key" in message.casefold():
        return f"its container cannot be made: {told}", "put the key into the cluster's Secret of sqlrec.toml"
    return f"its container cannot be made: {told}", "the volumes and references of its pod must exist"


_AGAIN = "run it again: it goes on from the last state that was written"
_MACHINE: Mapping[str, str] = {
    "Evicted": "its machine was short of something and evicted it",
    "NodeLost": "its machine does not answer any more",
    "NodeShutdown": "its machine was shut down",
    "Terminated": "its machine was shut down",
    "Shutdown": "its machine was shut down",
    "Preempting": "a pod of higher priority took its place",
    "UnexpectedAdmissionError": "its machine did not take it",
    "OutOfcpu": "its machine had no CPU left for it",
    "OutOfmemory": "its machine had no memory left for it",
}
"""Reasons of pods that are none of the program's doing."""
_DISRUPTIONS: Mapping[str, str] = {
    "PreemptionByScheduler": "a pod of higher priority took its place",
    "DeletionByTaintManager": "its machine was tainted",
    "EvictionByEvictionAPI": "it was evicted",
    "DeletionByPodGC": "its machine is gone",
    "TerminationByKubelet": "its machine was shut down or short of something",
}


def _terminated(pod: Manifest, container: str, finished: Manifest) -> tuple[str, str, str]:
    code, reason = int(finished.get("exitCode", 0)), finished.get("reason", "")
    message = str(finished.get("message", "")).strip()
    if reason == "OOMKilled":
        limit = _memory_limit(pod, container)
        over = f"more memory than its limit of {limit}" if limit else "more memory than its machine had"
        return MEMORY, f"it used {over} (OOMKilled)", MEMORY_HINT
    if reason in ("StartError", "ContainerCannotRun") or code in (126, 127):
        told = f": {message}" if message else f" (exit status {code})"
        return NOT_STARTED, f"its program cannot be started{told}", "is the image one of sqlrec's job images?"
    name = _signal(code - 128) if code > 128 else ""
    if name == "SIGKILL":
        return MEMORY, "its program was killed by SIGKILL; was the machine out of memory?", MEMORY_HINT
    if name:
        return FAILED, f"its program was killed by {name}", ""
    return FAILED, f"its program ended with exit status {code}", ""


def _memory_limit(pod: Manifest, container: str) -> str:
    for described in pod.get("spec", {}).get("containers") or ():
        if described["name"] == container:
            return str(described.get("resources", {}).get("limits", {}).get("memory", ""))
    return ""


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""


def _is_disrupted(pod: Manifest) -> bool:
    """Whether a pod failed in a way for which a Job of one machine starts another."""
    return _condition(pod.get("status", {}), "DisruptionTarget").get("status") == "True"


def _guilt(pod: Manifest) -> tuple[bool, str, int]:
    """First who was not told to stop, then who ended first: its peers fail because it is gone."""
    ends = [c.get("state", {}).get("terminated") or {} for c in _containers(pod.get("status", {}))]
    times = sorted(str(end["finishedAt"]) for end in ends if end.get("finishedAt"))
    was_told = "deletionTimestamp" in pod["metadata"]
    return was_told, times[0] if times else "", rank_of(pod) or 0


def _containers(status: Manifest) -> Iterator[Manifest]:
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()


def _condition(status: Manifest, kind: str) -> Manifest:
    found = (c for c in status.get("conditions") or () if c.get("type") == kind)
    return next(found, {})


def _seconds_since(condition: Manifest, now: datetime) -> float:
    """Seconds that a condition has lasted; 0 where the API does not say."""
    since = condition.get("lastTransitionTime")
    return max(0.0, (now - datetime.fromisoformat(since)).total_seconds()) if since else 0.0
