"""Definitions of models, on registered models of MLflow."""

from __future__ import annotations

from collections.abc import Collection

from sqlrec.errors import NameNotFoundError, StateError
from sqlrec.registry.client import Exists, Missing
from sqlrec.registry.store import Store
from sqlrec.registry.tags import (
    ALIAS_PREFIX,
    SPEC,
    alias,
    experiment_name,
    registry_name,
    spec_of,
    spec_tags,
)
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName

SHOWN_DDL = 4500


class Models:
    """Reads and writes definitions."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def tags(self, name: ModelName) -> dict[str, str]:
        """Tags of the registered model; empty when there is none."""
        try:
            return dict(self._store.client.get_registered_model(registry_name(name)).tags)
        except Missing:
            return {}

    def get(self, name: ModelName) -> ModelSpec | None:
        """The current definition."""
        return spec_of(self.tags(name))

    def all(self) -> tuple[ModelSpec, ...]:
        """Current definitions of all models, by name."""
        found = (spec_of(dict(m.tags)) for m in self._store.pages("search_registered_models"))
        return tuple(sorted((spec for spec in found if spec), key=lambda spec: spec.name))

    def put(self, model: ModelSpec, *, replace: bool, if_not_exists: bool, in_use: bool) -> bool:
        """See ``ModelRegistry.put_model``; ``in_use`` tells whether the model has checkpoints."""
        name = registry_name(model.name)
        spec_id, tags = spec_tags(model)
        shown = _shown(model)
        try:
            self._store.client.create_registered_model(
                name, tags={**tags, **shown, SPEC: spec_id}, description=model.comment or None
            )
        except Exists:
            stored = self.get(model.name)
        else:
            return True
        if stored is None:
            raise StateError(
                "SR201",
                f"MLflow has a registered model {name} that is not of sqlrec's making",
                hint="use another name, or rename that model in MLflow",
            )
        if not _differs(model, stored, replace=replace, if_not_exists=if_not_exists, in_use=in_use):
            return False
        for key, value in {**tags, **shown, SPEC: spec_id}.items():
            self._store.client.set_registered_model_tag(name, key, value)
        self._store.client.update_registered_model(name, model.comment)
        return True

    def drop(self, name: ModelName, services: Collection[str], *, if_exists: bool) -> bool:
        """See ``ModelRegistry.drop_model``; ``services`` are the names of those deployed."""
        try:
            found = self._store.client.get_registered_model(registry_name(name))
        except Missing:
            found = None
        if found is None:
            if if_exists:
                return False
            raise NameNotFoundError("SR204", f"model {name} does not exist")
        users = _users(found.aliases, services)
        if users:
            raise StateError(
                "SR203",
                f"model {name} is used by {len(users)} service(s): {', '.join(users)}",
                hint=f"DROP SERVICE {users[0]} first",
            )
        self._store.client.delete_registered_model(registry_name(name))
        self._forget_files(name)
        return True

    def _forget_files(self, name: ModelName) -> None:
        """Remove the checkpoints' files and the runs; what a kill leaves behind is in nobody's way."""
        experiment = self._store.find_experiment(experiment_name(name))
        if not experiment:
            return
        for logged in self._store.pages("search_logged_models", experiment_ids=[experiment]):
            self._store.client.delete_logged_model(logged.model_id)
            self._store.delete_files(logged.artifact_location)
        for run in self._store.pages("search_runs", experiment_ids=[experiment]):
            self._store.client.delete_run(run.info.run_id)


def _shown(model: ModelSpec) -> dict[str, str]:
    """Tags for people who look at MLflow."""
    return {
        "sqlrec.type": model.type,
        "sqlrec.digest": model.digest,
        "sqlrec.ddl": model.ddl[:SHOWN_DDL],
    }


def _signature(model: ModelSpec) -> object:
    """What checkpoints and services depend on: type, columns, labels, outputs."""
    columns = [(f.name.casefold(), f.type) for f in model.columns]
    outputs = [(f.name.casefold(), f.type) for f in model.outputs]
    return model.type.casefold(), columns, [label.casefold() for label in model.labels], outputs


def _differs(
    model: ModelSpec, stored: ModelSpec, *, replace: bool, if_not_exists: bool, in_use: bool
) -> bool:
    """Whether ``model`` has to be written over ``stored``; raises when it must not be."""
    if model == stored or if_not_exists or (not replace and model.digest == stored.digest):
        return False
    if not replace:
        raise StateError(
            "SR201",
            f"model {model.name} exists with another definition",
            hint="write CREATE OR REPLACE MODEL, or use another name",
        )
    if in_use and _signature(model) != _signature(stored):
        raise StateError(
            "SR202",
            f"model {model.name} has checkpoints, which were made with other columns or another type",
            hint=f"DROP MODEL {model.name} first, or use another name",
        )
    return True


def _users(aliases: Collection[str], services: Collection[str]) -> list[str]:
    """Names of the services whose alias is among ``aliases``; of an unknown one the alias itself."""
    names = {alias(service): service for service in services}
    return sorted(names.get(a, a) for a in aliases if a.startswith(ALIAS_PREFIX))
