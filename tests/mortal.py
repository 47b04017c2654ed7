"""A registry's client that dies before a chosen write: what a kill leaves behind."""

from __future__ import annotations

from typing import Any

from mlflow import MlflowClient

from sqlrec.registry.client import client_of

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
