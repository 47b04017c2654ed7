"""Definitions of models, on registered models of MLflow."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from sqlrec.errors import StateError
from sqlrec.registry.absent import in_use, no_model
from sqlrec.registry.client import Exists, Missing
from sqlrec.registry.experiments import Experiments
from sqlrec.registry.store import Store
from sqlrec.registry.tags import (
    FORMER,
    SPEC,
    UID,
    model_of,
    registry_name,
    spec_tags,
    uid_of,
    users_of,
)
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName

SHOWN_DDL = 4500


class Models:
    """Reads and writes definitions."""

    def __init__(self, store: Store, experiments: Experiments) -> None:
        self._store = store
        self._experiments = experiments

    def tags(self, name: ModelName) -> dict[str, str]:
        """Tags of the registered model; empty when there is none."""
        try:
            return dict(self._store.client.get_registered_model(registry_name(name)).tags)
        except Missing:
            return {}

    def get(self, name: ModelName) -> ModelSpec | None:
        """The current definition."""
        return model_of(registry_name(name), self.tags(name))

    def definition(self, name: ModelName, spec_id: str) -> ModelSpec | None:
        """The definition with an identity."""
        return model_of(registry_name(name), self.tags(name), spec_id)

    def all(self) -> tuple[ModelSpec, ...]:
        """Current definitions of all models, by name."""
        found = (model_of(m.name, dict(m.tags)) for m in self._store.pages("search_registered_models"))
        return tuple(sorted((spec for spec in found if spec), key=lambda spec: spec.name))

    def names(self, uids: Iterable[str]) -> dict[str, ModelName]:
        """The names that models have now, by their identities."""
        names: dict[str, ModelName] = {}
        for uid in uids:
            query = f"tags.`{UID}` = '{uid}'"
            for model in self._store.pages("search_registered_models", filter_string=query):
                if spec := model_of(model.name, dict(model.tags)):
                    names[uid] = spec.name
        return names

    def put(self, model: ModelSpec, *, replace: bool, if_not_exists: bool, in_use: bool) -> bool:
        """See ``ModelRegistry.put_model``; ``in_use`` tells whether the model has checkpoints."""
        name = registry_name(model.name)
        spec_id, tags = spec_tags(model)
        shown = _shown(model)
        try:
            self._store.client.create_registered_model(
                name,
                tags={**tags, **shown, SPEC: spec_id, UID: secrets.token_hex(8)},
                description=model.comment or None,
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

    def rename(self, name: ModelName, new: ModelName) -> None:
        """See ``ModelRegistry.rename_model``.

        MLflow renames with all versions and aliases in one transaction; a try that was cut short after it is
        known by the name that the model had.
        """
        if self.get(name) is None:
            if self.tags(new).get(FORMER) != name.key:
                raise no_model(name)
        elif name != new:
            self._move(name, new)
        tags = self.tags(new)
        if spec := model_of(registry_name(new), tags):
            spec_id, pieces = spec_tags(replace(spec, name=new))
            self._set_tags(new, {**pieces, SPEC: spec_id})
            self._experiments.rename(uid_of(tags, new.key), new)

    def _move(self, name: ModelName, new: ModelName) -> None:
        self._set_tags(name, {UID: uid_of(self.tags(name), name.key), FORMER: name.key})
        try:
            self._store.client.rename_registered_model(registry_name(name), registry_name(new))
        except Exists:
            hint = f"use another name, or DROP MODEL {new} first"
            raise StateError("SR201", f"model {new} exists already", hint=hint) from None

    def _set_tags(self, name: ModelName, tags: Mapping[str, str]) -> None:
        for key, value in tags.items():
            self._store.client.set_registered_model_tag(registry_name(name), key, value)

    def drop(self, name: ModelName, services: Collection[str], *, if_exists: bool) -> bool:
        """See ``ModelRegistry.drop_model``; ``services`` are the names of those deployed."""
        try:
            found = self._store.client.get_registered_model(registry_name(name))
        except Missing:
            if if_exists:
                return False
            raise no_model(name) from None
        if users := users_of(found.aliases, services):
            raise in_use(f"model {name}", users)
        uid = uid_of(found.tags, name.key)
        self._store.client.delete_registered_model(registry_name(name))
        self._experiments.remove(uid)
        return True


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
