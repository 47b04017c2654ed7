"""What the planner may ask about the world.

The DAG processor compiles against :class:`OpenCatalog`, which knows nothing and forbids nothing, so that
a DAG depends on its script alone; ``sqlrec plan`` and ``check`` compile against the registry's snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from sqlrec.spec.function import ApiSpec, FunctionSpec
from sqlrec.spec.model import Checkpoint, ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.schema import Schema
from sqlrec.spec.table import TableSource

ReadColumns = Callable[[TableSource], Schema | None]
"""Columns of a table that declares none, from its files; None when they are out of reach."""


def no_columns(table: TableSource) -> Schema | None:
    """No table's files are in reach, as when a DAG is compiled."""
    return None


class Catalog(Protocol):
    """Read-only view of what is registered."""

    @property
    def closed(self) -> bool:
        """Whether a name it does not know does not exist (False: it may exist all the same)."""

    def model(self, name: ModelName) -> ModelSpec | None:
        """The model of that name."""

    def models(self) -> tuple[str, ...]:
        """Full names of all models, for suggestions."""

    def checkpoint(self, model: ModelName, name: str) -> Checkpoint | None:
        """The newest version that bears the checkpoint name."""

    def checkpoints(self, model: ModelName) -> tuple[Checkpoint, ...]:
        """All checkpoints of a model, oldest first."""

    def service(self, name: str) -> Checkpoint | None:
        """The checkpoint a service serves now."""

    def others(self, service: str) -> tuple[Checkpoint, ...]:
        """The checkpoints of the models after the first that a service serves now."""

    def services(self) -> tuple[str, ...]:
        """Names of all services."""

    def aliases(self, model: ModelName) -> Mapping[str, Checkpoint]:
        """Checkpoints of a model by the aliases that ALTER MODEL … SET ALIAS gave."""

    def function(self, name: str) -> FunctionSpec | None:
        """The SQL function of that name."""

    def functions(self) -> tuple[str, ...]:
        """Names of all SQL functions."""

    def api(self, name: str) -> ApiSpec | None:
        """The API of that name."""

    def apis(self) -> tuple[str, ...]:
        """Names of all APIs."""


class OpenCatalog:
    """Knows nothing, forbids nothing."""

    closed = False

    def model(self, name: ModelName) -> ModelSpec | None:
        """Always None."""
        return None

    def models(self) -> tuple[str, ...]:
        """Always empty."""
        return ()

    def checkpoint(self, model: ModelName, name: str) -> Checkpoint | None:
        """Always None."""
        return None

    def checkpoints(self, model: ModelName) -> tuple[Checkpoint, ...]:
        """Always empty."""
        return ()

    def service(self, name: str) -> Checkpoint | None:
        """Always None."""
        return None

    def others(self, service: str) -> tuple[Checkpoint, ...]:
        """Always empty."""
        return ()

    def services(self) -> tuple[str, ...]:
        """Always empty."""
        return ()

    def aliases(self, model: ModelName) -> Mapping[str, Checkpoint]:
        """Always empty."""
        return {}

    def function(self, name: str) -> FunctionSpec | None:
        """Always None."""
        return None

    def functions(self) -> tuple[str, ...]:
        """Always empty."""
        return ()

    def api(self, name: str) -> ApiSpec | None:
        """Always None."""
        return None

    def apis(self) -> tuple[str, ...]:
        """Always empty."""
        return ()
