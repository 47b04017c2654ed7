"""The registry on MLflow: models are registered models, checkpoints versions, services aliases.

``sqlite:///…`` is the embedded registry, made on first use; any other tracking URI is MLflow's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlrec import __version__
from sqlrec.artifacts.cache import local_copy
from sqlrec.artifacts.store import Place
from sqlrec.errors import NameNotFoundError
from sqlrec.registry.absent import no_checkpoint, no_model
from sqlrec.registry.aliases import Aliases
from sqlrec.registry.checkpoints import Checkpoints, Registration
from sqlrec.registry.client import Connect, client_of
from sqlrec.registry.definitions import Definitions
from sqlrec.registry.deployments import Deployments
from sqlrec.registry.experiments import Experiments
from sqlrec.registry.models import Models
from sqlrec.registry.registry import DeployAction, Deployment
from sqlrec.registry.store import Store
from sqlrec.registry.tags import SPEC, uid_of, users_of
from sqlrec.spec.function import ApiSpec, FunctionSpec
from sqlrec.spec.job import JobResult
from sqlrec.spec.model import Checkpoint, CheckpointKind, ModelSpec
from sqlrec.spec.names import ModelName


class MlflowRegistry:
    """``ModelRegistry`` on MLflow. Errors are those of the protocol, and ``SetupError`` SR703, SR711."""

    def __init__(self, tracking_uri: str, artifact_root: str, *, connect: Connect = client_of) -> None:
        """Open the registry; files of checkpoints go below ``artifact_root``, a path or a URI.

        ``connect`` makes the MLflow client for a URI. Raises ``SetupError``: SR703 a place that cannot be
        written, SR711 a broken database, SR712 a server that is not there.
        """
        store = Store(tracking_uri, artifact_root, connect)
        self._store = store
        experiments = Experiments(store)
        self._models = Models(store, experiments)
        self._checkpoints = Checkpoints(store, experiments)
        self._aliases = Aliases(store)
        self._definitions = Definitions(store)
        self._deployments = Deployments(store, self._models)

    def model(self, name: ModelName) -> ModelSpec | None:
        """The model of that name."""
        return self._models.get(name)

    def models(self) -> tuple[ModelSpec, ...]:
        """All models, by name."""
        return self._models.all()

    def put_model(self, model: ModelSpec, *, replace: bool = False, if_not_exists: bool = False) -> bool:
        """Store a definition; see the protocol."""
        in_use = replace and bool(self.checkpoints(model.name))
        return self._models.put(model, replace=replace, if_not_exists=if_not_exists, in_use=in_use)

    def drop_model(self, name: ModelName, *, if_exists: bool = False) -> bool:
        """Remove a model, its checkpoints and their files; see the protocol."""
        return self._models.drop(name, self.services(), if_exists=if_exists)

    def rename_model(self, name: ModelName, new: ModelName) -> None:
        """Give a model another name; see the protocol."""
        with self._store.exclusive():
            self._models.rename(name, new)

    def drop_checkpoint(self, model: ModelName, name: str, *, if_exists: bool = False) -> bool:
        """Remove all versions that bear the name, with files and runs; see the protocol.

        Raises ``NameNotFoundError`` SR207 when there is none, unless ``if_exists``.
        """

        def users(versions: set[int]) -> list[str]:
            return users_of(self._aliases.of_services(model, versions), self.services())

        with self._store.exclusive():
            uid = uid_of(self._models.tags(model), model.key)
            dropped = self._checkpoints.drop(model, name, uid, users)
        if not dropped and not if_exists:
            raise no_checkpoint(model, name, (c.name for c in self.checkpoints(model)))
        return dropped

    def aliases(self, model: ModelName) -> dict[str, Checkpoint]:
        """Checkpoints by the aliases that :meth:`set_alias` gave."""
        versions = self._aliases.versions(model)
        known = {c.version: c for c in self.checkpoints(model)} if versions else {}
        return {alias: known[version] for alias, version in versions.items() if version in known}

    def set_alias(self, alias: str, checkpoint: Checkpoint) -> None:
        """Let the alias name the checkpoint; raises SR205 without it, SR211 for what can be no alias."""
        self._aliases.set(alias, checkpoint)

    def drop_alias(self, model: ModelName, alias: str, *, if_exists: bool = False) -> bool:
        """Take an alias back; see the protocol."""
        return self._aliases.drop(model, alias, if_exists=if_exists)

    def record_metrics(
        self, checkpoint: Checkpoint, metrics: Mapping[str, float], *, key: str, folder: Path | None = None
    ) -> None:
        """Add an evaluation to a checkpoint; see the protocol. Raises SR205 when the checkpoint is gone."""
        self._checkpoints.record(checkpoint, metrics, key, folder)

    def functions(self) -> tuple[FunctionSpec, ...]:
        """All SQL functions, by name."""
        return self._definitions.functions()

    def put_function(self, function: FunctionSpec, *, replace: bool = False) -> bool:
        """Store a function; see the protocol."""
        return self._definitions.put(function, replace=replace)

    def drop_function(self, name: str, *, if_exists: bool = False) -> bool:
        """Remove a function; see the protocol."""
        return self._definitions.drop_function(name, if_exists=if_exists)

    def apis(self) -> tuple[ApiSpec, ...]:
        """All APIs, by name."""
        return self._definitions.apis()

    def put_api(self, api: ApiSpec, *, replace: bool = False) -> bool:
        """Store an API; see the protocol."""
        return self._definitions.put(api, replace=replace)

    def drop_api(self, name: str, *, if_exists: bool = False) -> bool:
        """Remove an API; see the protocol."""
        return self._definitions.drop_api(name, if_exists=if_exists)

    def checkpoint(self, model: ModelName, name: str) -> Checkpoint | None:
        """The newest version that bears the name, in any spelling."""
        return self._checkpoints.named(model, name)

    def checkpoints(self, model: ModelName) -> tuple[Checkpoint, ...]:
        """All versions, oldest first."""
        return self._checkpoints.all(model)

    def version(self, model: ModelName, version: int) -> Checkpoint | None:
        """One version."""
        return self._checkpoints.version(model, version)

    def definition(self, checkpoint: Checkpoint) -> ModelSpec:
        """The model as it was defined when the checkpoint was registered; raises SR205."""
        spec_id = self._checkpoints.spec_id(checkpoint)
        found = self._models.definition(checkpoint.model, spec_id)
        if found is None:
            raise NameNotFoundError("SR205", f"the definition behind {checkpoint.name} is gone")
        return found

    def find(self, model: ModelName, key: str) -> Checkpoint | None:
        """The version registered under a key."""
        return self._checkpoints.find(model, key)

    def register(
        self,
        *,
        model: ModelName,
        name: str,
        kind: CheckpointKind,
        folder: Place,
        result: JobResult,
        key: str,
        parent: Checkpoint | None = None,
        statement: str = "",
        facts: Mapping[str, str] | None = None,
    ) -> Checkpoint:
        """Store the files of ``folder`` as a new version; see the protocol.

        Its ``plots`` folder and ``evaluation.json`` are shown on the MLflow run too. Raises ``DataError``
        SR510, SR754 when the files are not those of ``result``, ``NameNotFoundError`` SR205 without a model.
        """
        tags = self._models.tags(model)
        if not tags:
            raise no_model(model)
        wanted = Registration(
            model=model,
            name=name,
            kind=kind,
            folder=local_copy(folder),
            source=folder,
            result=result,
            key=key,
            parent=parent,
            statement=statement,
            facts={"sqlrec": __version__, **(facts or {})},
            spec_id=tags.get(SPEC, ""),
            uid=uid_of(tags, model.key),
        )
        return self._checkpoints.register(wanted)

    def service(self, name: str) -> Checkpoint | None:
        """The checkpoint a service serves, by its alias."""
        return self._deployments.served(name)

    def services(self) -> tuple[str, ...]:
        """Names of services that are deployed."""
        return self._deployments.services()

    def history(self, service: str) -> tuple[Deployment, ...]:
        """All deployments of a service, oldest first."""
        return self._deployments.history(service)

    def begin(
        self,
        *,
        service: str,
        action: DeployAction,
        checkpoint: Checkpoint,
        key: str,
        options: Mapping[str, str],
        reason: str = "",
        others: Sequence[Checkpoint] = (),
    ) -> Deployment:
        """Record the intent of a deployment; see the protocol."""
        return self._deployments.begin(
            service=service,
            action=action,
            checkpoint=checkpoint,
            key=key,
            options=options,
            reason=reason,
            others=others,
        )

    def finish(self, deployment: Deployment, *, url: str) -> Deployment:
        """Move the service's alias to the deployed version (or drop it) and close the entry."""
        return self._deployments.finish(deployment, url=url)

    def fail(self, deployment: Deployment, *, error: str) -> Deployment:
        """Close the entry as failed; the alias stays where it was."""
        return self._deployments.fail(deployment, error=error)
