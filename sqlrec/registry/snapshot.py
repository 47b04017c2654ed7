"""The registry read straight from MLflow's SQLite tables.

``sqlrec plan`` and ``check`` have 0.3 s to answer and importing MLflow costs more than one; the standard
library's ``sqlite3`` answers in milliseconds. Reads only, follows what :mod:`sqlrec.registry.tags` says,
and agrees with the MLflow registry (a test holds the two together).
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlrec.registry.registry import Deployment
from sqlrec.registry.sqlite import broken, is_present
from sqlrec.registry.tags import (
    ALIAS_PREFIX,
    DEFINITIONS,
    KEY,
    SERVICE_ID,
    SERVICES,
    SPEC,
    UID,
    alias,
    checkpoint_of,
    definition_of,
    deployed_names,
    deployment_of,
    first_of_each_key,
    in_force,
    is_definition,
    latest,
    model_of,
    registry_name,
)
from sqlrec.spec.function import ApiSpec, FunctionSpec
from sqlrec.spec.model import Checkpoint, ModelSpec
from sqlrec.spec.names import ModelName

MODEL_TAGS = "SELECT key, value FROM registered_model_tags WHERE name = ?"
UIDS = "SELECT value, name FROM registered_model_tags WHERE key = ?"
MODELS = "SELECT name FROM registered_model_tags WHERE key = ? ORDER BY name"
VERSIONS = """
SELECT version, creation_time FROM model_versions
WHERE name = ? AND current_stage IS NOT 'Deleted_Internal' ORDER BY version
"""
VERSION_TAGS = "SELECT version, key, value FROM model_version_tags WHERE name = ?"
ALIASES = "SELECT alias, version FROM registered_model_aliases WHERE name = ? ORDER BY alias"
RUNS = """
SELECT r.run_uuid, r.status, r.start_time, r.end_time, t.key, t.value
FROM experiments e JOIN runs r USING (experiment_id) JOIN tags t USING (run_uuid)
WHERE e.name = ? AND r.lifecycle_stage = 'active'
"""


class SnapshotCatalog:
    """``plan.catalog.Catalog`` over the embedded registry at ``database``; a missing file is an empty one.

    Every call reads anew. Raises ``SetupError`` SR711 when the file is no MLflow database.
    """

    closed = True

    def __init__(self, database: Path) -> None:
        self._database = database

    def model(self, name: ModelName) -> ModelSpec | None:
        """The model of that name."""
        registered = registry_name(name)
        return model_of(registered, dict(self._rows(MODEL_TAGS, registered)))

    def models(self) -> tuple[str, ...]:
        """Full names of all models."""
        found = (self.model(ModelName.parse(name)) for (name,) in self._rows(MODELS, SPEC))
        return tuple(spec.name.full for spec in found if spec)

    def checkpoint(self, model: ModelName, name: str) -> Checkpoint | None:
        """The newest version that bears the checkpoint name."""
        named = [c for c in self.checkpoints(model) if c.name.casefold() == name.casefold()]
        return named[-1] if named else None

    def checkpoints(self, model: ModelName) -> tuple[Checkpoint, ...]:
        """All checkpoints of a model, oldest first."""
        tags: dict[int, dict[str, str]] = defaultdict(dict)
        for version, key, value in self._rows(VERSION_TAGS, registry_name(model)):
            tags[version][key] = value
        return first_of_each_key(
            checkpoint_of(model, version, created, tags[version])
            for version, created in self._rows(VERSIONS, registry_name(model))
            if KEY in tags[version]
        )

    def service(self, name: str) -> Checkpoint | None:
        """The checkpoint a service serves now."""
        current = self._latest().get(name.casefold())
        if current is None:
            return None
        served = dict(self._rows(ALIASES, registry_name(current.model))).get(alias(name))
        return next((c for c in self.checkpoints(current.model) if c.version == served), None)

    def others(self, service: str) -> tuple[Checkpoint, ...]:
        """The checkpoints of the models after the first that a service serves now."""
        current = self._latest().get(service.casefold())
        pins = [(pin.model, pin.version) for pin in current.others] if current else []
        found = {(c.model, c.version): c for model, _ in pins for c in self.checkpoints(model)}
        return tuple(found[pin] for pin in pins if pin in found)

    def services(self) -> tuple[str, ...]:
        """Names of all services."""
        return tuple(sorted(deployment.service for deployment in self._latest().values()))

    def aliases(self, model: ModelName) -> Mapping[str, Checkpoint]:
        """Checkpoints of a model by the aliases that ALTER MODEL … SET ALIAS gave."""
        known = {c.version: c for c in self.checkpoints(model)}
        rows = self._rows(ALIASES, registry_name(model))
        return {a: known[v] for a, v in rows if v in known and not a.startswith(ALIAS_PREFIX)}

    def function(self, name: str) -> FunctionSpec | None:
        """The SQL function of that name."""
        return next((f for f in self._functions() if f.name.casefold() == name.casefold()), None)

    def functions(self) -> tuple[str, ...]:
        """Names of all SQL functions."""
        return tuple(function.name for function in self._functions())

    def api(self, name: str) -> ApiSpec | None:
        """The API of that name."""
        return next((a for a in self._apis() if a.name.casefold() == name.casefold()), None)

    def apis(self) -> tuple[str, ...]:
        """Names of all APIs."""
        return tuple(api.name for api in self._apis())

    def _functions(self) -> list[FunctionSpec]:
        return [spec for spec in self._definitions() if isinstance(spec, FunctionSpec)]

    def _apis(self) -> list[ApiSpec]:
        return [spec for spec in self._definitions() if isinstance(spec, ApiSpec)]

    def _definitions(self) -> list[FunctionSpec | ApiSpec]:
        runs = self._runs(DEFINITIONS)
        found = (
            definition_of(run, facts[1], tags) for run, (facts, tags) in runs.items() if is_definition(tags)
        )
        return [definition.spec for definition in in_force(found)]

    def _latest(self) -> dict[str, Deployment]:
        runs = {run: entry for run, entry in self._runs(SERVICES).items() if SERVICE_ID in entry[1]}
        names = self._names(tags for _, tags in runs.values())
        return latest(deployment_of(run, *facts, tags, names) for run, (facts, tags) in runs.items())

    def _names(self, deployments: Iterable[Mapping[str, str]]) -> dict[str, ModelName]:
        """The names of models that were renamed since they were deployed, by identity."""
        then = {uid: name for tags in deployments for uid, name in deployed_names(tags).items()}
        now = {uid: name for uid, name in self._rows(UIDS, UID) if then.get(uid, name) != name}
        specs = {uid: self.model(ModelName.parse(name)) for uid, name in now.items()}
        return {uid: spec.name for uid, spec in specs.items() if spec}

    def _runs(self, experiment: str) -> dict[str, tuple[tuple[str, float, float | None], dict[str, str]]]:
        """Status, start, end and tags of the runs of an experiment, by their ids."""
        found: dict[str, tuple[tuple[str, float, float | None], dict[str, str]]] = {}
        for run, status, start, end, key, value in self._rows(RUNS, experiment):
            found.setdefault(run, ((status, start, end), {}))[1][key] = value
        return found

    def _rows(self, query: str, *values: str) -> list[Any]:
        if not is_present(self._database):
            return []
        with self._open() as connection:
            return connection.execute(query, values).fetchall()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        uri = f"{self._database.absolute().as_uri()}?mode=ro"
        try:
            with closing(sqlite3.connect(uri, uri=True)) as connection:
                yield connection
        except sqlite3.Error as error:
            raise broken(self._database, str(error)) from error
