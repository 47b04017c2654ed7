"""A registry as the planner's catalog, where it cannot be read from SQLite directly."""

from __future__ import annotations

from collections.abc import Mapping

from sqlrec.registry.registry import ModelRegistry
from sqlrec.registry.tags import latest
from sqlrec.spec.function import ApiSpec, FunctionSpec
from sqlrec.spec.model import Checkpoint, ModelSpec
from sqlrec.spec.names import ModelName


class RegistryCatalog:
    """``plan.catalog.Catalog`` over a registry; every call asks it anew."""

    closed = True

    def __init__(self, registry: ModelRegistry) -> None:
        self._registry = registry

    def model(self, name: ModelName) -> ModelSpec | None:
        """The model of that name."""
        return self._registry.model(name)

    def models(self) -> tuple[str, ...]:
        """Full names of all models."""
        return tuple(spec.name.full for spec in self._registry.models())

    def checkpoint(self, model: ModelName, name: str) -> Checkpoint | None:
        """The newest version that bears the checkpoint name."""
        return self._registry.checkpoint(model, name)

    def checkpoints(self, model: ModelName) -> tuple[Checkpoint, ...]:
        """All checkpoints of a model, oldest first."""
        return self._registry.checkpoints(model)

    def service(self, name: str) -> Checkpoint | None:
        """The checkpoint a service serves now."""
        return self._registry.service(name)

    def others(self, service: str) -> tuple[Checkpoint, ...]:
        """The checkpoints of the models after the first that a service serves now."""
        current = latest(self._registry.history(service)).get(service.casefold())
        pins = current.others if current else ()
        found = (self._registry.version(pin.model, pin.version) for pin in pins)
        return tuple(checkpoint for checkpoint in found if checkpoint)

    def services(self) -> tuple[str, ...]:
        """Names of all services."""
        return self._registry.services()

    def aliases(self, model: ModelName) -> Mapping[str, Checkpoint]:
        """Checkpoints of a model by the aliases that ALTER MODEL … SET ALIAS gave."""
        return self._registry.aliases(model)

    def function(self, name: str) -> FunctionSpec | None:
        """The SQL function of that name."""
        folded = name.casefold()
        return next((f for f in self._registry.functions() if f.name.casefold() == folded), None)

    def functions(self) -> tuple[str, ...]:
        """Names of all SQL functions."""
        return tuple(function.name for function in self._registry.functions())

    def api(self, name: str) -> ApiSpec | None:
        """The API of that name."""
        return next((a for a in self._registry.apis() if a.name.casefold() == name.casefold()), None)

    def apis(self) -> tuple[str, ...]:
        """Names of all APIs."""
        return tuple(api.name for api in self._registry.apis())
