"""Services as they are now: from Deployments, their pods and the notes about services elsewhere."""

from __future__ import annotations

from sqlrec.runtimes.kubernetes.canary import canary_name, share_text
from sqlrec.runtimes.kubernetes.client import ClusterClient
from sqlrec.runtimes.kubernetes.manifest import Manifest
from sqlrec.runtimes.kubernetes.notes import Notes
from sqlrec.runtimes.kubernetes.revisions import Revisions, digest_of, is_stopped, proved_of
from sqlrec.runtimes.kubernetes.rollout import Progress, judge
from sqlrec.runtimes.kubernetes.service import COMPONENT, SERVICE_PORT, STABLE, TRACK, service_name
from sqlrec.settings import Cluster
from sqlrec.spec.pod import OURS
from sqlrec.spec.service import Endpoint, ServiceState


class Observer:
    """Looks at services; changes nothing."""

    def __init__(self, client: ClusterClient, cluster: Cluster, notes: Notes) -> None:
        self._client = client
        self._cluster = cluster
        self._notes = notes

    def endpoint(self, name: str) -> Endpoint | None:
        """The service as it is now, or None."""
        note = self._notes.find(name)
        if note and not note.namespace:
            return note.endpoint
        place = note.namespace if note else self._cluster.namespace
        live = Revisions(self._client, place).find(service_name(name))
        return self._observed(live) if live else None

    def endpoints(self) -> tuple[Endpoint, ...]:
        """All services, by name."""
        notes = self._notes.all()
        places = {self._cluster.namespace, *(note.namespace for note in notes if note.namespace)}
        selector = f"app.kubernetes.io/component={COMPONENT},{TRACK}={STABLE}"
        found = [
            self._observed(live)
            for place in sorted(places)
            for live in self._client.list("Deployment", place, labels=selector)
            if not live["metadata"].get("deletionTimestamp")
        ]
        elsewhere = [note.endpoint for note in notes if not note.namespace]
        return tuple(sorted((*found, *elsewhere), key=lambda endpoint: endpoint.name))

    def endpoint_of(self, live: Manifest) -> Endpoint:
        """What a Deployment is, ready or not."""
        told = live["metadata"]["annotations"]
        return Endpoint(
            name=told[f"{OURS}service"],
            url=self.url(live),
            state=ServiceState.READY,
            checkpoint=told.get(f"{OURS}checkpoint", ""),
            version=int(told.get(f"{OURS}version", 0)),
        )

    def url(self, live: Manifest) -> str:
        """Where requests to a Deployment's Service go, from here."""
        metadata = live["metadata"]
        name, place, told = metadata["name"], metadata["namespace"], metadata["annotations"]
        address = ""
        if "{cluster_ip}" in self._cluster.service_url:
            service = self._client.get("Service", name, place)
            address = str(service["spec"].get("clusterIP", "")) if service else ""
        base = self._cluster.service_url.format(
            name=name, namespace=place, port=SERVICE_PORT, cluster_ip=address
        )
        if told[f"{OURS}scheme"] == "https":
            base = "https://" + base.partition("://")[2]
        return base.rstrip("/") + str(told[f"{OURS}path"])

    def _observed(self, live: Manifest) -> Endpoint:
        state, reason = self._state(live)
        told = self.endpoint_of(live)
        details = [reason, *self._of_canary(live)]
        return Endpoint(
            name=told.name,
            url=told.url,
            state=state,
            checkpoint=told.checkpoint,
            version=told.version,
            detail="; ".join(filter(None, details)),
        )

    def _state(self, live: Manifest) -> tuple[ServiceState, str]:
        if is_stopped(live):
            return ServiceState.STOPPED, ""
        proved = proved_of(live)
        unfinished = "" if proved and proved.digest == digest_of(live) else "a rollout is not finished"
        verdict = judge(live, Revisions(self._client, live["metadata"]["namespace"]).pods(live))
        if verdict.progress is Progress.DONE:
            return ServiceState.READY, unfinished
        reason = "; ".join(filter(None, (unfinished, verdict.reason)))
        if live.get("status", {}).get("availableReplicas", 0):
            return ServiceState.READY, reason
        failed = verdict.progress is Progress.FAILED
        return ServiceState.DEAD if failed else ServiceState.STARTING, reason

    def _of_canary(self, live: Manifest) -> list[str]:
        place, name = live["metadata"]["namespace"], live["metadata"]["annotations"][f"{OURS}service"]
        found = Revisions(self._client, place).find(canary_name(name))
        if found is None:
            return []
        told = self.endpoint_of(found)
        pods, stable = (d["spec"].get("replicas", 1) for d in (found, live))
        return [f"canary {told.checkpoint} (version {told.version}) has {share_text(pods, stable)}"]
