"""References to secrets: where they stand in what is written down, and the variables that hold their values.

``secret:NAME`` is a reference when it is the whole of a text. A program that is given references (a job or a
server in a cluster) finds each value in the variable ``SQLREC_SECRET_NAME`` of its own environment.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar, cast

from sqlrec.errors import NameNotFoundError
from sqlrec.spec.model import ModelSpec

Lookup = Callable[[str], str | None]
PREFIX = "secret:"
"""What a reference begins with, as plan and registry hold it."""
REFERENCE = re.compile(PREFIX + r"([A-Za-z_][\w.-]*)")

T = TypeVar("T")


def named(value: object) -> str:
    """Name of the secret that a value refers to, or an empty string."""
    found = REFERENCE.fullmatch(value) if isinstance(value, str) else None
    return found[1] if found else ""


def reference(name: str) -> str:
    """The reference to a secret."""
    return f"{PREFIX}{name}"


def variable(name: str) -> str:
    """Name of a secret's environment variable."""
    return "SQLREC_SECRET_" + re.sub(r"\W", "_", name).upper()


def no_secret(name: str) -> None:
    """The lookup that knows none."""


def given_by(environ: Mapping[str, str]) -> Lookup:
    """The lookup of a program in a pod: over the variables of its environment alone."""
    return lambda name: environ.get(variable(name))


def references(value: object) -> tuple[str, ...]:
    """Names of all secrets that a value made of dataclasses, mappings and tuples refers to, sorted.

    Definitions of models are left out: what of them is in force stands among the options beside them.
    """
    return tuple(sorted(set(_references(value))))


def _references(value: object) -> Iterator[str]:
    if name := named(value):
        yield name
    for part in _parts(value):
        yield from _references(part)


def _parts(value: object) -> Iterator[object]:
    match value:
        case ModelSpec():
            return
        case Mapping():
            yield from value.values()
        case list() | tuple():
            yield from value
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            yield from (getattr(value, field.name) for field in dataclasses.fields(value))


def resolved(value: T, lookup: Lookup) -> T:
    """The value with every reference replaced; definitions of models, which are stored, keep theirs.

    Raises ``NameNotFoundError`` SR320 for a secret that ``lookup`` does not know.
    """
    return cast(T, _resolved(value, lookup)) if references(value) else value


def _resolved(value: object, lookup: Lookup) -> object:
    if name := named(value):
        return _found(name, lookup)
    match value:
        case ModelSpec():
            return value
        case Mapping():
            return {key: _resolved(item, lookup) for key, item in value.items()}
        case list() | tuple():
            return type(value)(_resolved(item, lookup) for item in value)
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = (field.name for field in dataclasses.fields(value) if field.init)
            changed = {name: resolved(getattr(value, name), lookup) for name in fields}
            return dataclasses.replace(cast(Any, value), **changed)
        case _:
            return value


def _found(name: str, lookup: Lookup) -> str:
    value = lookup(name)
    if value is None:
        raise NameNotFoundError(
            "SR320",
            f"secret {name!r} is not set",
            hint=f"set the environment variable {variable(name)}, or put {name}=… into secrets.env",
        )
    return value
