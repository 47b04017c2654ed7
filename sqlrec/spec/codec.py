"""Dataclass ↔ JSON, versioned and strict.

A value is written by its fields and, under ``"$type"``, its class name, which tells the alternatives of
a union apart (no field can be called so). Column types and model names are written as their text.
Reading refuses unknown fields, missing fields and wrong types, naming the path to the place, so that a
file of another version fails loudly instead of half working.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import types
import typing
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, TypeVar, Union, cast

from sqlrec.errors import DataError
from sqlrec.spec.names import ModelName
from sqlrec.spec.schema import DataType

VERSION = 1
TAG = "$type"

T = TypeVar("T")


class CodecError(DataError):
    """SR490: JSON that does not describe the expected type."""

    def __init__(self, message: str) -> None:
        super().__init__(
            "SR490", message, hint="the file was damaged or written by another version of sqlrec"
        )


_TO_TEXT: dict[type, Callable[[Any], str]] = {DataType: str, ModelName: lambda name: name.full}
_FROM_TEXT: dict[type, Callable[[str], object]] = {
    DataType: functools.cache(DataType.parse),
    ModelName: ModelName.parse,
}


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
    if type(value) in _TO_TEXT:
        return _TO_TEXT[type(value)](value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        data: dict[str, object] = {TAG: type(value).__name__}
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
        return _text(cls, data, path) if cls in _FROM_TEXT else _dataclass(cls, data, path)
    if isinstance(cls, type) and issubclass(cls, Enum):
        return _made(cls, cls, data, path)
    return _scalar(cls, data, path)


def _expect(holds: bool, what: str, data: object, path: str) -> None:
    if not holds:
        raise CodecError(f"{path}: expected {what}, found {type(data).__name__}")


def _made(cls: type, make: Callable[[Any], object], data: object, path: str) -> object:
    try:
        return make(data)
    except ValueError:
        raise CodecError(f"{path}: {data!r} is no {cls.__name__}") from None


def _text(cls: type, data: object, path: str) -> object:
    _expect(isinstance(data, str), f"the text of a {cls.__name__}", data, path)
    return _made(cls, _FROM_TEXT[cls], data, path)


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
    if isinstance(data, dict) and TAG in data:
        for cls in alternatives:
            if getattr(cls, "__name__", "") == data[TAG]:
                return decode(cls, data, path)
    for cls in alternatives:
        if dataclasses.is_dataclass(cls) and cls not in _FROM_TEXT:
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
    name = given.pop(TAG, cls.__name__)
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
