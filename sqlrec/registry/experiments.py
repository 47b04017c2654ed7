"""Experiments: where the runs and files of each model are.

An experiment belongs to the model whose identity it bears. Its name and its folder are for people: a model
that is renamed keeps its folder, and a new model of the old name gets another one.
"""

from __future__ import annotations

from typing import Any

from sqlrec.registry.client import Exists, Missing
from sqlrec.registry.store import TRAINING, Store, any_stage, local_path
from sqlrec.registry.tags import ATTEMPT, DISCARDED, UID, registry_name
from sqlrec.spec.names import ModelName

LABEL_LIMIT = 230


class Experiments:
    """Finds, makes, renames and removes the experiments of models, by the identities of the models."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, str] = {}

    def of(self, uid: str, name: ModelName) -> str:
        """Id of a model's experiment, made on first use."""
        if uid not in self._known:
            self._known[uid] = self.find(uid) or self._make(uid, name)
        return self._known[uid]

    def find(self, uid: str) -> str:
        """Id of a model's experiment, or an empty string; one that was deleted in MLflow is restored."""
        query = {"view_type": any_stage(), "filter_string": f"tags.`{UID}` = '{uid}'"}
        found = self._store.pages("search_experiments", **query)
        return next((self._store.active(experiment) for experiment in found), "")

    def _make(self, uid: str, name: ModelName) -> str:
        location = self._free_location(uid, name)
        for label in _labels(uid, name):
            try:
                tags = {**TRAINING, UID: uid}
                return str(self._store.client.create_experiment(label, artifact_location=location, tags=tags))
            except Exists:
                found = self._store.client.get_experiment_by_name(label)
            if UID not in found.tags:
                self._store.client.set_experiment_tag(found.experiment_id, UID, uid)
            if found.tags.get(UID, uid) == uid:
                break
        return self._store.active(found)

    def _free_location(self, uid: str, name: ModelName) -> str:
        """A folder that no experiment uses."""
        folder = f"{self._store.root}/{registry_name(name).replace('.', '/')}"
        taken = {local_path(e.artifact_location) for e in self._store.pages("search_experiments")}
        return f"{folder}-{uid}" if folder in taken else folder

    def rename(self, uid: str, name: ModelName) -> None:
        """Show a model's experiment under a new name of the model."""
        if not (experiment := self.find(uid)):
            return
        for label in _labels(uid, name):
            try:
                self._store.client.rename_experiment(experiment, label)
            except Exists:
                continue
            return

    def remove(self, uid: str) -> None:
        """Remove the files and runs of a model, and its experiment, whose name becomes free."""
        if not (experiment := self.find(uid)):
            return
        client = self._store.client
        for logged in self._store.pages("search_logged_models", experiment_ids=[experiment]):
            self.discard(logged)
        for run in self._store.pages("search_runs", experiment_ids=[experiment]):
            client.delete_run(run.info.run_id)
        client.rename_experiment(experiment, f"sqlrec/dropped {uid}")
        client.delete_experiment(experiment)
        self._known.pop(uid, None)

    def discard(self, logged: Any) -> None:
        """Remove a logged model with its files. Marked first: found until it is gone, and never used."""
        try:
            self._store.client.set_logged_model_tags(logged.model_id, {ATTEMPT: DISCARDED})
            self._store.delete_files(logged.artifact_location)
            self._store.client.delete_logged_model(logged.model_id)
        except Missing:
            return


def _labels(uid: str, name: ModelName) -> tuple[str, str]:
    label = f"sqlrec/{registry_name(name)}"[:LABEL_LIMIT]
    return label, f"{label} {uid}"
