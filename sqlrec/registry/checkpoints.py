"""Checkpoints: files in a logged model, numbers on a run, and one model version that makes them visible.

Registering takes many calls and may be cut short after each, or run twice at once. So the version is made
last, everything before it is found again by an identity of what is registered, and of several versions
with one key the lowest number counts; whoever sees another one takes it back.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlrec.artifacts.folder import combined, digests
from sqlrec.artifacts.store import Place, reaching
from sqlrec.errors import DataError, SqlRecError
from sqlrec.registry.absent import in_use, no_model, no_version
from sqlrec.registry.client import Missing
from sqlrec.registry.experiments import Experiments
from sqlrec.registry.mlmodel import FILE, mlmodel_text
from sqlrec.registry.store import Store, is_ready, local_path
from sqlrec.registry.tags import (
    ATTEMPT,
    DISCARDED,
    KEY,
    KEY_ID,
    MODEL_ID,
    NAME_ID,
    SPEC,
    checkpoint_of,
    checkpoint_tags,
    evaluation_tag,
    first_of_each_key,
    identity,
    metric_name,
    registry_name,
)
from sqlrec.spec import codec
from sqlrec.spec.job import CurvePoint, JobResult
from sqlrec.spec.model import Checkpoint, CheckpointKind, CheckpointStatus
from sqlrec.spec.names import ModelName, slug

PLOTS = "plots"
EVALUATION = "evaluation.json"
EVALUATIONS = "evaluations"
"""Folder of a run's artifacts with what later evaluations of its checkpoint found, each under its key."""
SHOWN_STATEMENT = 7000

Users = Callable[[set[int]], list[str]]
"""Services that use one of some versions of a model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What is to be registered. ``spec_id`` names the model's definition, ``uid`` the model.

    ``folder`` has the files; ``source`` is where they come from, which it is a copy of where that is a store.
    """

    model: ModelName
    name: str
    kind: CheckpointKind
    folder: Path
    source: Place
    result: JobResult
    key: str
    parent: Checkpoint | None
    statement: str
    facts: Mapping[str, str]
    spec_id: str
    uid: str

    @property
    def tags(self) -> dict[str, str]:
        """What run and logged model are found by."""
        content = "\n".join((self.key, self.digest, codec.dumps(self.result)))
        return {KEY: self.key, KEY_ID: identity(self.key), ATTEMPT: identity(content)}

    @property
    def digest(self) -> str:
        """Content digest of the files, as the job reported it."""
        return combined(dict(self.result.files))

    def checkpoint(self, uri: str) -> Checkpoint:
        """The checkpoint to be, still without a version."""
        return Checkpoint(
            model=self.model,
            name=self.name,
            kind=self.kind,
            status=CheckpointStatus.CREATED,
            version=0,
            uri=uri,
            digest=self.digest,
            parent=self.parent.name if self.parent else "",
            parent_version=self.parent.version if self.parent else None,
            key=self.key,
            metrics=self.result.metrics,
            rows=self.result.rows,
            seconds=self.result.seconds,
            statement=self.statement,
            facts=self.facts,
        )


class Checkpoints:
    """Reads and writes model versions."""

    def __init__(self, store: Store, experiments: Experiments) -> None:
        self._store = store
        self._experiments = experiments

    def all(self, model: ModelName) -> tuple[Checkpoint, ...]:
        """All checkpoints of a model, oldest first."""
        return first_of_each_key(_checkpoint(model, v) for v in self._versions(model))

    def named(self, model: ModelName, name: str) -> Checkpoint | None:
        """The newest that bears the name."""
        found = (_checkpoint(model, v) for v in self._versions(model, NAME_ID, name.casefold()))
        return next(reversed(first_of_each_key(found)), None)

    def find(self, model: ModelName, key: str) -> Checkpoint | None:
        """The one registered under a key."""
        versions = self._versions(model, KEY_ID, identity(key))
        return _checkpoint(model, versions[0]) if versions else None

    def version(self, model: ModelName, version: int) -> Checkpoint | None:
        """The one with a version number."""
        found = self._version(model, version)
        return None if found is None else _checkpoint(model, found)

    def spec_id(self, checkpoint: Checkpoint) -> str:
        """Identity of the definition it was made from. Raises ``NameNotFoundError`` SR205."""
        found = self._version(checkpoint.model, checkpoint.version)
        if found is None:
            raise no_version(checkpoint)
        return str(found.tags.get(SPEC, ""))

    def drop(self, model: ModelName, name: str, uid: str, users: Users) -> bool:
        """Remove all versions that bear a name, with files and runs; True when there were any.

        What nobody sees any more goes last, and is found again when a try was cut short. ``users`` gives the
        services that use one of some versions; raises ``StateError`` SR203 when there are any.
        """
        versions = self._versions(model, NAME_ID, name.casefold())
        if using := users({int(v.version) for v in versions}):
            raise in_use(f"checkpoint {name} for model {model}", using)
        for version in versions:
            mark = {ATTEMPT: DISCARDED}
            self._unless_gone("set_logged_model_tags", version.tags[MODEL_ID], mark)
            self._unless_gone("delete_model_version", version.name, version.version)
        self._sweep(model, uid)
        return bool(versions)

    def _sweep(self, model: ModelName, uid: str) -> None:
        """Remove files and runs of versions that were dropped."""
        if not (experiment := self._experiments.find(uid)):
            return
        kept = {version.tags[MODEL_ID] for version in self._versions(model)}
        query = f"tags.`{ATTEMPT}` = '{DISCARDED}'"
        search = {"experiment_ids": [experiment], "filter_string": query}
        for logged in self._store.pages("search_logged_models", **search):
            if logged.model_id not in kept:
                self._unless_gone("delete_run", logged.source_run_id)
                self._experiments.discard(logged)

    def record(
        self, checkpoint: Checkpoint, metrics: Mapping[str, float], key: str, folder: Path | None
    ) -> None:
        """See ``ModelRegistry.record_metrics``. Files come first, the tag that ends it last."""
        found = self._version(checkpoint.model, checkpoint.version)
        if found is None:
            raise no_version(checkpoint)
        tag, value = evaluation_tag(key, metrics, time.time())
        if tag in found.tags:
            return
        if folder is not None:
            self._show(found.run_id, folder, f"{EVALUATIONS}/{slug(key)}")
        self._store.client.set_model_version_tag(found.name, found.version, tag, value)

    def register(self, wanted: Registration) -> Checkpoint:
        """Make the files of a folder a version, or give the version that its key has.

        Raises ``DataError`` SR510 (files changed since the job), ``NameNotFoundError`` SR205 (no such model).
        """
        try:
            if not self._versions(wanted.model, KEY_ID, identity(wanted.key)):
                self._make(wanted)
        except (Missing, SqlRecError) as error:
            # Somebody who registers the same may have won and tidied up under our hands.
            if not self._versions(wanted.model, KEY_ID, identity(wanted.key)):
                raise no_model(wanted.model) if isinstance(error, Missing) else error from error
        return self._settle(wanted)

    def _make(self, wanted: Registration) -> None:
        _check_files(wanted)
        experiment = self._experiments.of(wanted.uid, wanted.model)
        run = self._run(experiment, wanted)
        logged = self._logged_model(experiment, run.info.run_id, wanted)
        if run.info.status != "FINISHED":
            self._describe(run, wanted)
        tags = checkpoint_tags(wanted.checkpoint(local_path(logged.artifact_location)))
        self._store.client.create_model_version(
            registry_name(wanted.model),
            self._store.source_of(logged),
            run_id=run.info.run_id,
            model_id=logged.model_id,
            tags={**tags, MODEL_ID: logged.model_id, SPEC: wanted.spec_id},
            description=f"{wanted.kind} {wanted.name}",
            await_creation_for=None,
        )

    def _run(self, experiment: str, wanted: Registration) -> Any:
        tags = wanted.tags
        query = f"tags.`{ATTEMPT}` = '{tags[ATTEMPT]}'"
        for run in self._store.pages("search_runs", experiment_ids=[experiment], filter_string=query):
            return run
        shown = {"sqlrec.statement": wanted.statement[:SHOWN_STATEMENT], "sqlrec.checkpoint": wanted.name}
        return self._store.client.create_run(
            experiment, run_name=f"{wanted.kind} {wanted.name}", tags={**tags, **shown}
        )

    def _logged_model(self, experiment: str, run_id: str, wanted: Registration) -> Any:
        """A logged model with complete files: one of an earlier try, or a new one."""
        client, tags = self._store.client, wanted.tags
        query = f"tags.`{ATTEMPT}` = '{tags[ATTEMPT]}'"
        search = {"experiment_ids": [experiment], "filter_string": query}
        for logged in self._store.pages("search_logged_models", **search):
            if is_ready(logged):
                return logged
        logged = client.create_logged_model(
            experiment, slug(wanted.name), source_run_id=run_id, model_type=wanted.kind.value, tags=tags
        )
        self._store.put_files(logged, wanted.folder, wanted.source)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / FILE
            checkpoint = wanted.checkpoint(local_path(logged.artifact_location))
            text = mlmodel_text(checkpoint, wanted.folder, run_id=run_id, model_id=logged.model_id)
            path.write_text(text, encoding="utf-8")
            self._store.put_files(logged, Path(folder), folder)
        self._store.mark_ready(logged.model_id)
        return logged

    def _describe(self, run: Any, wanted: Registration) -> None:
        """Write numbers, parameters, plots and statement to the run and close it."""
        run_id, result, client = run.info.run_id, wanted.result, self._store.client
        sizes = {"rows": float(result.rows), "seconds": result.seconds}
        self._store.log(
            run_id,
            at_ms=run.info.start_time,
            metrics={metric_name(k): v for k, v in {**sizes, **result.metrics}.items()},
            curves=[CurvePoint(name=metric_name(p.name), step=p.step, value=p.value) for p in result.curves],
            params={metric_name(k): v for k, v in result.params.items()},
        )
        if wanted.statement:
            with reaching(self._store.root):
                client.log_text(run_id, wanted.statement, "statement.sql")
        self._show(run_id, wanted.folder)
        client.set_terminated(run_id, "FINISHED")

    def _show(self, run_id: str, folder: Path, place: str = "") -> None:
        """Put the plots and numbers of a job's output among the artifacts of a run, at ``place``."""
        client = self._store.client
        with reaching(self._store.root):
            if (folder / PLOTS).is_dir():
                client.log_artifacts(run_id, str(folder / PLOTS), f"{place}/{PLOTS}".lstrip("/"))
            if (folder / EVALUATION).is_file():
                client.log_artifact(run_id, str(folder / EVALUATION), place or None)

    def _settle(self, wanted: Registration) -> Checkpoint:
        """The version that counts for the key; whatever else was made under the key is removed."""
        winner, *others = self._versions(wanted.model, KEY_ID, identity(wanted.key))
        for other in others:
            self._unless_gone("delete_model_version", other.name, other.version)
        experiment = self._experiments.of(wanted.uid, wanted.model)
        search = {
            "experiment_ids": [experiment],
            "filter_string": f"tags.`{KEY_ID}` = '{identity(wanted.key)}'",
        }
        for logged in self._store.pages("search_logged_models", **search):
            if logged.model_id != winner.tags[MODEL_ID]:
                self._experiments.discard(logged)
        for run in self._store.pages("search_runs", **search):
            if run.info.run_id != winner.run_id:
                self._unless_gone("delete_run", run.info.run_id)
        return _checkpoint(wanted.model, winner)

    def _unless_gone(self, call: str, *args: object) -> None:
        try:
            getattr(self._store.client, call)(*args)
        except Missing:
            return

    def _version(self, model: ModelName, version: int) -> Any:
        try:
            found = self._store.client.get_model_version(registry_name(model), str(version))
        except Missing:
            return None
        return found if KEY in found.tags else None

    def _versions(self, model: ModelName, tag: str = KEY_ID, value: str = "") -> list[Any]:
        """Versions of sqlrec's making, by number; of those with a tag of a value, which holds no quotes."""
        query = f"name = '{registry_name(model)}'" + (f" AND tag.`{tag}` = '{value}'" if value else "")
        found = self._store.pages("search_model_versions", filter_string=query)
        return sorted((v for v in found if KEY in v.tags), key=lambda v: int(v.version))


def _checkpoint(model: ModelName, version: Any) -> Checkpoint:
    return checkpoint_of(model, int(version.version), version.creation_timestamp, version.tags)


def _check_files(wanted: Registration) -> None:
    changed = set(digests(wanted.folder).items()) ^ set(wanted.result.files.items())
    if changed:
        raise DataError(
            "SR510",
            f"{min(changed)[0]} in {wanted.folder} is not as the job left it",
            hint="run the job again",
        )
