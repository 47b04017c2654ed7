"""How far a rollout is, and what was changed by hand, judged from objects as the API shows them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.runtimes.kubernetes.drift import changes, comparable, undoing
from sqlrec.runtimes.kubernetes.rollout import Progress, judge
from sqlrec.runtimes.kubernetes.service import REVISION
from tests.emulator.patches import merge_patch

Manifest = dict[str, Any]
READY: Manifest = {"ready": True, "state": {"running": {}}}


def deployment(*, replicas: int = 2, seen: bool = True, **status: Any) -> Manifest:
    counts = {"updatedReplicas": replicas, "availableReplicas": replicas, "replicas": replicas}
    return {
        "metadata": {"name": "rank", "generation": 4},
        "spec": {"replicas": replicas, "template": {"metadata": {"labels": {REVISION: "new"}}}},
        "status": {"observedGeneration": 4 if seen else 3, **counts, **status},
    }


def pod(name: str, container: Manifest = READY, revision: str = "new", **more: Any) -> Manifest:
    status = {"phase": "Running", "containerStatuses": [{"name": "server", **container}], **more}
    return {"metadata": {"name": name, "labels": {REVISION: revision}}, "status": status}


def waiting(reason: str, message: str = "") -> Manifest:
    return {"ready": False, "state": {"waiting": {"reason": reason, "message": message}}}


def late(reason: str = "ProgressDeadlineExceeded") -> Manifest:
    return {"conditions": [{"type": "Progressing", "status": "False", "reason": reason}]}


PODS = [pod("a"), pod("b")]


def test_a_rollout_is_done_when_all_pods_are_new_and_available() -> None:
    assert judge(deployment(), PODS).progress is Progress.DONE
    assert judge(deployment(seen=False), PODS).progress is Progress.GOING_ON
    for key in ("updatedReplicas", "availableReplicas", "replicas"):
        verdict = judge({**deployment(), "status": {**deployment()["status"], key: 3}}, PODS)
        assert verdict.progress is Progress.GOING_ON
    assert judge(deployment(), PODS[:1]).progress is Progress.GOING_ON
    assert judge(deployment(replicas=0), []).progress is Progress.DONE


@pytest.mark.parametrize(
    ("container", "reason"),
    [
        (waiting("ImagePullBackOff", "no such image"), "pod b is in ImagePullBackOff: no such image"),
        (waiting("CreateContainerConfigError", "secret gone"), "CreateContainerConfigError: secret gone"),
        (
            {**waiting("CrashLoopBackOff"), "lastState": {"terminated": {"exitCode": 1}}},
            "pod b is in CrashLoopBackOff; its server ended with exit status 1",
        ),
        (
            {**waiting("CrashLoopBackOff"), "lastState": {"terminated": {"reason": "OOMKilled"}}},
            "it had too little memory",
        ),
    ],
)
def test_what_cannot_start_has_failed(container: Manifest, reason: str) -> None:
    verdict = judge(deployment(updatedReplicas=1), [pod("a"), pod("b", container)])
    assert (verdict.progress, verdict.pod) == (Progress.FAILED, "b")
    assert reason in verdict.reason
    assert verdict.crashed == ("CrashLoop" in verdict.reason)


def test_pods_of_other_revisions_and_those_that_go_do_not_count() -> None:
    old = pod("old", waiting("CrashLoopBackOff"), revision="old")
    dying = pod("dying", waiting("CrashLoopBackOff"))
    dying["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert judge(deployment(), [*PODS, old, dying]).progress is Progress.DONE


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (
            pod("b", {"ready": False, "state": {"running": {}}}),
            "the server of pod b runs and does not get ready",
        ),
        (
            pod(
                "b",
                {
                    "ready": False,
                    "state": {"running": {}},
                    "lastState": {"terminated": {"exitCode": 137, "signal": 9}},
                },
            ),
            "the server of pod b was killed by signal 9",
        ),
        (
            {
                **pod("b"),
                "status": {
                    "phase": "Pending",
                    "conditions": [
                        {
                            "type": "PodScheduled",
                            "status": "False",
                            "reason": "Unschedulable",
                            "message": "0/1 nodes: cpu",
                        }
                    ],
                },
            },
            "pod b is Unschedulable: 0/1 nodes: cpu",
        ),
        (
            {
                **pod("b"),
                "status": {"phase": "Failed", "reason": "Evicted", "message": "low on disk"},
            },
            "pod b has ended: Evicted low on disk",
        ),
        (pod("b", waiting("ContainerCreating")), "pod b is in ContainerCreating"),
    ],
)
def test_what_may_pass_is_waited_for_and_told_when_it_does_not(found: Manifest, reason: str) -> None:
    waits = judge(deployment(availableReplicas=1), [pod("a"), found])
    assert (waits.progress, waits.reason, waits.pod) == (Progress.GOING_ON, reason, "b")
    failed = judge(deployment(availableReplicas=1, **late()), [pod("a"), found])
    assert failed.progress is Progress.FAILED
    assert failed.reason == f"ProgressDeadlineExceeded: {reason}"


def test_pods_that_may_not_be_made() -> None:
    condition = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}
    verdict = judge(deployment(updatedReplicas=0, conditions=[condition]), [])
    assert (verdict.progress, verdict.pod) == (Progress.FAILED, "")
    assert "exceeded quota" in verdict.reason
    assert "0 of 2 pods are new" in verdict.reason


# Changes by hand

SPEC: Manifest = {
    "replicas": 2,
    "template": {
        "metadata": {"annotations": {"a": "1"}},
        "spec": {"containers": [{"name": "server", "image": "i:1", "env": [{"name": "A", "value": "1"}]}]},
    },
}


def live(spec: Manifest, **metadata: Any) -> Manifest:
    return {"metadata": metadata, "spec": spec}


def test_every_change_is_told_with_its_place_and_who_made_it() -> None:
    found = copy.deepcopy(SPEC)
    found["replicas"] = 5
    (server,) = found["template"]["spec"]["containers"]
    server["image"] = "i:2"
    server["env"] = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    found["paused"] = True
    managed = {
        "manager": "kubectl-edit",
        "operation": "Update",
        "fieldsV1": {
            "f:spec": {
                "f:template": {"f:spec": {"f:containers": {'k:{"name":"server"}': {"f:image": {}}}}},
                "f:paused": {},
            }
        },
    }
    one = live(found, managedFields=[{"manager": "sqlrec", "fieldsV1": {"f:spec": {}}}, managed])
    assert [str(change) for change in changes(SPEC, found, one)] == [
        "spec.replicas: 2 → 5",
        "spec.template.spec.containers[server].image: i:1 → i:2 by kubectl-edit",
        'spec.template.spec.containers[server].env[B]: (nothing) → {"name": "B", "value": "2"}',
        "spec.paused: (nothing) → true by kubectl-edit",
    ]


def test_restarts_and_the_scale_of_an_autoscaler_are_no_drift() -> None:
    found = copy.deepcopy(SPEC)
    found["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"] = "now"
    found["replicas"] = 9
    scaled = comparable(live(found), autoscaled=True)
    assert scaled == comparable(live(SPEC), autoscaled=True)
    assert changes(scaled, scaled, live(found)) == ()
    assert comparable(live(found), autoscaled=False) != SPEC


JSON = st.recursive(
    st.integers(0, 3) | st.sampled_from(["a", "b"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("xyz"), JSON, max_size=3)


@given(applied=OBJECTS, found=OBJECTS)
def test_undoing_gives_what_was_applied(applied: Manifest, found: Manifest) -> None:
    assert merge_patch(found, undoing(applied, found)) == applied
    assert bool(changes(applied, found, live(found))) == (applied != found)
