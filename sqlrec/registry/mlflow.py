"""The registry on MLflow: models are registered models, checkpoints versions, services aliases.

``sqlite:///…`` is the embedded registry, made on first use; any other tracking URI is MLflow's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sqlrec.errors import NameNotFoundError
from sqlrec.registry.checkpoints import Checkpoints, Registration
from sqlrec.registry.client import Connect, client_of
from sqlrec.registry.deployments import Deployments
from sqlrec.registry.models import Models
from sqlrec.registry.registry import DeployAction, Deployment
from sqlrec.registry.store import Store
from sqlrec.registry.tags import SPEC, spec_of
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
        self._models = Models(store)
        self._checkpoints = Checkpoints(store)
        self._deployments = Deployments(store)

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
        found = spec_of(self._models.tags(checkpoint.model), spec_id)
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
        folder: Path,
        result: JobResult,
        key: str,
        parent: Checkpoint | None = None,
        statement: str = "",
    ) -> Checkpoint:
        """Store the files of ``folder`` as a new version; see the protocol.

        Its ``plots`` folder and ``evaluation.json`` are shown on the MLflow run too. Raises ``DataError``
        SR510 when the files are not those of ``result``, ``NameNotFoundError`` SR204 without a model.
        """
        wanted = Registration(
            model=model,
            name=name,
            kind=kind,
            folder=folder,
            result=result,
            key=key,
            parent=parent,
            statement=statement,
            spec_id=self._models.tags(model).get(SPEC, ""),
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
    ) -> Deployment:
        """Record the intent of a deployment; see the protocol."""
        return self._deployments.begin(
            service=service, action=action, checkpoint=checkpoint, key=key, options=options, reason=reason
        )

    def finish(self, deployment: Deployment, *, url: str) -> Deployment:
        """Move the service's alias to the deployed version (or drop it) and close the entry."""
        return self._deployments.finish(deployment, url=url)

    def fail(self, deployment: Deployment, *, error: str) -> Deployment:
        """Close the entry as failed; the alias stays where it was."""
        return self._deployments.fail(deployment, error=error)
