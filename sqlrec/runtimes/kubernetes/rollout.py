"""How far a rollout is, judged from a Deployment and its pods as the API shows them; nothing is asked here.

A Deployment never says that it has failed for good, only that nothing has happened for a while. What its pods
say is quicker and tells why: a container that cannot start will not start by waiting.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlrec.runtimes.kubernetes.manifest import Manifest
from sqlrec.runtimes.kubernetes.service import REVISION

HOPELESS = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    }
)
"""Reasons for which a container waits that waiting does not end; the kubelet has tried more than once."""


class Progress(StrEnum):
    """How far a rollout is."""

    GOING_ON = "going on"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """``reason`` says why it has failed, or what it waits for; ``pod`` is the one that it is about.

    ``crashed``: the log to read is that of the container before its restart.
    """

    progress: Progress
    reason: str = ""
    pod: str = ""
    crashed: bool = False


def judge(deployment: Manifest, pods: Sequence[Manifest]) -> Verdict:
    """How far the rollout of the template in ``deployment`` is; ``pods`` may be of other templates, too."""
    revision = _revision(deployment["spec"]["template"])
    mine = [
        pod for pod in pods if _revision(pod) == revision and not pod["metadata"].get("deletionTimestamp")
    ]
    troubles = [trouble for pod in mine for trouble in _troubles(pod)]
    if failed := [trouble for trouble in troubles if trouble.progress is Progress.FAILED]:
        return failed[0]
    status = deployment.get("status", {})
    if status.get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return Verdict(progress=Progress.GOING_ON, reason="the cluster has not seen it yet")
    wanted = deployment["spec"].get("replicas", 1)
    counts = [status.get(key, 0) for key in ("updatedReplicas", "availableReplicas", "replicas")]
    if counts == [wanted] * 3 and len(mine) >= wanted:
        return Verdict(progress=Progress.DONE)
    told = troubles[0] if troubles else Verdict(progress=Progress.GOING_ON)
    reason = told.reason or f"{counts[0]} of {wanted} pods are new, {counts[1]} are available"
    if late := _deadline_exceeded(status):
        return replace(told, progress=Progress.FAILED, reason=f"{late}: {reason}")
    return replace(told, reason=reason)


def _revision(of: Manifest) -> str:
    return str(of["metadata"].get("labels", {}).get(REVISION, ""))


def _deadline_exceeded(status: Manifest) -> str:
    for condition in status.get("conditions") or ():
        if (condition["type"], condition["status"]) == ("Progressing", "False"):
            return str(condition.get("reason", ""))
        if (condition["type"], condition["status"]) == ("ReplicaFailure", "True"):
            return f"pods cannot be made ({condition.get('message', '')})"
    return ""


def _troubles(pod: Manifest) -> Iterator[Verdict]:
    """What keeps a pod from being ready, the worst first."""
    status, name = pod.get("status", {}), str(pod["metadata"]["name"])
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    for container in containers:
        if told := _of_container(container, name):
            yield told
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            reason = condition.get("reason") or "not scheduled"
            yield _waiting(f"pod {name} is {reason}: {condition.get('message', '')}", name)
    if status.get("phase") == "Failed":
        reason = f"{status.get('reason') or 'it failed'} {status.get('message', '')}".strip()
        yield _waiting(f"pod {name} has ended: {reason}", name)


def _of_container(status: Manifest, pod: str) -> Verdict | None:
    state = status.get("state", {})
    waiting = state.get("waiting")
    ended = state.get("terminated") or status.get("lastState", {}).get("terminated")
    last = f"; its server {_ending(ended)}" if ended else ""
    if waiting:
        reason = str(waiting.get("reason", ""))
        return Verdict(
            progress=Progress.FAILED if reason in HOPELESS else Progress.GOING_ON,
            reason=f"pod {pod} is in {reason}: {waiting.get('message', '')}".rstrip(": ") + last,
            pod=pod,
            crashed=reason == "CrashLoopBackOff",
        )
    if status.get("ready"):
        return None
    if ended:
        crashed = "running" in state
        return replace(_waiting(f"the server of pod {pod} {_ending(ended)}", pod), crashed=crashed)
    return _waiting(f"the server of pod {pod} runs and does not get ready", pod)


def _waiting(reason: str, pod: str) -> Verdict:
    return Verdict(progress=Progress.GOING_ON, reason=reason, pod=pod)


def _ending(ended: Manifest) -> str:
    """How a container ended, in words."""
    if ended.get("reason") == "OOMKilled":
        return "was killed: it had too little memory (OOMKilled); raise pod_memory_limit"
    if ended.get("signal"):
        return f"was killed by signal {ended['signal']}"
    return f"ended with exit status {ended.get('exitCode', '?')}"
