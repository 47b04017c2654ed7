"""The statements of a script as an outline, and where its names are made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlrec.assist.notation import Slot
from sqlrec.assist.subject import subject_at
from sqlrec.assist.world import World
from sqlrec.errors import Span
from sqlrec.spec.names import export_name
from sqlrec.sql.script import parse
from sqlrec.sql.statements import (
    CacheTable,
    CreateApi,
    CreateFunction,
    CreateModel,
    CreateService,
    CreateTable,
    CreateView,
    DefineInput,
    ExportModel,
    Ident,
    If,
    Insert,
    Statement,
    TrainModel,
)

SHOWN_CHARACTERS = 60
MAKES: dict[type, str] = {
    CacheTable: "table",
    CreateApi: "api",
    CreateFunction: "function",
    CreateModel: "model",
    CreateService: "service",
    CreateTable: "table",
    CreateView: "table",
    DefineInput: "table",
}
"""Statements that make what they name."""
ROLES = {
    "text": ("service",),
    "query": ("table", "model"),
    "condition": ("table",),
    "expression": ("table",),
    "name": tuple(MAKES.values()),
}
"""What a word may name in roles that do not say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """A statement: its first words, and the part of it that is its name."""

    title: str
    span: Span
    name: Span


@dataclass(frozen=True, slots=True)
class _Definition:
    kind: str
    name: str
    span: Span


def symbols(text: str) -> list[Symbol]:
    """The statements that can be read, in order."""
    return [_symbol(text, statement) for statement in parse(text).statements]


def _symbol(text: str, statement: Statement) -> Symbol:
    """A statement without a name is known by its first characters."""
    name = statement.table if isinstance(statement, Insert) else getattr(statement, "name", None)
    span = name.span if isinstance(name, Ident) else statement.span
    words = " ".join(text[statement.span.start : span.end].split())
    title = words if len(words) <= SHOWN_CHARACTERS else f"{words[: SHOWN_CHARACTERS - 1]}…"
    return Symbol(title=title, span=statement.span, name=span)


def definition_at(text: str, offset: int, world: World) -> Span | None:
    """Where the script makes what the word at a place names: the last time before it, else the first."""
    subject = subject_at(text, offset, world)
    if subject is None:
        return None
    roles = [role.node.name for role in subject.roles if isinstance(role.node, Slot)]
    kinds = {kind for role in roles for kind in ROLES.get(role, (role,))}
    found = [
        d for d in _definitions(parse(text).statements) if d.kind in kinds and _same(d.name, subject.word)
    ]
    before = [d for d in found if d.span.start <= offset]
    return next((d.span for d in (*reversed(before), *found)), None)


def _definitions(statements: tuple[Statement, ...]) -> Iterator[_Definition]:
    for statement in statements:
        match statement:
            case TrainModel():
                yield _Definition("checkpoint", statement.checkpoint.value, statement.checkpoint.span)
            case ExportModel():
                name = export_name(statement.checkpoint.value)
                yield _Definition("checkpoint", name, statement.checkpoint.span)
            case If(then=then, otherwise=otherwise):
                yield from _definitions((then, otherwise) if otherwise else (then,))
            case (
                CacheTable(name=name)
                | CreateApi(name=name)
                | CreateFunction(name=name)
                | CreateModel(name=name)
                | CreateService(name=name)
                | CreateTable(name=name)
                | CreateView(name=name)
                | DefineInput(name=name)
            ):
                yield _Definition(MAKES[type(statement)], name.text, name.span)
            case _:
                pass


def _same(name: str, word: str) -> bool:
    """Whether two spellings may be one name: a database that is left out counts as any."""
    shorter, longer = sorted((name.casefold(), word.casefold()), key=len)
    return longer == shorter or longer.endswith(f".{shorter}")
