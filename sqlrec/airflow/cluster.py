"""How tasks reach the cluster: by the kubeconfig of the settings, or by a connection that Airflow keeps.

A connection is looked up in the task. The triggerer, which waits for what tasks have left behind, is given
what stands in it: Airflow encrypts that in its database.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrec.errors import SetupError
from sqlrec.settings import Cluster, Settings

if TYPE_CHECKING:
    from sqlrec.execution.environment import Environment
    from sqlrec.runtimes.kubernetes.client import ClusterClient

DEFAULT_CONFIG = "~/.kube/config"
DELETE, DELETE_SUCCEEDED = "delete_pod", "delete_succeeded_pod"
"""Two of the provider's actions on the end of a pod. It can also keep all: no result would need that."""


def environment(settings: Settings, more_secrets: Callable[[str], str | None] | None = None) -> Environment:
    """What steps work with; a cluster is reached by Airflow's connection, if the settings name one."""
    from sqlrec.execution.environment import Environment

    given: dict[str, Any] = {"settings": settings}
    if more_secrets is not None:
        given["more_secrets"] = more_secrets
    if settings.runtime == "kubernetes" and settings.kubernetes.conn_id:
        given |= {"make_jobs": _jobs, "make_services": _services}
    return Environment(**given)


def connect(cluster: Cluster, extras: Mapping[str, Any] | None = None) -> ClusterClient:
    """The cluster; ``extras`` are those of the connection, when they are known already.

    Raises ``SetupError`` SR740 when it cannot be reached by what is configured, SR726 when there is no such
    connection.
    """
    from sqlrec.runtimes.kubernetes.client import client_of, open_cluster

    if not cluster.conn_id:
        return open_cluster(cluster)
    try:
        return client_of(hook(cluster, extras_of(cluster) if extras is None else extras).api_client)
    except SetupError:
        raise
    except Exception as error:
        message = f"the connection {cluster.conn_id!r} leads to no cluster: {error}"
        raise SetupError("SR726", message, hint="correct it in Airflow: Admin, Connections") from error


def hook(cluster: Cluster, extras: Mapping[str, Any] | None) -> Any:
    """The provider's hook. Without a connection it reads the kubeconfig that everything else reads."""
    from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook

    made = KubernetesHook(kubernetes_conn_id=None, **access(cluster))
    made.conn_extras = dict(extras or {})
    return made


def access(cluster: Cluster) -> dict[str, Any]:
    """Arguments of the provider's classes that say where the cluster is, beside those of a connection."""
    context = {"cluster_context": cluster.context or None}
    if cluster.conn_id:
        return context
    config = cluster.config or os.environ.get("KUBECONFIG", "") or str(Path(DEFAULT_CONFIG).expanduser())
    if cluster.config or cluster.context or Path(config).is_file():
        return {**context, "config_file": config}
    return {"in_cluster": True}


def extras_of(cluster: Cluster) -> dict[str, Any]:
    """What the connection of the settings holds, if one is set; raises ``SetupError`` SR726."""
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException, AirflowRuntimeError

    if not cluster.conn_id:
        return {}
    try:
        extras: dict[str, Any] = Connection.get(cluster.conn_id).extra_dejson
    except (AirflowNotFoundException, AirflowRuntimeError) as error:
        message = f"Airflow has no connection {cluster.conn_id!r}"
        raise SetupError("SR726", message, hint="add it, or unset conn_id in [kubernetes]") from error
    return extras


def is_deferrable(cluster: Cluster) -> bool:
    """Whether the triggerer waits for jobs; raises ``SetupError`` SR725 for what says neither yes nor no."""
    text = cluster.deferrable.strip().casefold()
    if text not in ("true", "false"):
        message = f"kubernetes.deferrable is {cluster.deferrable!r}"
        raise SetupError("SR725", message, hint="write 'true' or 'false'")
    return text == "true"


def keeps_failed(cluster: Cluster) -> bool:
    """Whether pods that failed stay to be looked at; raises ``SetupError`` SR725 for any other action."""
    action = cluster.on_finish_action.strip().casefold()
    if action not in (DELETE, DELETE_SUCCEEDED):
        message = f"kubernetes.on_finish_action is {cluster.on_finish_action!r}"
        raise SetupError("SR725", message, hint=f"write {DELETE!r} or {DELETE_SUCCEEDED!r}")
    return action == DELETE_SUCCEEDED


def _jobs(settings: Settings) -> Any:
    from sqlrec.runtimes.kubernetes.jobs import KubernetesJobRuntime

    return KubernetesJobRuntime(connect(settings.kubernetes), settings.kubernetes)


def _services(settings: Settings) -> Any:
    from sqlrec.runtimes.kubernetes.services import KubernetesServiceRuntime

    return KubernetesServiceRuntime(connect(settings.kubernetes), settings.kubernetes)
