"""MLflow's client with our errors, and patience where two writers meet.

A missing or an existing object gets a name of its own (:class:`Missing`, :class:`Exists`) for the code
above to handle; anything else becomes an error for the user. MLflow lets a unique key be hit by two
writers of the same tag, or SQLite be locked for long: the transaction was rolled back, so the call is
made again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from sqlrec.errors import SetupError
from sqlrec.registry.sqlite import PREFIX

FAILURES = (MlflowException, SQLAlchemyError, OSError)
WAITS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
CLASHES = ("UNIQUE constraint", "IntegrityError", "UniqueViolation", "database is locked")

Connect = Callable[[str], Any]


class Missing(Exception):
    """MLflow knows no such object."""


class Exists(Exception):
    """MLflow has an object of that name."""


def client_of(uri: str) -> Any:
    """MLflow's client for tracking and registry at one URI, whatever the process has set as default."""
    return MlflowClient(uri, uri)


class Client:
    """Calls of an ``MlflowClient`` by its method names."""

    def __init__(self, inner: Any, place: str) -> None:
        """``place`` is the tracking URI, for messages."""
        self._inner = inner
        self._place = place

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self._call, name)

    def _call(self, name: str, *args: object, **kwargs: object) -> Any:
        waits = iter(WAITS)
        while True:
            try:
                return getattr(self._inner, name)(*args, **kwargs)
            except FAILURES as error:
                told = translated(self._place, name, error)
                wait = next(waits, None) if _is_clash(error, told) else None
                if wait is None:
                    raise told from error
                time.sleep(random.uniform(0, wait))


def _is_clash(error: Exception, told: Exception) -> bool:
    return isinstance(told, SetupError) and any(sign in str(error) for sign in CLASHES)


def translated(place: str, call: str, error: Exception) -> Exception:
    """What a failure of MLflow at ``place`` means."""
    code = getattr(error, "error_code", "")
    if code == "RESOURCE_DOES_NOT_EXIST":
        return Missing(str(error))
    if code == "RESOURCE_ALREADY_EXISTS":
        return Exists(str(error))
    reason = str(error).strip().partition("\n")[0]
    hint = "check the tracking server and its log"
    if place.startswith(PREFIX):
        hint = "check that the disk has space and the file can be written"
    if "out-of-date database schema" in reason:
        hint = f"another version of MLflow wrote it: back it up, then run 'mlflow db upgrade {place}'"
    if isinstance(error, OSError) and error.filename:
        return SetupError("SR703", f"cannot write {error.filename}: {error.strerror}", hint=hint)
    return SetupError("SR711", f"the registry at {place} failed in {call}: {reason}", hint=hint)
