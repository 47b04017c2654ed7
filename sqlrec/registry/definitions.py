"""SQL functions and APIs, as runs of one experiment: MLflow has no object of that kind.

A run is one definition, complete from its first moment. The one in force is that of the highest revision;
of two that were made at once under one revision, the first. Those replaced are deleted afterwards, so that
a kill at any moment leaves either the old definition in force or the new one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from sqlrec.errors import NameNotFoundError, StateError, suggest
from sqlrec.registry.client import Missing
from sqlrec.registry.store import Store
from sqlrec.registry.tags import (
    DEFINITIONS,
    WORD,
    Definition,
    definition_of,
    definition_tags,
    in_force,
    is_definition,
)
from sqlrec.spec.function import ApiSpec, FunctionSpec

FOLDER = "_definitions"
Spec = TypeVar("Spec", FunctionSpec, ApiSpec)


class Definitions:
    """Reads and writes functions and APIs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def functions(self) -> tuple[FunctionSpec, ...]:
        """Functions in force, by name."""
        return _specs(self._all(), FunctionSpec)

    def apis(self) -> tuple[ApiSpec, ...]:
        """APIs in force, by name."""
        return _specs(self._all(), ApiSpec)

    def put(self, spec: FunctionSpec | ApiSpec, *, replace: bool) -> bool:
        """See ``ModelRegistry.put_function`` and ``put_api``."""
        with self._store.exclusive():
            while True:
                known = self._named(type(spec), spec.name)
                current = in_force(known)
                if current and current[0].spec == spec:
                    self._remove(d for d in known if d is not current[0])
                    return False
                if current and not replace:
                    raise _exists(spec)
                revision = current[0].revision + 1 if current else 1
                if self._append(spec, revision):
                    self._remove(known)
                    return True

    def _append(self, spec: FunctionSpec | ApiSpec, revision: int) -> bool:
        """Add a definition; False when somebody else had the revision first."""
        client, tags = self._store.client, definition_tags(spec, revision)
        run = client.create_run(
            self._store.experiment(DEFINITIONS, FOLDER), run_name=f"{tags[WORD]} {spec.name}", tags=tags
        )
        client.set_terminated(run.info.run_id, "FINISHED")
        first = in_force(d for d in self._named(type(spec), spec.name) if d.revision == revision)
        if first and first[0].id == run.info.run_id:
            return True
        client.delete_run(run.info.run_id)
        return False

    def drop_function(self, name: str, *, if_exists: bool) -> bool:
        """See ``ModelRegistry.drop_function``."""
        with self._store.exclusive():
            users = [api.name for api in self.apis() if api.function.casefold() == name.casefold()]
            if users and self._named(FunctionSpec, name):
                raise StateError(
                    "SR203",
                    f"sql function {name} is used by api: {', '.join(users)}",
                    hint=f"DROP API {users[0]} first",
                )
            return self._drop(FunctionSpec, name, "SR240", if_exists=if_exists)

    def drop_api(self, name: str, *, if_exists: bool) -> bool:
        """See ``ModelRegistry.drop_api``."""
        with self._store.exclusive():
            return self._drop(ApiSpec, name, "SR241", if_exists=if_exists)

    def _drop(self, of: type, name: str, code: str, *, if_exists: bool) -> bool:
        found = self._named(of, name)
        if not found and not if_exists:
            known = [spec.name for spec in _specs(self._all(), of)]
            word = "API" if of is ApiSpec else "SQL function"
            hint = suggest(name, known) or f"{word}s: {', '.join(known) or 'none'}"
            raise NameNotFoundError(code, f"{word} {name} does not exist", hint=hint)
        self._remove(found)
        return bool(found)

    def _remove(self, definitions: Iterable[Definition]) -> None:
        """Delete runs, the oldest first: what is in force goes last."""
        for definition in sorted(definitions, key=lambda d: (d.revision, -d.created_at, d.id)):
            try:
                self._store.client.delete_run(definition.id)
            except Missing:
                continue

    def _named(self, of: type, name: str) -> list[Definition]:
        return [
            d for d in self._all() if isinstance(d.spec, of) and d.spec.name.casefold() == name.casefold()
        ]

    def _all(self) -> list[Definition]:
        experiment = self._store.find_experiment(DEFINITIONS)
        if not experiment:
            return []
        runs = self._store.pages("search_runs", experiment_ids=[experiment])
        return [
            definition_of(run.info.run_id, run.info.start_time, run.data.tags)
            for run in runs
            if is_definition(run.data.tags)
        ]


def _specs(definitions: Iterable[Definition], of: type[Spec]) -> tuple[Spec, ...]:
    return tuple(d.spec for d in in_force(definitions) if isinstance(d.spec, of))


def _exists(spec: FunctionSpec | ApiSpec) -> StateError:
    word = "API" if isinstance(spec, ApiSpec) else "SQL FUNCTION"
    return StateError(
        "SR201",
        f"{word.replace('FUNCTION', 'function')} {spec.name} exists with another definition",
        hint=f"write CREATE OR REPLACE {word}, or use another name",
    )
