"""Dataclass ↔ JSON, versioned and strict.

A value is written by its fields; in a union each alternative is told apart by a ``"type"`` key holding
the class name. Reading refuses unknown fields, missing fields and wrong types, naming the path to the
place, so that a file of another version fails loudly instead of half working.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar, Union, cast

VERSION = 1

T = TypeVar("T")


class CodecError(ValueError):
    """JSON that does not describe the expected type."""


def dumps(value: object, *, indent: int | None = None) -> str:
    """Deterministic JSON text of a dataclass value, with the format's version."""
    return json.dumps({"version": VERSION, "value": encode(value)}, indent=indent, ensure_ascii=False)


def loads(cls: Any, text: str | bytes) -> Any:
    """The value of type ``cls`` (a dataclass or a union of them) from :func:`dumps` text."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise CodecError(f"not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise CodecError(f"format version is not {VERSION}")
    return decode(cls, document.get("value"))


def encode(value: object) -> object:
    """Plain JSON data of a value made of dataclasses, enums, tuples, mappings and scalars."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        data: dict[str, object] = {"type": type(value).__name__}
        for spec in dataclasses.fields(value):
            if spec.init:
                data[spec.name] = encode(getattr(value, spec.name))
        return data
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(k): encode(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [encode(v) for v in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"cannot encode {type(value).__name__}")


def decode(cls: Any, data: object, path: str = "$") -> Any:
    """The value of type ``cls`` that ``data`` (from :func:`encode`) describes."""
    origin = typing.get_origin(cls)
    if cls is Any or cls is object:
        return data
    if origin in (Union, types.UnionType):
        return _union(typing.get_args(cls), data, path)
    if origin is tuple:
        return _tuple(typing.get_args(cls), data, path)
    if origin is not None and issubclass(origin, Mapping):
        _, item = typing.get_args(cls)
        _expect(isinstance(data, dict), "an object", data, path)
        return {k: decode(item, v, f"{path}.{k}") for k, v in cast(dict[str, object], data).items()}
    if isinstance(cls, type) and dataclasses.is_dataclass(cls):
        return _dataclass(cls, data, path)
    if isinstance(cls, type) and issubclass(cls, Enum):
        try:
            return cls(data)
        except ValueError:
            raise CodecError(f"{path}: {data!r} is no {cls.__name__}") from None
    return _scalar(cls, data, path)


def _expect(holds: bool, what: str, data: object, path: str) -> None:
    if not holds:
        raise CodecError(f"{path}: expected {what}, found {type(data).__name__}")


def _scalar(cls: Any, data: object, path: str) -> object:
    if cls is type(None):
        _expect(data is None, "null", data, path)
        return data
    if cls is float and type(data) is int:
        return float(data)
    _expect(type(data) is cls, cls.__name__, data, path)
    return data


def _tuple(args: tuple[Any, ...], data: object, path: str) -> tuple[object, ...]:
    _expect(isinstance(data, list), "a list", data, path)
    return tuple(decode(args[0], v, f"{path}[{i}]") for i, v in enumerate(cast(list[object], data)))


def _union(alternatives: tuple[Any, ...], data: object, path: str) -> object:
    if isinstance(data, dict) and "type" in data:
        for cls in alternatives:
            if getattr(cls, "__name__", "") == data["type"]:
                return decode(cls, data, path)
    for cls in alternatives:
        if dataclasses.is_dataclass(cls):
            continue
        try:
            return decode(cls, data, path)
        except CodecError:
            continue
    names = ", ".join(getattr(a, "__name__", str(a)) for a in alternatives)
    raise CodecError(f"{path}: expected one of {names}")


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _dataclass(cls: type[T], data: object, path: str) -> T:
    _expect(isinstance(data, dict), cls.__name__, data, path)
    given = dict(cast(dict[str, object], data))
    name = given.pop("type", cls.__name__)
    if name != cls.__name__:
        raise CodecError(f"{path}: expected {cls.__name__}, found {name}")
    known = {f.name: f for f in dataclasses.fields(cast(Any, cls)) if f.init}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise CodecError(f"{path}: {cls.__name__} has no field {', '.join(unknown)}")
    hints = _hints(cast(Any, cls))
    values = {k: decode(hints[k], v, f"{path}.{k}") for k, v in given.items()}
    try:
        return cls(**values)
    except TypeError as error:
        raise CodecError(f"{path}: {error}") from None
