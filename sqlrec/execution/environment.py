"""What a step works with: settings, registry, runtimes, secrets.

Each part is built when it is first used, so that a task pays for the libraries it needs and no others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from sqlrec.errors import SetupError
from sqlrec.execution.secrets import secrets_of
from sqlrec.plan.catalog import Catalog
from sqlrec.registry.registry import ModelRegistry
from sqlrec.registry.snapshot import SnapshotCatalog
from sqlrec.registry.view import RegistryCatalog
from sqlrec.runtimes.runtime import JobRuntime, ServiceRuntime
from sqlrec.settings import RUNTIMES, Settings
from sqlrec.spec.secret import Lookup, no_secret, reference


def open_registry(settings: Settings) -> ModelRegistry:
    """The registry the settings name."""
    from sqlrec.registry.mlflow import MlflowRegistry

    return MlflowRegistry(settings.tracking_uri, settings.model_base_path)


def open_jobs(settings: Settings) -> JobRuntime:
    """The job runtime the settings name."""
    if _runs_in_cluster(settings):
        from sqlrec.runtimes.kubernetes.client import open_cluster
        from sqlrec.runtimes.kubernetes.jobs import KubernetesJobRuntime

        return KubernetesJobRuntime(open_cluster(settings.kubernetes), settings.kubernetes)
    from sqlrec.runtimes.local.jobs import LocalJobRuntime

    return LocalJobRuntime(settings.work_dir / "jobs")


def open_services(settings: Settings, secrets: Lookup = no_secret) -> ServiceRuntime:
    """The service runtime the settings name; ``secrets`` are for processes of this machine."""
    if _runs_in_cluster(settings):
        from sqlrec.runtimes.kubernetes.client import open_cluster
        from sqlrec.runtimes.kubernetes.services import KubernetesServiceRuntime

        return KubernetesServiceRuntime(open_cluster(settings.kubernetes), settings.kubernetes)
    from sqlrec.runtimes.local.services import LocalServiceRuntime

    return LocalServiceRuntime(settings.work_dir / "services", secrets=secrets)


def with_runtime(settings: Settings, runtime: str) -> Settings:
    """The settings for a script that names its runtime; an empty name leaves them as they are."""
    return replace(settings, runtime=runtime) if runtime else settings


def _runs_in_cluster(settings: Settings) -> bool:
    """Raises ``SetupError`` SR722 for a runtime that there is not."""
    if settings.runtime not in RUNTIMES:
        hint = f"runtimes: {', '.join(RUNTIMES)}"
        raise SetupError("SR722", f"unknown runtime {settings.runtime!r}", hint=hint)
    return settings.runtime == "kubernetes"


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Settings and the parts made from them; tests pass other makers."""

    settings: Settings
    make_registry: Callable[[Settings], ModelRegistry] = open_registry
    make_jobs: Callable[[Settings], JobRuntime] = open_jobs
    make_services: Callable[[Settings], ServiceRuntime] = open_services
    more_secrets: Lookup = no_secret

    @cached_property
    def registry(self) -> ModelRegistry:
        """Models, checkpoints, deployments."""
        return self.make_registry(self.settings)

    @cached_property
    def catalog(self) -> Catalog:
        """What is registered, to look at; the embedded registry is read without MLflow, in milliseconds."""
        if self.settings.embedded and self.make_registry is open_registry:
            return SnapshotCatalog(Path(self.settings.tracking_uri.removeprefix("sqlite:///")))
        return RegistryCatalog(self.registry)

    @cached_property
    def jobs(self) -> JobRuntime:
        """Where jobs run."""
        return self.make_jobs(self.settings)

    @cached_property
    def services(self) -> ServiceRuntime:
        """Where services run."""
        if self.make_services is open_services:
            return open_services(self.settings, self.secrets)
        return self.make_services(self.settings)

    @cached_property
    def secrets(self) -> Lookup:
        """Values of secrets by name, for what runs in this process."""
        return secrets_of(self.settings.work_dir, self.more_secrets)

    @cached_property
    def told_secrets(self) -> Lookup:
        """What jobs are told of secrets: values here, references in a cluster, as services everywhere."""
        return reference if _runs_in_cluster(self.settings) else self.secrets

    @property
    def runs(self) -> Path:
        """Folder of all runs."""
        return self.settings.work_dir / "runs"
