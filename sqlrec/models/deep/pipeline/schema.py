"""The message schema of ``pipeline.config``, and what is wrong with a message by it.

Our own table of facts (``schema.toml``) instead of TorchEasyRec's generated protobuf modules: those need the
whole package, with torch, and a script is checked where neither is installed.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files

from sqlrec.errors import suggest
from sqlrec.models.deep.pipeline.text import Field, Message, Name, Value

ROOT = "EasyRecConfig"
"""The message of a whole file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldType:
    """One field of a message: ``type`` is a scalar type, an enum or a message; of a ``group`` one is set."""

    name: str
    number: int
    type: str
    required: bool = False
    repeated: bool = False
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """Fields of messages and values of enums by name; ``closed`` messages exist and are not described."""

    messages: Mapping[str, Mapping[str, FieldType]]
    enums: Mapping[str, Mapping[str, int]]
    closed: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong at a line (0: at none) of a file, and what may be meant.

    ``is_lack``: a required field is missing, which TorchEasyRec tells by itself when it needs it.
    ``is_closed``: the field is one of TorchEasyRec's, and of a message that is not described here.
    """

    line: int
    message: str
    hint: str = ""
    is_lack: bool = False
    is_closed: bool = False


@functools.cache
def schema() -> Schema:
    """The schema of TorchEasyRec."""
    table = tomllib.loads(files(__package__).joinpath("schema.toml").read_text(encoding="utf-8"))
    return Schema(
        messages={
            name: dict(map(_field, text.strip().splitlines())) for name, text in table["messages"].items()
        },
        enums={name: dict(map(_constant, text.split())) for name, text in table["enums"].items()},
        closed=frozenset(table["closed"].split()),
    )


def _field(line: str) -> tuple[str, FieldType]:
    number, name, written = line.split()
    written, _, group = written.partition("|")
    kind = written.rstrip("!*")
    marks = written[len(kind) :]
    return name, FieldType(
        name=name, number=int(number), type=kind, required="!" in marks, repeated="*" in marks, group=group
    )


def _constant(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    return name, int(number)


def faults(message: Message, kind: str = ROOT, *, line: int = 0) -> Iterator[Fault]:
    """All that is wrong with a message of that kind, field by field; ``line`` is the one it begins at."""
    known = schema().messages[kind]
    set_groups: dict[str, str] = {}
    seen: set[str] = set()
    for field in message.fields:
        declared = known.get(field.name)
        if declared is None:
            hint = suggest(field.name, known) or f"fields of {kind}: {', '.join(known) or 'none'}"
            yield Fault(line=field.line, message=f"{kind} has no field {field.name!r}", hint=hint)
            continue
        if field.name in seen and not declared.repeated:
            yield Fault(line=field.line, message=f"{kind}.{field.name} is set twice", hint="keep one of them")
        other = set_groups.setdefault(declared.group, field.name) if declared.group else field.name
        if other != field.name:
            message_ = f"{kind} has {other} and {field.name}, and at most one of its {declared.group}s is set"
            yield Fault(line=field.line, message=message_, hint="keep one of them")
        seen.add(field.name)
        yield from _value_faults(field, declared, kind)
    for name, declared in known.items():
        if declared.required and name not in seen:
            yield Fault(line=line, message=f"{kind} lacks {name}", hint=f"add {name}", is_lack=True)


def _value_faults(field: Field, declared: FieldType, kind: str) -> Iterator[Fault]:
    where, value = f"{kind}.{field.name}", field.value
    if declared.type in schema().closed:
        yield Fault(
            line=field.line,
            message=f"{where} is a {declared.type}, which sqlrec does not read",
            hint="leave it out, or train with trainer = 'tzrec'",
            is_closed=True,
        )
    elif declared.type in schema().messages:
        if isinstance(value, Message):
            yield from faults(value, declared.type, line=field.line)
        else:
            yield Fault(
                line=field.line, message=f"{where} is a message, not {shown(value)}", hint="write { … }"
            )
    elif declared.type in schema().enums:
        names = schema().enums[declared.type]
        if not isinstance(value, Name) or value.text not in names:
            hint = suggest(value.text if isinstance(value, Name) else "", names)
            message = f"{where} is one of {', '.join(names)}, not {shown(value)}"
            yield Fault(line=field.line, message=message, hint=hint or f"write {next(iter(names))}")
    elif not _SCALARS[declared.type](value):
        yield Fault(line=field.line, message=f"{where} is {_A[declared.type]}, not {shown(value)}")


def shown(value: Value) -> str:
    """A value in a message of an error."""
    match value:
        case Message():
            return "a message"
        case Name(text=text):
            return text
        case bool():
            return str(value).lower()
    return repr(value)


def _whole(low: int, high: int) -> Callable[[Value], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


_SCALARS: Mapping[str, Callable[[Value], bool]] = {
    "string": lambda value: isinstance(value, str),
    "bool": lambda value: isinstance(value, bool),
    "float": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "int32": _whole(-(2**31), 2**31 - 1),
    "uint32": _whole(0, 2**32 - 1),
    "uint64": _whole(0, 2**64 - 1),
}
_A = {
    "string": "a text",
    "bool": "true or false",
    "float": "a number",
    "int32": "a whole number of 32 bits",
    "uint32": "a whole number from 0 to 4294967295",
    "uint64": "a whole number from 0",
}
