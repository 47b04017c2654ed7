"""The Job controller: pods by count or by index, retries, deadlines, what is left when it is over."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from tests.emulator.deletion import Deletion
from tests.emulator.kinds import JOBS, PODS
from tests.emulator.objects import (
    Object,
    annotations_of,
    containers_of,
    holds,
    is_deleting,
    is_finished,
    is_owned_by,
    is_ready,
    name_of,
    namespace_of,
    now,
    suffix,
    uid_of,
    with_conditions,
)
from tests.emulator.replica_sets import MANAGER, pod_of
from tests.emulator.store import Store
from tests.emulator.writes import Writes

INDEX = "batch.kubernetes.io/job-completion-index"
RETRY = 0.2
"""Seconds before a failed pod is replaced (a cluster: 10 s, doubled with each)."""


@dataclass
class _Memory:
    """What a Job's status is counted from when pods are gone."""

    began: float = field(default_factory=time.monotonic)
    ended: float = 0.0
    retry_at: float = 0.0
    succeeded: dict[str, int] = field(default_factory=dict)
    """uid of a pod -> its index."""
    failed: set[str] = field(default_factory=set)
    refused: str = ""
    """Why the policy for failures ends the Job."""


@dataclass
class Jobs:
    """Steps every Job."""

    store: Store
    writes: Writes
    deletion: Deletion
    _memories: dict[str, _Memory] = field(default_factory=dict)

    def sync(self, job: Object) -> None:
        """One step of a Job."""
        memory = self._memories.setdefault(uid_of(job), _Memory())
        pods = self.store.find(PODS, namespace_of(job), lambda p: is_owned_by(p, job))
        if holds(job, "Complete") or holds(job, "Failed"):
            self._expire(job, memory)
            return
        self._count(job, pods, memory)
        if holds(job, "SuccessCriteriaMet") or holds(job, "FailureTarget"):
            self._finish(job, pods, memory)
            return
        if verdict := self._verdict(job, memory):
            self._conclude(job, pods, verdict)
            return
        if job["spec"].get("suspend"):
            self._delete([p for p in pods if not is_finished(p)])
        else:
            self._create_missing(job, pods, memory)
        self._status(job, memory)

    def _expire(self, job: Object, memory: _Memory) -> None:
        patience = job["spec"].get("ttlSecondsAfterFinished")
        memory.ended = memory.ended or time.monotonic()
        if patience is not None and time.monotonic() - memory.ended >= patience:
            self._memories.pop(uid_of(job), None)
            self.deletion.delete(JOBS, job, {"propagationPolicy": "Foreground"})

    def _count(self, job: Object, pods: list[Object], memory: _Memory) -> None:
        for pod in pods:
            uid, phase = uid_of(pod), pod["status"].get("phase")
            if phase == "Succeeded":
                memory.succeeded[uid] = _index(pod)
            elif uid not in memory.failed and self._counts(job, pod, memory):
                memory.failed.add(uid)
                memory.retry_at = time.monotonic() + RETRY

    def _counts(self, job: Object, pod: Object, memory: _Memory) -> bool:
        """Whether a pod counts towards backoffLimit: it failed, or somebody else deletes it."""
        if pod["status"].get("phase") != "Failed":
            ours = (
                job["spec"].get("suspend") or holds(job, "FailureTarget") or holds(job, "SuccessCriteriaMet")
            )
            return is_deleting(pod) and not ours and "podFailurePolicy" not in job["spec"]
        for number, rule in enumerate((job["spec"].get("podFailurePolicy") or {}).get("rules") or []):
            if _applies(rule, pod):
                if rule["action"] == "FailJob":
                    memory.refused = f"Pod {name_of(pod)} matching FailJob rule at index {number}"
                return bool(rule["action"] != "Ignore")
        return True

    def _verdict(self, job: Object, memory: _Memory) -> Object | None:
        """How the Job ends, once it is known."""
        spec = job["spec"]
        if "completions" in spec and _completed(job, memory) >= spec["completions"]:
            told = "Reached expected number of succeeded pods"
            return {"type": "SuccessCriteriaMet", "reason": "CompletionsReached", "message": told}
        reason, message = "", ""
        deadline = spec.get("activeDeadlineSeconds")
        if memory.refused:
            reason, message = "PodFailurePolicy", memory.refused
        elif len(memory.failed) > spec["backoffLimit"]:
            reason, message = "BackoffLimitExceeded", "Job has reached the specified backoff limit"
        elif deadline is not None and time.monotonic() - memory.began > deadline:
            reason, message = "DeadlineExceeded", "Job was active longer than specified deadline"
        return {"type": "FailureTarget", "reason": reason, "message": message} if reason else None

    def _conclude(self, job: Object, pods: list[Object], verdict: Object) -> None:
        """Say how it will end and end what runs; the last condition comes when nothing runs any more."""
        conditions = with_conditions(job, {**verdict, "status": "True", "lastProbeTime": now()})
        self.store.set_status(JOBS, job, conditions=conditions)
        self._delete([p for p in pods if not is_finished(p)])

    def _finish(self, job: Object, pods: list[Object], memory: _Memory) -> None:
        active = [p for p in pods if not is_finished(p)]
        self._delete([p for p in active if not is_deleting(p)])
        self._status(job, memory)
        if any(self.store.current(PODS, p) for p in active):
            return
        target = "SuccessCriteriaMet" if holds(job, "SuccessCriteriaMet") else "FailureTarget"
        found = next(c for c in job["status"]["conditions"] if c["type"] == target)
        end = "Complete" if target == "SuccessCriteriaMet" else "Failed"
        told = {**found, "type": end, "lastTransitionTime": now()}
        present = self.store.current(JOBS, job)
        assert present is not None
        changes: Object = {"conditions": with_conditions(present, told), "active": None, "ready": 0}
        if end == "Complete":
            changes["completionTime"] = now()
        self.store.set_status(JOBS, present, **changes)
        reason = "Completed" if end == "Complete" else found["reason"]
        self.store.event(present, reason, found["message"], warning=end == "Failed")

    def _delete(self, pods: list[Object]) -> None:
        for pod in pods:
            if not is_deleting(pod):
                self.deletion.delete(PODS, pod)

    def _create_missing(self, job: Object, pods: list[Object], memory: _Memory) -> None:
        spec = job["spec"]
        # a pod that is being deleted is replaced at once, unless the Job says to wait for its end
        waits = spec.get("podReplacementPolicy") == "Failed"
        active = [p for p in pods if not is_finished(p) and (waits or not is_deleting(p))]
        wanted = spec["parallelism"]
        if "completions" in spec:
            wanted = min(wanted, spec["completions"] - _completed(job, memory))
        missing = wanted - len(active)
        if missing <= 0 or time.monotonic() < memory.retry_at:
            return
        if spec["completionMode"] == "Indexed":
            taken = {_index(p) for p in active} | set(memory.succeeded.values())
            free = [i for i in range(spec["completions"]) if i not in taken]
            for index in free[:missing]:
                self._create(job, self._indexed(job, index))
        else:
            for _ in range(missing):
                self._create(job, pod_of(job, spec["template"], f"{name_of(job)[:57]}-{suffix()}"))

    def _indexed(self, job: Object, index: int) -> Object:
        pod = pod_of(job, job["spec"]["template"], f"{name_of(job)[:57]}-{index}-{suffix()}")
        for part in ("labels", "annotations"):
            pod["metadata"][part] = {**pod["metadata"].get(part, {}), INDEX: str(index)}
        pod["spec"]["hostname"] = f"{name_of(job)}-{index}"
        source = {"fieldRef": {"fieldPath": f"metadata.labels['{INDEX}']", "apiVersion": "v1"}}
        for container in containers_of(pod["spec"]):
            entry = {"name": "JOB_COMPLETION_INDEX", "valueFrom": source}
            container["env"] = [*(container.get("env") or []), entry]
        return pod

    def _create(self, job: Object, pod: Object) -> None:
        created = self.writes.create(PODS, namespace_of(job), pod, MANAGER)
        self.store.event(job, "SuccessfulCreate", f"Created pod: {name_of(created)}")

    def _status(self, job: Object, memory: _Memory) -> None:
        pods = self.store.find(PODS, namespace_of(job), lambda p: is_owned_by(p, job))
        active = [p for p in pods if not is_finished(p) and not is_deleting(p)]
        present = self.store.current(JOBS, job)
        if present is None:
            return
        status: Object = {"active": len(active) or None, "ready": sum(map(is_ready, active))}
        status |= {"succeeded": _completed(job, memory) or None, "failed": len(memory.failed) or None}
        status["terminating"] = sum(is_deleting(p) and not is_finished(p) for p in pods)
        status |= {"startTime": present["status"].get("startTime") or now(), "uncountedTerminatedPods": {}}
        if job["spec"]["completionMode"] == "Indexed":
            status["completedIndexes"] = _ranges(sorted(set(memory.succeeded.values()))) or None
        self.store.set_status(JOBS, present, **status)


def _index(pod: Object) -> int:
    return int(annotations_of(pod).get(INDEX, -1))


def _completed(job: Object, memory: _Memory) -> int:
    indexed = job["spec"]["completionMode"] == "Indexed"
    return len(set(memory.succeeded.values())) if indexed else len(memory.succeeded)


def _applies(rule: Object, pod: Object) -> bool:
    """Whether a rule of a Job's policy for failures is about a failed pod."""
    for wanted in rule.get("onPodConditions") or []:
        if holds(pod, wanted["type"]) is (wanted.get("status", "True") == "True"):
            return True
    codes = rule.get("onExitCodes")
    if not codes:
        return False
    for entry in pod["status"].get("containerStatuses") or []:
        code = (entry["state"].get("terminated") or {}).get("exitCode", 0)
        named = codes.get("containerName") in (None, entry["name"])
        if named and code and (code in codes["values"]) is (codes["operator"] == "In"):
            return True
    return False


def _ranges(numbers: list[int]) -> str:
    """Completed indexes as the status writes them: ``0-2,5``."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][-1] == number - 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ",".join(str(p[0]) if len(p) == 1 else f"{p[0]}-{p[-1]}" for p in parts)
