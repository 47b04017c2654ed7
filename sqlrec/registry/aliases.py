"""Names that users give to versions, on aliases of MLflow: ``models:/m@prod`` is the checkpoint ``@prod``.

Aliases of services begin with a prefix of their own and are none of these.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlrec.errors import OptionError
from sqlrec.registry.absent import no_alias, no_version
from sqlrec.registry.client import Missing
from sqlrec.registry.store import Store
from sqlrec.registry.tags import ALIAS_PREFIX, registry_name
from sqlrec.spec.model import Checkpoint
from sqlrec.spec.names import ModelName, alias_problem


class Aliases:
    """Reads and writes aliases. They have no case: MLflow gets them in lower case."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def versions(self, model: ModelName) -> dict[str, int]:
        """Version numbers by alias; empty without such a model."""
        return {a: v for a, v in self._all(model).items() if not a.startswith(ALIAS_PREFIX)}

    def of_services(self, model: ModelName, versions: set[int]) -> list[str]:
        """Aliases of the services that use one of the versions."""
        found = self._all(model).items()
        return [a for a, version in found if a.startswith(ALIAS_PREFIX) and version in versions]

    def _all(self, model: ModelName) -> dict[str, int]:
        try:
            found: Mapping[str, str] = self._store.client.get_registered_model(registry_name(model)).aliases
        except Missing:
            return {}
        return {name: int(version) for name, version in sorted(found.items())}

    def set(self, alias: str, checkpoint: Checkpoint) -> None:
        """See ``ModelRegistry.set_alias``."""
        check_alias(alias)
        model = registry_name(checkpoint.model)
        try:
            self._store.client.set_registered_model_alias(model, alias.casefold(), str(checkpoint.version))
        except Missing:
            raise no_version(checkpoint) from None

    def drop(self, model: ModelName, alias: str, *, if_exists: bool) -> bool:
        """See ``ModelRegistry.drop_alias``."""
        known = self.versions(model)
        if alias.casefold() not in known:
            if if_exists:
                return False
            raise no_alias(model, alias, known)
        try:
            self._store.client.delete_registered_model_alias(registry_name(model), alias.casefold())
        except Missing:
            return False
        return True


def check_alias(alias: str) -> None:
    """Raise ``OptionError`` SR211 when a text can be no alias."""
    if problem := alias_problem(alias):
        raise OptionError("SR211", f"{alias!r} cannot name an alias", hint=problem)
