"""Deployments: an append-only history of runs, which MLflow lacks, and the aliases they move."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sqlrec.errors import NameNotFoundError
from sqlrec.registry.client import Missing
from sqlrec.registry.models import Models
from sqlrec.registry.registry import DeployAction, Deployment, DeployState, Pinned
from sqlrec.registry.store import Store
from sqlrec.registry.tags import (
    SERVICE_ID,
    SERVICES,
    UID,
    alias,
    canary_alias,
    checkpoint_of,
    deployed_names,
    deployment_of,
    deployment_tags,
    latest,
    member_alias,
    others_tags,
    registry_name,
    running_canary,
    uid_of,
)
from sqlrec.spec.model import Checkpoint
from sqlrec.spec.names import ModelName

FOLDER = "_services"
REVISION = "sqlrec.revision"
TEXT_LIMIT = 7000


class Deployments:
    """Reads and writes the history and the aliases."""

    def __init__(self, store: Store, models: Models) -> None:
        self._store = store
        self._models = models

    def history(self, service: str = "") -> tuple[Deployment, ...]:
        """Deployments by revision: of one service, or of all."""
        experiment = self._store.find_experiment(SERVICES)
        if not experiment:
            return ()
        query = f"tags.`{SERVICE_ID}` = '{_quoted(service.casefold())}'" if service else ""
        found = self._store.pages("search_runs", experiment_ids=[experiment], filter_string=query)
        runs = [r for r in found if SERVICE_ID in r.data.tags]
        names = self._models.names({uid for r in runs for uid in deployed_names(r.data.tags)})
        entries = [
            deployment_of(
                r.info.run_id, r.info.status, r.info.start_time, r.info.end_time, r.data.tags, names
            )
            for r in runs
        ]
        return tuple(sorted(entries, key=lambda d: (d.service.casefold(), d.revision, _order(d))))

    def services(self) -> tuple[str, ...]:
        """Names of the services that are deployed."""
        return tuple(sorted(d.service for d in latest(self.history()).values()))

    def served(self, service: str) -> Checkpoint | None:
        """The checkpoint that the service's alias points to."""
        current = latest(self.history(service)).get(service.casefold())
        if current is None:
            return None
        try:
            version = self._store.client.get_model_version_by_alias(
                registry_name(current.model), alias(service)
            )
        except Missing:
            return None
        number, created = int(version.version), version.creation_timestamp
        return checkpoint_of(current.model, number, created, version.tags)

    def begin(
        self,
        *,
        service: str,
        action: DeployAction,
        checkpoint: Checkpoint,
        key: str,
        options: Mapping[str, str],
        reason: str,
        others: Sequence[Checkpoint],
    ) -> Deployment:
        """See ``ModelRegistry.begin``."""
        wanted = Deployment(
            service=service,
            revision=0,
            action=action,
            state=DeployState.INTENT,
            model=checkpoint.model,
            version=checkpoint.version,
            checkpoint=checkpoint.name,
            key=key,
            options=options,
            reason=reason,
            others=tuple(
                Pinned(model=other.model, version=other.version, checkpoint=other.name) for other in others
            ),
        )
        with self._store.exclusive():
            return self._reopen(wanted) or self._append(wanted)

    def finish(self, deployment: Deployment, *, url: str) -> Deployment:
        """See ``ModelRegistry.finish``."""
        client = self._store.client
        client.set_tag(deployment.id, "sqlrec.url", url)
        history = self.history(deployment.service)
        wanted = _wanted(history, deployment)
        for (model, name), pin in wanted.items():
            self._set_alias(model, name, pin)
        known = {named for entry in history for named in _aliases(entry)}
        for model, name in sorted({*known, *_aliases(deployment)} - wanted.keys(), key=str):
            self._delete_alias(model, name)
        client.set_terminated(deployment.id, "FINISHED")
        return replace(deployment, state=DeployState.FINISHED, url=url, finished_at=time.time())

    def fail(self, deployment: Deployment, *, error: str) -> Deployment:
        """See ``ModelRegistry.fail``."""
        if deployment.state is DeployState.FINISHED:
            return deployment
        error = _shortened(error)
        self._store.client.set_tag(deployment.id, "sqlrec.error", error)
        self._store.client.set_terminated(deployment.id, "FAILED")
        return replace(deployment, state=DeployState.FAILED, error=error, finished_at=time.time())

    def _reopen(self, wanted: Deployment) -> Deployment | None:
        """The entry of the same work, unless it was finished and something else came after it."""
        history = self.history(wanted.service)
        last = max((d for d in history if d.finished_at), key=lambda d: d.finished_at, default=None)
        for entry in history:
            if not _same_work(entry, wanted) or (entry.state is DeployState.FINISHED and entry != last):
                continue
            if entry.state is not DeployState.FAILED:
                return entry
            self._store.client.update_run(entry.id, status="RUNNING")
            self._store.client.set_tag(entry.id, "sqlrec.error", "")
            return replace(entry, state=DeployState.INTENT, error="", finished_at=0.0)
        return None

    def _append(self, wanted: Deployment) -> Deployment:
        """Add an entry, and make way for another machine that added the same or took the same revision."""
        history = self.history(wanted.service)
        current = latest(history).get(wanted.service.casefold())
        revision = max((d.revision for d in history), default=0) + 1
        wanted = replace(wanted, revision=revision, previous=current.revision if current else None)
        uid = self._uid(wanted.model)
        others = others_tags((pin, self._uid(pin.model)) for pin in wanted.others)
        run = self._store.client.create_run(
            self._store.experiment(SERVICES, FOLDER),
            run_name=f"{wanted.service} {wanted.action} {wanted.checkpoint}",
            tags={**deployment_tags(wanted), **others, UID: uid, "sqlrec.reason": _shortened(wanted.reason)},
        )
        while True:
            history = self.history(wanted.service)
            mine = next(d for d in history if d.id == run.info.run_id)
            same = [d for d in history if _same_work(d, mine) and d.state is DeployState.INTENT]
            first = min(same, key=_order)
            if first.id != mine.id:
                self._store.client.delete_run(mine.id)
                return first
            if all(d.revision != mine.revision for d in history if d.id != mine.id):
                return mine
            time.sleep(random.uniform(0, 0.1))
            revision = max(d.revision for d in self.history(wanted.service)) + 1
            self._store.client.set_tag(mine.id, REVISION, str(revision))

    def _uid(self, model: ModelName) -> str:
        return uid_of(self._models.tags(model), model.key)

    def _set_alias(self, model: ModelName, name: str, pin: Pinned) -> None:
        try:
            self._store.client.set_registered_model_alias(registry_name(model), name, str(pin.version))
        except Missing:
            what = f"checkpoint {pin.checkpoint} (version {pin.version})"
            raise NameNotFoundError("SR205", f"model {model} has no {what} any more") from None

    def _delete_alias(self, model: ModelName, name: str) -> None:
        try:
            self._store.client.delete_registered_model_alias(registry_name(model), name)
        except Missing:
            return


def _order(deployment: Deployment) -> tuple[float, str]:
    return deployment.created_at, deployment.id


def _wanted(history: Iterable[Deployment], ending: Deployment) -> dict[tuple[ModelName, str], Pinned]:
    """The aliases that a service has once ``ending`` is finished: its own, and those of its canary."""
    done = replace(ending, state=DeployState.FINISHED, finished_at=time.time())
    after = [*(entry for entry in history if entry.id != ending.id), done]
    current = latest(after).get(ending.service.casefold())
    canary = running_canary(after)
    return {**(_aliases(current) if current else {}), **(_aliases(canary) if canary else {})}


def _aliases(deployment: Deployment) -> dict[tuple[ModelName, str], Pinned]:
    """The aliases that say which versions a service uses: its own, and one of each further model."""
    own = Pinned(model=deployment.model, version=deployment.version, checkpoint=deployment.checkpoint)
    if deployment.action.is_beside:
        pins = enumerate((own, *deployment.others))
        return {(pin.model, canary_alias(deployment.service, place)): pin for place, pin in pins}
    others = enumerate(deployment.others, 1)
    return {
        (own.model, alias(deployment.service)): own,
        **{(pin.model, member_alias(deployment.service, place)): pin for place, pin in others},
    }


def _same_work(one: Deployment, other: Deployment) -> bool:
    def facts(d: Deployment) -> tuple[object, ...]:
        return d.key, d.action, d.model, d.version, d.others

    return facts(one) == facts(other)


def _shortened(text: str) -> str:
    """Beginning and end of a long text: what failed, and the last log lines."""
    half = TEXT_LIMIT // 2
    return text if len(text) <= TEXT_LIMIT else f"{text[:half]}\n…\n{text[-half:]}"


def _quoted(text: str) -> str:
    return text.replace("'", "''")
