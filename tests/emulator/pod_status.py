"""The status of a pod from the states of its containers."""

from __future__ import annotations

from tests.emulator.container import Container
from tests.emulator.objects import Object, condition_of, now, with_conditions


def pod_status(
    pod: Object, init: list[Container], main: list[Container], final: Object | None = None
) -> Object:
    """Fields of the status; ``final`` holds the phase (reason, message) of a pod that runs no more."""
    initialized = all(c.exit_code == 0 for c in init)
    phase = (final or {}).get("phase") or _phase(init, main)
    ready = phase == "Running" and all(c.ready for c in main)
    why = {"reason": "PodCompleted"} if phase == "Succeeded" else {"reason": "ContainersNotReady"}
    conditions = with_conditions(
        pod,
        _condition("PodScheduled", True),
        _condition("Initialized", initialized, {"reason": "ContainersNotInitialized"}),
        _condition("ContainersReady", ready, why),
        _condition("Ready", ready, why),
    )
    status: Object = {"phase": phase, "conditions": [_settled(c) for c in conditions], **(final or {})}
    status["containerStatuses"] = [c.status() for c in main]
    if init:
        status["initContainerStatuses"] = [c.status() for c in init]
    status["qosClass"] = quality(pod)
    return status


def _condition(kind: str, holds: bool, otherwise: Object | None = None) -> Object:
    condition: Object = {"type": kind, "status": "True" if holds else "False"}
    return condition if holds else {**condition, **(otherwise or {})}


def _settled(condition: Object) -> Object:
    """A condition that holds has no reason why it would not."""
    own = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    if condition["type"] not in own or condition["status"] != "True":
        return condition
    return {k: v for k, v in condition.items() if k not in ("reason", "message")}


def _phase(init: list[Container], main: list[Container]) -> str:
    begun = any(c.log is not None for c in main)
    return "Running" if begun and all(c.exit_code == 0 for c in init) else "Pending"


def disruption(pod: Object, reason: str, message: str) -> list[Object]:
    """The conditions of a pod that somebody but its own program ends."""
    told: Object = {"type": "DisruptionTarget", "status": "True", "reason": reason, "message": message}
    return with_conditions(pod, told)


def not_ready(pod: Object, reason: str, message: str) -> list[Object]:
    """The conditions of a pod that nothing is known of any more."""
    if not condition_of(pod, "Ready"):
        return with_conditions(pod)
    told: Object = {"type": "Ready", "status": "False", "reason": reason, "message": message}
    return with_conditions(pod, told)


def unschedulable(pod: Object, message: str) -> list[Object]:
    """The conditions of a pod that no node takes."""
    told: Object = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return with_conditions(pod, {**told, "lastProbeTime": now()})


def quality(pod: Object) -> str:
    """Guaranteed, Burstable or BestEffort."""
    resources = [c.get("resources") or {} for c in pod["spec"]["containers"]]
    if not any(r.get("limits") or r.get("requests") for r in resources):
        return "BestEffort"
    whole = all(
        {"cpu", "memory"} <= set(r.get("limits") or {}) and r.get("requests", r["limits"]) == r["limits"]
        for r in resources
    )
    return "Guaranteed" if whole else "Burstable"
