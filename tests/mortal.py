"""Clients of a registry that die before a chosen write, or come too late to one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlflow import MlflowClient

from sqlrec.registry.client import client_of
from sqlrec.registry.mlflow import MlflowRegistry
from sqlrec.registry.registry import ModelRegistry

READS = ("get", "search", "list")


class Killed(BaseException):
    """The end of a process, as far as the registry can tell: nothing catches it, nothing runs after it."""


class Mortal:
    """A client that dies before its writing call number ``at``."""

    def __init__(self, inner: MlflowClient, at: int) -> None:
        self._inner = inner
        self._left = at
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if not name.startswith(READS):
            if self._left == 0:
                raise Killed(name)
            self._left -= 1
            self.calls.append(name)
        return getattr(self._inner, name)


def connect(clients: list[Mortal], at: int) -> Any:
    def make(uri: str) -> Mortal:
        clients.append(Mortal(client_of(uri), at))
        return clients[-1]

    return make


class Overtaken:
    """A client before whose first new run something else happens."""

    def __init__(self, inner: Any, first: Callable[[], object]) -> None:
        self._inner = inner
        self._first: Callable[[], object] | None = first

    def __getattr__(self, name: str) -> Any:
        if name == "create_run" and self._first is not None:
            first, self._first = self._first, None
            first()
        return getattr(self._inner, name)


def two_machines(
    folder: Path, first: Callable[[ModelRegistry], object]
) -> tuple[ModelRegistry, ModelRegistry]:
    """Registries that share a database but no lock, as machines share a server."""
    place, files = f"sqlite+pysqlite:///{folder / 'mlflow.db'}", str(folder / "models")
    rival = MlflowRegistry(place, files)
    slow = MlflowRegistry(place, files, connect=lambda uri: Overtaken(client_of(uri), lambda: first(rival)))
    return slow, rival
