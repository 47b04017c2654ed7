"""What earlier tries of a job have left in the cluster, and whether it was told what the job is told now.

A job is found by its task, and between two tries the script may be edited and the settings changed. So what
is given to the cluster is digested into an annotation, and what bears another digest makes way: nobody wants
its result any more, and two programs of one task would write the same states.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlrec.errors import RemoteError
from sqlrec.runtimes.changes import changed
from sqlrec.runtimes.kubernetes.client import ClusterClient
from sqlrec.runtimes.kubernetes.job import DIGEST, KEPT_SECONDS, SPEC_FILE
from sqlrec.runtimes.kubernetes.logs import has_ended
from sqlrec.runtimes.kubernetes.manifest import Manifest
from sqlrec.runtimes.kubernetes.watching import watch
from sqlrec.spec.pod import OURS

STOP_SECONDS = 120.0


def make_way(client: ClusterClient, wanted: Manifest, files: Manifest, *, is_done: bool) -> str:
    """Delete what runs of the job of ``wanted`` and was told otherwise, and wait until it is gone.

    What has ended goes, too, unless the job ``is_done``. ``files`` is the ConfigMap that ``wanted`` has.
    Gives a line that says what was at work and why it was deleted, else an empty one. Raises ``RemoteError``
    SR746 for what does not go.
    """
    others = [found for found in _of_its_task(client, wanted) if _told(found) != _told(wanted)]
    others = [found for found in others if not is_done or _is_at_work(found)]
    if not others:
        return ""
    before = client.get("ConfigMap", files["metadata"]["name"], files["metadata"]["namespace"])
    what = changed(before["data"].get(SPEC_FILE, ""), files["data"][SPEC_FILE]) if before else ""
    for found in others:
        remove(client, found)
    ended = [f"{each['kind']} {each['metadata']['name']}" for each in others if _is_at_work(each)]
    why = f" ({what})" if what else ""
    before_that = f"of other settings{why}, as the script or the project had them before, was deleted"
    return f"{', '.join(ended)} {before_that}" if ended else ""


def remove(client: ClusterClient, found: Manifest) -> None:
    """Delete a Job with its pods, or a pod, and wait until they are gone; raises ``RemoteError`` SR746."""
    kind, metadata = found["kind"], found["metadata"]
    name, namespace, uid = metadata["name"], metadata["namespace"], metadata["uid"]
    how = "Foreground" if kind == "Job" else "Background"
    client.delete(kind, name, namespace, uid=uid, propagation=how, wait=STOP_SECONDS)
    if kind != "Job":
        return
    for pods in watch(client, "Pod", namespace, labels=f"controller-uid={uid}", seconds=STOP_SECONDS):
        if not pods:
            return
    hint = "their machine does not answer: see kubectl get pods -o wide"
    told = f"pods of the deleted Job {name} are still there after {STOP_SECONDS:g} s"
    raise RemoteError("SR746", told, hint=hint, retriable=True)


def sweep_pods(client: ClusterClient, namespace: str) -> None:
    """Delete pods that were a job each and ended long ago: their tasks failed for good without a process.

    A Job goes by itself after ``KEPT_SECONDS``; a pod has no such time of its own, so whoever starts the next
    one looks. Jobs that still run are left: clearing the task takes up their results.
    """
    now = datetime.now(UTC)
    for pod in client.list("Pod", namespace, labels=f"{OURS}job"):
        is_alone = not pod["metadata"].get("ownerReferences")
        if is_alone and not _is_at_work(pod) and (now - _last_change(pod)).total_seconds() > KEPT_SECONDS:
            client.delete("Pod", pod["metadata"]["name"], namespace, uid=pod["metadata"]["uid"])


def _last_change(pod: Manifest) -> datetime:
    """When a pod ended, at the latest."""
    status = pod.get("status", {})
    ends = [each.get("state", {}).get("terminated", {}) for each in status.get("containerStatuses") or ()]
    noted = [end.get("finishedAt") for end in ends]
    noted += [condition.get("lastTransitionTime") for condition in status.get("conditions") or ()]
    noted.append(pod["metadata"]["creationTimestamp"])
    return max(datetime.fromisoformat(time) for time in noted if time)


def _of_its_task(client: ClusterClient, wanted: Manifest) -> Iterator[Manifest]:
    """Jobs and pods of their own of the same job, by whichever name."""
    metadata = wanted["metadata"]
    same = f"{OURS}job={metadata['labels'][f'{OURS}job']}"
    for kind in ("Job", "Pod"):
        for found in client.list(kind, metadata["namespace"], labels=same):
            if kind == "Job" or not found["metadata"].get("ownerReferences"):
                yield found


def _is_at_work(found: Manifest) -> bool:
    if found["kind"] == "Job":
        return not has_ended(found)
    return found.get("status", {}).get("phase") not in ("Succeeded", "Failed")


def _told(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"].get("annotations", {}).get(DIGEST, "")
