"""The pod of one job, started and followed by the provider's KubernetesPodOperator.

The provider decides by the pod whether a task went well; here the published result decides. A pod that
succeeded without one has failed, and one that was lost after it was published has not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, cast

from airflow.providers.cncf.kubernetes.callbacks import KubernetesPodOperatorCallback
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.utils.pod_manager import (
    PodLaunchFailedException,
    PodLaunchTimeoutException,
)
from airflow.sdk.exceptions import AirflowTaskTimeout, TaskDeferred

from sqlrec.airflow.cluster import access, connect, extras_of, hook, keeps_failed
from sqlrec.airflow.ending import is_over
from sqlrec.airflow.triggers import PodTrigger
from sqlrec.artifacts.failure import clear_failure, read_failure
from sqlrec.artifacts.folder import is_complete, sweep
from sqlrec.errors import JobError, RemoteError, SqlRecError
from sqlrec.runtimes.kubernetes.client import ClusterClient
from sqlrec.runtimes.kubernetes.earlier import make_way, sweep_pods
from sqlrec.runtimes.kubernetes.failures import LOST, Trouble, by_its_log, ended, waits
from sqlrec.runtimes.kubernetes.job import CONTAINER, config_map, pod_manifest
from sqlrec.runtimes.kubernetes.jobs import patience_of
from sqlrec.runtimes.kubernetes.logs import events_of
from sqlrec.runtimes.kubernetes.manifest import Manifest
from sqlrec.runtimes.kubernetes.names import job_names
from sqlrec.runtimes.kubernetes.pod import owned_by
from sqlrec.settings import Cluster
from sqlrec.spec.job import JobSpec

LOG_SECONDS = 10
"""How often lines come while the triggerer waits for the pod."""
CHECK_SECONDS = 1
START_SECONDS = 600
"""An image of several gigabytes takes its time."""
FOREVER = 365 * 24 * 3600.0
"""What the provider can count to; a job that waits for a machine is ended by the time-out of its task."""
GONE_SECONDS = 120.0
LOG_LINES = 20
LOOKS = 5
"""How often a pod that was lost sight of is looked for, or one that was evicted is made anew."""


class JobPod(KubernetesPodOperator):
    """Runs ``job`` in a pod. The pod has the job's name, so a job never has two."""

    def __init__(
        self,
        *,
        job: JobSpec,
        cluster: Cluster,
        tell: Callable[[str], None],
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kubernetes_conn_id=cluster.conn_id or None,
            pod_template_dict=pod_manifest(job, cluster),
            random_name_suffix=False,
            base_container_name=CONTAINER,
            container_name_log_prefix_enabled=False,
            log_pod_spec_on_failure=False,
            logging_interval=LOG_SECONDS,
            startup_check_interval_seconds=CHECK_SECONDS,
            startup_timeout_seconds=START_SECONDS,
            schedule_timeout_seconds=int(min(patience_of(cluster).machine, FOREVER)),
            callbacks=[_callbacks(tell)],
            **access(cluster),
            **kwargs,
        )
        self.job = job
        self.cluster = cluster
        self.tell = tell

    @cached_property
    def hook(self) -> Any:
        """The provider's hook on the cluster of the settings."""
        return hook(self.cluster, extras_of(self.cluster))

    @cached_property
    def api(self) -> ClusterClient:
        """The same cluster as plain objects."""
        return connect(self.cluster)

    def attend(self, context: Any, event: Mapping[str, Any]) -> None:
        """Follow the pod until the job's result is published, or leave that to the triggerer.

        ``event`` is what the triggerer said, when it did. The pod and its files are gone afterwards, however
        it ended, unless pods that failed are to stay; while the cluster is out of reach (``RemoteError``)
        they are left to the next try. Raises ``JobError`` with the reason when the job failed.
        """
        keeps = keeps_failed(self.cluster)
        try:
            is_done = is_complete(self.job.output_uri)
            event = self._of_this(event, is_done=is_done)
            if not is_done:
                self._follow(context, event)
        except (TaskDeferred, RemoteError):
            raise
        except JobError:
            pod = self.api.get("Pod", *self._where) if keeps else None
            if pod is None or not has_ended(pod):
                self._remove()
            raise
        except SystemExit:
            if is_over(context["ti"]):
                self._remove()
            raise
        except BaseException:
            self._remove()
            raise
        self._remove()

    def get_or_create_pod(self, pod_request_obj: Any, context: Any) -> Any:
        """The job's pod, known by its name; one that has ended for nothing, or is to, is replaced."""
        manifest = self.client.api_client.sanitize_for_serialization(pod_request_obj)
        found = self.api.get("Pod", *self._where)
        if found is not None and has_ended(found) and not is_complete(self.job.output_uri):
            self.api.delete("Pod", *self._where, uid=found["metadata"]["uid"], wait=GONE_SECONDS)
            found = None
        if found is None:
            self._sweep()
            clear_failure(self.job.output_uri)
            sweep(self.job.output_uri)
            self.api.create(manifest)
        else:
            self.log.info("Pod %s is there and %s", self._where[0], found["status"].get("phase", "Pending"))
        return pod_request_obj

    def bring_files(self, pod: Any) -> None:
        """Give a pod the files of /data; they go with it."""
        if pod is None:
            return
        owner = {"apiVersion": "v1", "kind": "Pod", "metadata": pod.metadata.to_dict()}
        manifest = owned_by(config_map(self.job, self.cluster), owner)
        name, namespace = job_names(self.job).config_map, self._where[1]
        while self.api.create(manifest) is None:
            there = self.api.get("ConfigMap", name, namespace)
            if there and _owner(there) == pod.metadata.uid:
                return
            if there:
                uid = there["metadata"]["uid"]
                self.api.delete("ConfigMap", name, namespace, uid=uid, wait=GONE_SECONDS)

    def cleanup(self, pod: Any, remote_pod: Any, xcom_result: Any = None, context: Any = None) -> None:
        """Nothing: why the pod ended is looked up before it goes, and whether it failed is not its say."""

    def defer(self, *, trigger: Any, **kwargs: Any) -> None:
        """Leave the pod to the triggerer, which shall look up no connection that nobody named."""
        trigger.connection_extras = trigger.connection_extras or {}
        super().defer(trigger=PodTrigger(**trigger.serialize()[1]), **kwargs)

    @property
    def _where(self) -> tuple[str, str]:
        """Name and namespace."""
        metadata = self.pod_template_dict["metadata"]
        return metadata["name"], metadata["namespace"]

    def _of_this(self, event: Mapping[str, Any], *, is_done: bool) -> Mapping[str, Any]:
        """The event, or none when it is of a pod that was told otherwise: such a pod is deleted."""
        waited_for = self.api.get("Pod", *self._where) if event else None
        files = config_map(self.job, self.cluster)
        if ended := make_way(self.api, self.pod_template_dict, files, is_done=is_done):
            self.log.warning("%s", ended)
            self.tell(ended)
        has_gone = waited_for is not None and self.api.get("Pod", *self._where) is None
        return {} if has_gone else event

    def _follow(self, context: Any, event: Mapping[str, Any]) -> None:
        failure: JobError | None = None
        for _ in range(LOOKS):
            lost: BaseException | None = None
            try:
                self._provided(context, event)
            except (TaskDeferred, SqlRecError):
                raise
            except (Exception, AirflowTaskTimeout) as error:
                lost = error
            if is_complete(self.job.output_uri):
                return
            pod = self.api.get("Pod", *self._where)
            failure = self._failure(pod, lost)
            if lost is not None and _is_given_up(lost, event):
                break
            if lost is not None and pod is not None and not has_ended(pod):
                self.log.warning("Pod %s was lost sight of, and goes on: %s", self._where[0], lost)
            elif failure.code == LOST:
                self.log.warning("%s; another pod goes on from its last state", failure.message)
                self.pod = self.remote_pod = None
            else:
                break
            event = {}
        raise cast(JobError, failure) from lost

    def _failure(self, pod: Manifest | None, lost: BaseException | None) -> JobError:
        """Why there is no result: what the program said, else what became of the pod and its last lines."""
        job = f"job {self.job.id} failed"
        if told := read_failure(self.job.output_uri):
            return JobError(
                told.get("code", "SR505"), f"{job}: {told.get('message')}", hint=told.get("hint", "")
            )
        tail = list(self.api.logs(*self._where, CONTAINER, tail=LOG_LINES)) if pod else []
        trouble = by_its_log(self._trouble(pod, lost), tail)
        return JobError(trouble.code, "\n".join([f"{job}: {trouble.reason}", *tail]), hint=trouble.hint)

    def _trouble(self, pod: Manifest | None, lost: BaseException | None) -> Trouble:
        """What became of the pod."""
        if pod is None or "deletionTimestamp" in pod["metadata"]:
            hint = "somebody deleted it, or its machine is gone; run it again"
            return Trouble(reason="its pod is gone", code=LOST, hint=hint)
        if trouble := ended(pod) or waits(pod, events_of(self.api, pod)):
            return trouble
        if pod["status"].get("phase") == "Succeeded":
            return Trouble(reason=f"its program ended without publishing {self.job.output_uri}")
        return Trouble(reason=f"it was given up: {lost}")

    def _provided(self, context: Any, event: Mapping[str, Any]) -> None:
        """What the provider does of it."""
        if event.get("status") == "lost":
            raise RuntimeError(event["message"])
        if event:
            self.trigger_reentry(context, dict(event))
        elif self.deferrable:
            self.execute_async(context)
        else:
            self.execute_sync(context)

    def _sweep(self) -> None:
        try:
            sweep_pods(self.api, self._where[1])
        except SqlRecError as error:
            self.log.warning("Pods that ended long ago are left behind: %s", error)

    def _remove(self) -> None:
        try:
            self.api.delete("Pod", *self._where)
        except SqlRecError as error:
            self.log.warning("Pod %s is left behind: %s", self._where[0], error)


def has_ended(pod: Mapping[str, Any]) -> bool:
    """Whether a pod has ended or is to: nothing more will come of it."""
    is_through = pod.get("status", {}).get("phase") in ("Succeeded", "Failed")
    return is_through or "deletionTimestamp" in pod["metadata"]


def _owner(manifest: Manifest) -> str:
    """Whose object it is: one of an earlier pod of the name is about to go."""
    owners = manifest["metadata"].get("ownerReferences") or [{}]
    return str(owners[0].get("uid", ""))


def _is_given_up(error: BaseException, event: Mapping[str, Any]) -> bool:
    """Whether the provider means the failure: the pod does not start, or the task's time is over."""
    final = PodLaunchFailedException | PodLaunchTimeoutException | AirflowTaskTimeout
    return isinstance(error, final) or event.get("status") in ("timeout", "lost")


def _callbacks(tell: Callable[[str], None]) -> type[KubernetesPodOperatorCallback]:
    """What the provider calls, from which no way leads back to the operator but the names in it."""

    class Callbacks(KubernetesPodOperatorCallback):
        """Files for the pod once it is there, and its lines for whoever watches the run."""

        @staticmethod
        def on_pod_creation(*, pod: Any, operator: Any, **_: Any) -> None:
            """The pod is there, or was found."""
            operator.bring_files(pod)

        @staticmethod
        def progress_callback(*, line: str, **_: Any) -> None:
            """A line of the pod's log, or several that came as one."""
            for part in line.splitlines():
                tell(part)

    return Callbacks
