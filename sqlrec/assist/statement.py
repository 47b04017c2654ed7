"""What the tokens of a statement that is being written tell: its verb, the model it is about, its options."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sqlrec.errors import Span
from sqlrec.models.api_options import API_OPTIONS
from sqlrec.models.lookup import model_type
from sqlrec.plan.scope import ScriptScope
from sqlrec.plan.script_options import SCRIPT_OPTIONS
from sqlrec.plan.tables import TABLE_OPTIONS
from sqlrec.spec.group import with_group
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import OptionSet, OptionValue, Scope, canonical_key
from sqlrec.sql.lexer import Kind, Token
from sqlrec.sql.statements import Ident

NAMES = (Kind.WORD, Kind.QUOTED, Kind.DOUBLE)
SKIPPED = ("IF", "NOT", "EXISTS")
VERBS = {
    "TRAIN": Scope.TRAIN,
    "EXPORT": Scope.EXPORT,
    "EVALUATE": Scope.EVALUATE,
    "SET": Scope.SCRIPT,
    "RESET": Scope.SCRIPT,
}


@dataclass(frozen=True, slots=True)
class Options:
    """Options that may be given at a place, and those that are given before it, by canonical key."""

    declared: OptionSet
    scope: Scope
    given: dict[str, OptionValue]


@dataclass(frozen=True, slots=True)
class Sketch:
    """The tokens of one statement up to a place, and the names in force before it."""

    tokens: Sequence[Token]
    names: ScriptScope

    @property
    def keys(self) -> list[str]:
        """The words and signs."""
        return [token.key for token in self.tokens]

    @property
    def verb(self) -> str:
        """The first word of the statement, of the inner one in EXPLAIN and IF."""
        return self.inner[0].key if self.inner else ""

    @property
    def inner(self) -> Sequence[Token]:
        """The statement, or the one that stands in EXPLAIN, THEN or ELSE."""
        first = 0
        for index, token in enumerate(self.tokens):
            opens = token.key == "(" and index and self.tokens[index - 1].key in ("THEN", "ELSE")
            if opens or (token.key == "EXPLAIN" and index == first):
                first = index + 1
        return self.tokens[first:]

    def named(self, word: str) -> Ident | None:
        """The name after a word such as MODEL."""
        tokens = self.inner
        index = next((i for i, t in enumerate(tokens) if t.key == word and t.kind is Kind.WORD), len(tokens))
        index += 1
        while index < len(tokens) and tokens[index].key in SKIPPED:
            index += 1
        return self._name_at(index)

    def _name_at(self, index: int) -> Ident | None:
        tokens = self.inner
        parts: list[Token] = []
        while index < len(tokens) and tokens[index].kind in NAMES:
            parts.append(tokens[index])
            if index + 1 == len(tokens) or tokens[index + 1].key != ".":
                break
            index += 2
        if not parts:
            return None
        return Ident(tuple(part.value for part in parts), Span(parts[0].start, parts[-1].end))

    @property
    def model(self) -> ModelName | None:
        """The model the statement is about: named in it, or served by the service it names."""
        name = self.named("MODEL") or self._member()
        if name is not None and len(name.parts) <= 3 and all(name.parts):
            return self.names.model_name(name)
        service = self.named("SERVICE")
        served = self.names.service(service.text) if service else None
        return served.model if served else None

    def _member(self) -> Ident | None:
        """The model of the list after MODELS that is being written; behind the list, its first one."""
        tokens = self.inner
        start = next((i for i, token in enumerate(tokens) if token.key == "MODELS"), len(tokens))
        closed = any(token.key == ")" for token in tokens[start:])
        commas = [i for i, token in enumerate(tokens) if i > start + 1 and token.key == ","]
        return self._name_at(commas[-1] + 1 if commas and not closed else start + 2)

    @property
    def given(self) -> dict[str, OptionValue]:
        """Options written so far, by canonical key."""
        found: dict[str, OptionValue] = {}
        tokens = self.inner
        for index, token in enumerate(tokens):
            if token.key == "=" and 0 < index < len(tokens) - 1:
                found[canonical_key(_key_before(tokens, index))] = tokens[index + 1].value
        return found

    @property
    def key(self) -> str:
        """The option whose value comes next; empty when none does."""
        tokens = self.inner
        return _key_before(tokens, len(tokens) - 1) if len(tokens) > 1 and tokens[-1].key == "=" else ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the model or table: written in the statement, or those of the model it is about."""
        written = tuple(_columns(self.inner)) if self.verb == "CREATE" else ()
        spec = self.names.model(self.model) if self.model and not written else None
        return spec.columns.names if spec else written

    @property
    def type(self) -> str:
        """Model type that the statement names or that its model has; empty when there is none."""
        if self.verb == "CREATE" and "SERVICE" not in self.keys:
            return model_type(self.given)
        spec = self.names.model(self.model) if self.model else None
        return spec.type if spec else ""

    @property
    def options(self) -> Options | None:
        """The options that may be given; None when the statement has none or its model is unknown."""
        if self.verb in ("SET", "RESET"):
            return Options(SCRIPT_OPTIONS, Scope.SCRIPT, self.given)
        second = next((key for key in self.keys if key in ("MODEL", "SERVICE", "TABLE", "API")), "")
        if self.verb == "CREATE" and second == "TABLE":
            return Options(TABLE_OPTIONS, Scope.TABLE, self.given)
        if self.verb == "CREATE" and second == "API":
            return Options(API_OPTIONS, Scope.API, self.given)
        scope = VERBS.get(self.verb, Scope.SERVICE if second == "SERVICE" else Scope.MODEL)
        controller = self.names.controller_of(self.type) if self.type else None
        if controller is None:
            return None
        several = scope is Scope.SERVICE and self._has_several
        declared = with_group(controller.options) if several else controller.options
        return Options(declared, scope, self.given)

    @property
    def _has_several(self) -> bool:
        """Whether the service has several models: those that are written, or those it was created with."""
        service = self.named("SERVICE")
        served = self.names.service(service.text) if service and self.verb != "CREATE" else None
        return bool(served and served.others) or "MODELS" in self.keys


def _columns(tokens: Sequence[Token]) -> Iterator[str]:
    """What stands first in the items of the lists before WITH."""
    depth = 0
    for token, after in pairwise(tokens):
        depth += {"(": 1, "<": 1, ")": -1, ">": -1}.get(token.key, 0)
        if token.key == "WITH" and depth == 0:
            return
        if depth == 1 and token.key in ("(", ",") and after.kind in NAMES:
            yield after.value


def _key_before(tokens: Sequence[Token], equals: int) -> str:
    """The option key that ends before the ``=``: one token, or words that touch each other."""
    first = equals - 1
    while first and tokens[first - 1].end == tokens[first].start and tokens[first - 1].key not in ("(", ","):
        first -= 1
    return "".join(token.value for token in tokens[first:equals])
