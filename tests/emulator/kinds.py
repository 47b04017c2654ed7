"""The kinds of objects that the server knows."""

from __future__ import annotations

from dataclasses import dataclass

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind and how the API serves it."""

    plural: str
    kind: str
    version: str
    group: str = ""
    short: tuple[str, ...] = ()
    namespaced: bool = True
    subresources: tuple[str, ...] = ()
    in_all: bool = False
    """Whether ``kubectl get all`` lists it."""

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """The resource in messages: ``deployments.apps``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_kind(self) -> str:
        """The kind in messages: ``Deployment.apps``."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @property
    def has_status(self) -> bool:
        return "status" in self.subresources


def _core(
    plural: str, kind: str, *short: str, namespaced: bool = True, sub: str = "", all: bool = False
) -> Kind:
    subresources = tuple(sub.split())
    return Kind(
        plural=plural,
        kind=kind,
        version="v1",
        short=short,
        namespaced=namespaced,
        subresources=subresources,
        in_all=all,
    )


def _of(
    group: str, plural: str, kind: str, *short: str, sub: str = "", all: bool = False, cluster: bool = False
) -> Kind:
    version = "v2" if group == "autoscaling" else "v1"
    return Kind(
        plural=plural,
        kind=kind,
        group=group,
        version=version,
        short=short,
        namespaced=not cluster,
        subresources=tuple(sub.split()),
        in_all=all,
    )


RBAC = "rbac.authorization.k8s.io"

NAMESPACES = _core("namespaces", "Namespace", "ns", namespaced=False, sub="status")
NODES = _core("nodes", "Node", "no", namespaced=False, sub="status")
PODS = _core("pods", "Pod", "po", sub="log exec status eviction", all=True)
SERVICES = _core("services", "Service", "svc", sub="status", all=True)
ENDPOINTS = _core("endpoints", "Endpoints", "ep")
CONFIG_MAPS = _core("configmaps", "ConfigMap", "cm")
SECRETS = _core("secrets", "Secret")
EVENTS = _core("events", "Event", "ev")
ACCOUNTS = _core("serviceaccounts", "ServiceAccount", "sa", sub="token")
CLAIMS = _core("persistentvolumeclaims", "PersistentVolumeClaim", "pvc", sub="status")
SLICES = _of("discovery.k8s.io", "endpointslices", "EndpointSlice")
DEPLOYMENTS = _of("apps", "deployments", "Deployment", "deploy", sub="status scale", all=True)
REPLICA_SETS = _of("apps", "replicasets", "ReplicaSet", "rs", sub="status scale", all=True)
JOBS = _of("batch", "jobs", "Job", sub="status", all=True)
BUDGETS = _of("policy", "poddisruptionbudgets", "PodDisruptionBudget", "pdb", sub="status")
AUTOSCALERS = _of(
    "autoscaling", "horizontalpodautoscalers", "HorizontalPodAutoscaler", "hpa", sub="status", all=True
)
LEASES = _of("coordination.k8s.io", "leases", "Lease")
POLICIES = _of("networking.k8s.io", "networkpolicies", "NetworkPolicy", "netpol")
ROLES = _of(RBAC, "roles", "Role")
BINDINGS = _of(RBAC, "rolebindings", "RoleBinding")
CLUSTER_ROLES = _of(RBAC, "clusterroles", "ClusterRole", cluster=True)
CLUSTER_BINDINGS = _of(RBAC, "clusterrolebindings", "ClusterRoleBinding", cluster=True)

KINDS: dict[str, Kind] = {
    kind.plural: kind
    for kind in (
        NAMESPACES,
        NODES,
        PODS,
        SERVICES,
        ENDPOINTS,
        CONFIG_MAPS,
        SECRETS,
        EVENTS,
        ACCOUNTS,
        CLAIMS,
        SLICES,
        DEPLOYMENTS,
        REPLICA_SETS,
        JOBS,
        BUDGETS,
        AUTOSCALERS,
        LEASES,
        POLICIES,
        ROLES,
        BINDINGS,
        CLUSTER_ROLES,
        CLUSTER_BINDINGS,
    )
}
"""By plural, which is unique among them. The order is that of deleting a namespace's contents."""
