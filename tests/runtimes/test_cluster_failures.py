"""Reasons of failures in words, from statuses as clusters report them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sqlrec.runtimes.kubernetes.failures import (
    INDEX,
    Patience,
    by_its_log,
    ended,
    is_slow,
    rank_of,
    waits,
    why_failed,
)

Manifest = dict[str, Any]
BEGAN = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
SCHEDULED = {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-11-21T20:00:00Z"}
LATER = BEGAN + timedelta(seconds=90)


def pod(name: str = "p", rank: int | None = None, **status: Any) -> Manifest:
    notes = {} if rank is None else {INDEX: str(rank)}
    limits = {"limits": {"memory": "2Gi"}}
    return {
        "metadata": {"name": name, "namespace": "n", "annotations": notes},
        "spec": {"containers": [{"name": "base", "image": "img:1", "resources": limits}]},
        "status": {"conditions": [SCHEDULED], **status},
    }


def waiting(reason: str, message: str = "") -> Manifest:
    state = {"waiting": {"reason": reason, "message": message}}
    return pod(phase="Pending", containerStatuses=[{"name": "base", "image": "img:1", "state": state}])


def terminated(code: int, reason: str = "Error", at: str = "20:01:00", **more: Any) -> Manifest:
    end = {"exitCode": code, "reason": reason, "finishedAt": f"2026-11-21T{at}Z"}
    message = {"message": more.pop("message")} if "message" in more else {}
    state = {"terminated": end | message}
    return pod(phase="Failed", containerStatuses=[{"name": "base", "state": state}], **more)


@pytest.mark.parametrize(
    ("failed", "code", "words", "hint"),
    [
        (terminated(3), "SR505", "its program ended with exit status 3", ""),
        (terminated(137, "OOMKilled"), "SR591", "its limit of 2Gi (OOMKilled)", "pod_memory"),
        (terminated(137), "SR591", "killed by SIGKILL", "batch_size"),
        (terminated(139), "SR505", "killed by SIGSEGV", ""),
        (terminated(143), "SR505", "killed by SIGTERM", ""),
        (terminated(255), "SR505", "exit status 255", ""),
        (terminated(127), "SR590", "cannot be started (exit status 127)", "job images"),
        (
            terminated(128, "StartError", message='exec: "bash": executable file not found in $PATH'),
            "SR590",
            'cannot be started: exec: "bash"',
            "job images",
        ),
        (
            pod(phase="Failed", reason="Evicted", message="The node was low on resource: ephemeral-storage."),
            "SR592",
            "evicted it: The node was low on resource: ephemeral-storage.",
            "goes on from the last state",
        ),
        (
            pod(phase="Failed", reason="NodeLost", message="Node n1 which was running pod p is unresponsive"),
            "SR592",
            "its machine does not answer any more: Node n1",
            "goes on",
        ),
        (
            pod(
                phase="Failed",
                reason="Terminated",
                message="Pod was terminated in response to imminent node shutdown.",
            ),
            "SR592",
            "its machine was shut down",
            "goes on",
        ),
        (
            pod(
                phase="Failed",
                reason="DeadlineExceeded",
                message="Pod was active on the node longer than the specified deadline",
            ),
            "SR505",
            "longer than the deadline",
            "",
        ),
        (
            terminated(
                143,
                conditions=[
                    {
                        "type": "DisruptionTarget",
                        "status": "True",
                        "reason": "PreemptionByScheduler",
                        "message": "default-scheduler: preempting to accommodate a higher priority pod",
                    }
                ],
            ),
            "SR592",
            "a pod of higher priority took its place",
            "goes on",
        ),
        (pod(phase="Failed", reason="NodeAffinity"), "SR505", "its pod failed (NodeAffinity)", ""),
    ],
)
def test_why_a_pod_failed(failed: Manifest, code: str, words: str, hint: str) -> None:
    trouble = ended(failed)
    assert trouble is not None
    assert trouble.code == code
    assert words in trouble.reason
    assert hint in trouble.hint
    assert (trouble.pod, trouble.rank) == ("p", None)
    assert waits(failed) is None


def test_memory_without_a_limit() -> None:
    failed = terminated(137, "OOMKilled")
    failed["spec"]["containers"][0]["resources"] = {}
    trouble = ended(failed)
    assert trouble is not None
    assert "than its machine had" in trouble.reason


@pytest.mark.parametrize("phase", ["Pending", "Running", "Succeeded"])
def test_nothing_wrong(phase: str) -> None:
    assert ended(pod(phase=phase)) is None
    assert waits(pod(phase=phase), now=LATER) is None
    assert waits(waiting("ContainerCreating"), now=LATER) is None
    assert waits(waiting("PodInitializing"), now=LATER) is None


@pytest.mark.parametrize(
    ("stuck", "words", "hint", "seconds"),
    [
        (
            waiting("ImagePullBackOff", 'Back-off pulling image "img:1"'),
            "image img:1 cannot be pulled (ImagePullBackOff): Back-off",
            "image_pull_secrets",
            120,
        ),
        (waiting("ErrImagePull", "not found"), "cannot be pulled (ErrImagePull)", "image", 120),
        (waiting("InvalidImageName", "couldn't parse image"), "InvalidImageName", "image", 0),
        (
            waiting("CreateContainerConfigError", "couldn't find key API_KEY in Secret n/sqlrec-secrets"),
            "couldn't find key API_KEY in Secret n/sqlrec-secrets",
            "Secret",
            60,
        ),
        (waiting("CreateContainerError"), "cannot be made: CreateContainerError", "volumes", 60),
        (
            waiting("CreateContainerConfigError", 'configmap "x" not found'),
            'configmap "x" not found',
            "volumes",
            60,
        ),
    ],
)
def test_what_keeps_a_pod_from_starting(stuck: Manifest, words: str, hint: str, seconds: int) -> None:
    trouble = waits(stuck, now=BEGAN + timedelta(seconds=max(6, seconds - 1)))
    assert trouble is not None
    assert words in trouble.reason
    assert hint in trouble.hint
    assert trouble.code == "SR590"
    assert Patience().is_over(trouble) == (seconds == 0)
    later = waits(stuck, now=BEGAN + timedelta(seconds=max(6, seconds)))
    assert later is not None
    assert Patience().is_over(later)


def test_the_registrys_own_words_are_in_the_events() -> None:
    events = [
        {"reason": "Failed", "message": 'Failed to pull image "img:1": manifest unknown'},
        {"reason": "BackOff", "message": 'Back-off pulling image "img:1"'},
    ]
    trouble = waits(waiting("ImagePullBackOff", "Back-off pulling image"), events, now=LATER)
    assert trouble is not None
    assert trouble.reason.endswith("manifest unknown")


def test_a_pod_that_no_machine_takes_is_waited_for_unless_the_settings_say_how_long() -> None:
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/3 nodes are available: 3 Insufficient memory.",
        "lastTransitionTime": "2026-11-21T20:00:00Z",
    }
    trouble = waits(pod(phase="Pending", conditions=[condition]), now=BEGAN + timedelta(hours=2))
    assert trouble is not None
    assert trouble.reason == "no machine takes its pod: 0/3 nodes are available: 3 Insufficient memory."
    assert "pod_memory" in trouble.hint
    assert not Patience().is_over(trouble)
    assert Patience(machine=3600).is_over(trouble)


def test_volumes_that_cannot_be_mounted() -> None:
    events = [
        {"reason": "FailedMount", "message": 'MountVolume.SetUp failed for volume "v": secret "s" not found'}
    ]
    stuck = waiting("ContainerCreating")
    assert not is_slow(stuck, now=BEGAN + timedelta(seconds=5))
    assert waits(stuck, events, now=BEGAN + timedelta(seconds=5)) is None
    assert is_slow(stuck, now=LATER)
    trouble = waits(stuck, events, now=LATER)
    assert trouble is not None
    assert 'secret "s" not found' in trouble.reason
    assert waits(stuck, [*events, {"reason": "Pulling", "message": "Pulling image"}], now=LATER) is None


def test_a_machine_that_does_not_answer_is_told_of() -> None:
    lost = pod(phase="Running", reason="NodeLost")
    trouble = waits(lost)
    assert trouble is not None
    assert "does not answer" in trouble.reason
    assert not Patience(machine=0).is_over(trouble)


def ranked(rank: int, failed: Manifest, *, stopped: bool = False) -> Manifest:
    failed["metadata"] |= {"name": f"p{rank}", "annotations": {INDEX: str(rank)}}
    if stopped:
        failed["metadata"]["deletionTimestamp"] = "2026-11-21T20:00:30Z"
    return failed


FAILED: Manifest = {
    "status": {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}
}


def test_the_rank_that_failed_first_of_itself_is_blamed() -> None:
    pods = [
        ranked(0, terminated(1, at="20:01:02")),
        ranked(1, terminated(137, "OOMKilled", at="20:01:01")),
        ranked(2, terminated(143, at="20:01:00"), stopped=True),
        ranked(3, pod(phase="Running")),
    ]
    trouble = why_failed(FAILED, pods)
    assert (trouble.rank, trouble.pod, trouble.code) == (1, "p1", "SR591")
    assert rank_of(pods[2]) == 2


def test_a_pod_that_was_replaced_is_not_blamed() -> None:
    evicted = pod("old", phase="Failed", reason="Evicted")
    evicted["status"]["conditions"] = [{"type": "DisruptionTarget", "status": "True"}]
    job: Manifest = FAILED | {"spec": {"podFailurePolicy": {"rules": []}}}
    assert why_failed(job, [evicted, terminated(3, at="20:09:00")]).pod == "p"
    assert why_failed(job, [evicted]).pod == "old"
    assert why_failed(FAILED, [evicted, terminated(3, at="20:09:00")]).pod == "old"


@pytest.mark.parametrize(
    ("job", "words"),
    [
        ({"status": {"conditions": [{"type": "Complete", "status": "True"}]}}, "without publishing"),
        (
            {"status": {"conditions": [{"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}]}},
            "the deadline of its Job",
        ),
        (
            {"status": {"conditions": [{"type": "Failed", "status": "True", "message": "enough"}]}},
            "the cluster gave it up: enough",
        ),
        ({}, "its pod is gone"),
    ],
)
def test_a_job_without_a_pod_to_blame(job: Manifest, words: str) -> None:
    assert words in why_failed(job, []).reason


def test_a_job_whose_pods_never_started() -> None:
    trouble = why_failed(FAILED, [waiting("ErrImagePull", "not found")])
    assert "cannot be pulled" in trouble.reason


def test_torchrun_tells_what_the_kernel_killed() -> None:
    trouble = ended(terminated(1))
    assert trouble is not None
    lines = ["Root Cause (first observed failure):", "  traceback : Signal 9 (SIGKILL) received by PID 12"]
    known = by_its_log(trouble, lines)
    assert (known.code, "pod_memory" in known.hint) == ("SR591", True)
    assert by_its_log(trouble, ["ValueError: no rows"]) == trouble
