"""The registry read straight from MLflow's SQLite tables.

``sqlrec plan`` and ``check`` have 0.3 s to answer and importing MLflow costs more than one; the standard
library's ``sqlite3`` answers in milliseconds. Reads only, follows what :mod:`sqlrec.registry.tags` says,
and agrees with the MLflow registry (a test holds the two together).
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlrec.registry.registry import Deployment
from sqlrec.registry.sqlite import broken, is_present
from sqlrec.registry.tags import (
    KEY,
    SERVICE_ID,
    SERVICES,
    SPEC,
    alias,
    checkpoint_of,
    deployment_of,
    first_of_each_key,
    latest,
    registry_name,
    spec_of,
)
from sqlrec.spec.model import Checkpoint, ModelSpec
from sqlrec.spec.names import ModelName

MODEL_TAGS = "SELECT key, value FROM registered_model_tags WHERE name = ?"
MODELS = "SELECT name FROM registered_model_tags WHERE key = ? ORDER BY name"
VERSIONS = """
SELECT version, creation_time FROM model_versions
WHERE name = ? AND current_stage IS NOT 'Deleted_Internal' ORDER BY version
"""
VERSION_TAGS = "SELECT version, key, value FROM model_version_tags WHERE name = ?"
ALIAS = "SELECT version FROM registered_model_aliases WHERE name = ? AND alias = ?"
DEPLOYMENTS = """
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
        return spec_of(dict(self._rows(MODEL_TAGS, registry_name(name))))

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
        rows = self._rows(ALIAS, registry_name(current.model), alias(name))
        served = {version for (version,) in rows}
        return next((c for c in self.checkpoints(current.model) if c.version in served), None)

    def services(self) -> tuple[str, ...]:
        """Names of all services."""
        return tuple(sorted(deployment.service for deployment in self._latest().values()))

    def _latest(self) -> dict[str, Deployment]:
        facts: dict[str, tuple[str, float, float | None]] = {}
        tags: dict[str, dict[str, str]] = defaultdict(dict)
        for run, status, start, end, key, value in self._rows(DEPLOYMENTS, SERVICES):
            facts[run] = (status, start, end)
            tags[run][key] = value
        return latest(
            deployment_of(run, *facts[run], run_tags)
            for run, run_tags in tags.items()
            if SERVICE_ID in run_tags
        )

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
