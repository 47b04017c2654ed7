"""The registry protocol: models, checkpoints, deployments. MLflow is its one implementation in use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from sqlrec.artifacts.store import Place
from sqlrec.spec.function import ApiSpec, FunctionSpec
from sqlrec.spec.job import JobResult
from sqlrec.spec.model import Checkpoint, CheckpointKind, ModelSpec
from sqlrec.spec.names import ModelName


class DeployAction(StrEnum):
    """What a deployment did. CANARY and ABORT leave what the service itself serves as it is."""

    DEPLOY = "deploy"
    ROLLBACK = "rollback"
    DROP = "drop"
    CANARY = "canary"
    PROMOTE = "promote"
    ABORT = "abort"

    @property
    def is_beside(self) -> bool:
        """Whether it is about a canary beside the service."""
        return self in (DeployAction.CANARY, DeployAction.ABORT)


class DeployState(StrEnum):
    """``intent`` is recorded first; it ends as ``finished`` or ``failed``."""

    INTENT = "intent"
    FINISHED = "finished"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """A checkpoint as a deployment pins it: one version of a model."""

    model: ModelName
    version: int
    checkpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One entry of a service's history, which is only ever added to.

    ``revision`` counts from 1; ``previous`` is the revision that was in force when this one began. Times
    are seconds since the epoch, ``finished_at`` 0 while it is open. ``others`` are the models of the service
    after its first.
    """

    service: str
    revision: int
    action: DeployAction
    state: DeployState
    model: ModelName
    version: int
    checkpoint: str
    key: str
    options: Mapping[str, str]
    previous: int | None = None
    url: str = ""
    error: str = ""
    reason: str = ""
    created_at: float = 0.0
    finished_at: float = 0.0
    others: tuple[Pinned, ...] = ()
    id: str = ""


class ModelRegistry(Protocol):
    """Read and write access. Every write is idempotent by ``key`` and safe under parallel writers."""

    def model(self, name: ModelName) -> ModelSpec | None:
        """The model of that name."""

    def models(self) -> tuple[ModelSpec, ...]:
        """All models."""

    def put_model(self, model: ModelSpec, *, replace: bool = False, if_not_exists: bool = False) -> bool:
        """Store a definition; True when something changed.

        The same definition again is no error (a retried task). Another definition under the same name
        is ``StateError`` SR201, unless ``if_not_exists`` (kept) or ``replace``; ``replace`` with another
        signature is refused (SR202) while the model has checkpoints.
        """

    def drop_model(self, name: ModelName, *, if_exists: bool = False) -> bool:
        """Remove a model and its checkpoints; refused (SR203) while services use it."""

    def rename_model(self, name: ModelName, new: ModelName) -> None:
        """Give a model, with its checkpoints, aliases and services, another name.

        Raises SR205 when it does not exist and SR201 when the new name is taken. Doing it again after it
        was done is no error.
        """

    def drop_checkpoint(self, model: ModelName, name: str, *, if_exists: bool = False) -> bool:
        """Remove all versions that bear the name, with their files and the aliases that name them.

        Refused (SR203) while services use one of them; SR207 when there is none.
        """

    def aliases(self, model: ModelName) -> Mapping[str, Checkpoint]:
        """Checkpoints by the aliases that :meth:`set_alias` gave; those of services are not among them."""

    def set_alias(self, alias: str, checkpoint: Checkpoint) -> None:
        """Let the alias name the checkpoint, whatever it named before. Case does not count.

        Raises SR205 when the checkpoint is gone, SR211 for a text that can be no alias.
        """

    def drop_alias(self, model: ModelName, alias: str, *, if_exists: bool = False) -> bool:
        """Take an alias back; SR207 when there is none of that name."""

    def record_metrics(
        self, checkpoint: Checkpoint, metrics: Mapping[str, float], *, key: str, folder: Path | None = None
    ) -> None:
        """Add metrics of an evaluation to a checkpoint; the same ``key`` again adds nothing.

        ``folder`` is the output of its job, where it can be reached: its ``plots`` and ``evaluation.json``
        are shown on the checkpoint's run, under ``evaluations``.
        """

    def functions(self) -> tuple[FunctionSpec, ...]:
        """All SQL functions, by name."""

    def put_function(self, function: FunctionSpec, *, replace: bool = False) -> bool:
        """Store a function; True when something changed; another one of the name is SR201."""

    def drop_function(self, name: str, *, if_exists: bool = False) -> bool:
        """Remove a function; SR240 when there is none, SR203 while an API uses it."""

    def apis(self) -> tuple[ApiSpec, ...]:
        """All APIs, by name."""

    def put_api(self, api: ApiSpec, *, replace: bool = False) -> bool:
        """Store an API; True when something changed; another one of the name is SR201."""

    def drop_api(self, name: str, *, if_exists: bool = False) -> bool:
        """Remove an API; SR241 when there is none."""

    def checkpoint(self, model: ModelName, name: str) -> Checkpoint | None:
        """The newest succeeded version that bears the name."""

    def checkpoints(self, model: ModelName) -> tuple[Checkpoint, ...]:
        """All versions, oldest first."""

    def version(self, model: ModelName, version: int) -> Checkpoint | None:
        """One version."""

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
        """Store the files of ``folder`` (a path or a URI) as a new version with the job's numbers and plots.

        ``facts`` say what it was made from and with, as :class:`Checkpoint` has them; the version of sqlrec
        is added. The same ``key`` again returns the version it made.
        """

    def definition(self, checkpoint: Checkpoint) -> ModelSpec:
        """The model as it was defined when the checkpoint was registered.

        Raises ``NameNotFoundError`` SR205 when there is no such checkpoint any more.
        """

    def find(self, model: ModelName, key: str) -> Checkpoint | None:
        """The version registered under a key."""

    def service(self, name: str) -> Checkpoint | None:
        """The checkpoint a service serves, by its alias."""

    def services(self) -> tuple[str, ...]:
        """Names of services that are deployed."""

    def history(self, service: str) -> tuple[Deployment, ...]:
        """All deployments of a service, oldest first."""

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
        """Record the intent of a deployment; the same key gives the same entry.

        A failed entry of the key is opened again (a retried task); one that was finished counts only while
        it is in force, and an entry for another version is another deployment.
        """

    def finish(self, deployment: Deployment, *, url: str) -> Deployment:
        """Move the service's aliases to the deployed versions (or drop them) and close the entry.

        The version of a canary gets an alias of its own, so that it cannot be dropped while it is used.
        """

    def fail(self, deployment: Deployment, *, error: str) -> Deployment:
        """Close the entry as failed; the alias stays where it was. A finished entry stays finished."""
