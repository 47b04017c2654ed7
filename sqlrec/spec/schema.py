"""Column types and schemas, in the SQL spelling.

Types are normalised when they are made: ``INTEGER`` is ``INT``, ``CHAR(n)`` and ``VARCHAR`` are
``STRING`` and so on, because SQLRec stored the written text and then failed to see an ``INT`` as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """Normalised type constructors."""

    BOOLEAN = "BOOLEAN"
    TINYINT = "TINYINT"
    SMALLINT = "SMALLINT"
    INT = "INT"
    BIGINT = "BIGINT"
    FLOAT = "FLOAT"
    DOUBLE = "DOUBLE"
    DECIMAL = "DECIMAL"
    STRING = "STRING"
    BYTES = "BYTES"
    DATE = "DATE"
    TIME = "TIME"
    TIMESTAMP = "TIMESTAMP"
    TIMESTAMP_LTZ = "TIMESTAMP_LTZ"
    VARIANT = "VARIANT"
    ARRAY = "ARRAY"
    MULTISET = "MULTISET"
    MAP = "MAP"
    ROW = "ROW"


SPELLINGS = {
    "INTEGER": Kind.INT,
    "REAL": Kind.FLOAT,
    "NUMERIC": Kind.DECIMAL,
    "CHAR": Kind.STRING,
    "VARCHAR": Kind.STRING,
    "BINARY": Kind.BYTES,
    "VARBINARY": Kind.BYTES,
}
"""Other spellings of a kind."""

LENGTHS = frozenset({Kind.STRING, Kind.BYTES})
SIZED = LENGTHS | {Kind.TIME, Kind.TIMESTAMP, Kind.TIMESTAMP_LTZ}
"""Kinds that may be written with a length or precision, which makes no difference here."""

MAX_DEPTH = 32
"""How deep a type may be nested."""

INTEGERS = frozenset({Kind.TINYINT, Kind.SMALLINT, Kind.INT, Kind.BIGINT})
FLOATS = frozenset({Kind.FLOAT, Kind.DOUBLE, Kind.DECIMAL})


@dataclass(frozen=True, slots=True)
class DataType:
    """A column type. ``arguments`` are the element types of ARRAY, MULTISET, MAP and ROW.

    ``written`` is how it was written where the rest says less (``VARCHAR(20)``, ``TIMESTAMP(3)``), for
    printers of statements; types that differ in nothing else are equal.
    """

    kind: Kind
    parameters: tuple[int, ...] = ()
    arguments: tuple[DataType, ...] = ()
    names: tuple[str, ...] = ()
    written: str = field(default="", compare=False, repr=False)

    @property
    def is_integer(self) -> bool:
        """Whether values are whole numbers."""
        return self.kind in INTEGERS

    @property
    def is_float(self) -> bool:
        """Whether values are fractional numbers."""
        return self.kind in FLOATS

    @property
    def element(self) -> DataType:
        """Element type of an ARRAY or MULTISET."""
        return self.arguments[0]

    @classmethod
    def parse(cls, text: str) -> DataType:
        """Type from its SQL text, such as ``ARRAY<BIGINT>``. Raises ``ValueError`` when it is none."""
        parser = _TypeParser(text)
        parsed = parser.type()
        if parser.peek():
            raise ValueError(f"unexpected {parser.peek()!r} after type {parsed}")
        return parsed

    def __str__(self) -> str:
        if self.kind is Kind.ROW:
            named = zip(self.names, self.arguments, strict=True)
            return f"ROW<{', '.join(f'{_quoted(name)} {type}' for name, type in named)}>"
        if self.arguments:
            return f"{self.kind}<{', '.join(map(str, self.arguments))}>"
        if self.parameters:
            return f"{self.kind}({', '.join(map(str, self.parameters))})"
        return str(self.kind)


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_]\w*", name) else f"`{name}`"


class _TypeParser:
    """Recursive descent over the words and punctuation of one type."""

    def __init__(self, text: str) -> None:
        self.tokens = re.findall(r"[^\W\d]\w*|\d+|`[^`]+`|\S", text)
        self.index = 0
        self.depth = 0

    def peek(self) -> str:
        return self.tokens[self.index] if self.index < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.peek()
        if not token or (expected and token != expected):
            raise ValueError(f"expected {expected or 'a type'}, found {token or 'the end'}")
        self.index += 1
        return token

    def type(self) -> DataType:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ValueError(f"a type is nested at most {MAX_DEPTH} deep")
        parsed = self._type()
        self.depth -= 1
        return parsed

    def _type(self) -> DataType:
        word = self.take().upper()
        if word not in Kind.__members__ and word not in SPELLINGS:
            raise ValueError(f"unknown type {word}")
        kind = SPELLINGS.get(word) or Kind(word)
        if word == "DOUBLE" and self.peek().upper() == "PRECISION":
            self.take()
        if kind in (Kind.ARRAY, Kind.MULTISET, Kind.MAP):
            return DataType(kind, arguments=self._arguments(2 if kind is Kind.MAP else 1))
        if kind is Kind.ROW:
            return self._row()
        parameters = self._parameters()
        if kind is Kind.DECIMAL:
            return DataType(kind, parameters)
        sized = parameters and kind in SIZED
        written = f"{word}({', '.join(map(str, parameters))})" if sized else word if kind in LENGTHS else ""
        return DataType(kind, written="" if written == kind else written)

    def _parameters(self) -> tuple[int, ...]:
        if self.peek() != "(":
            return ()
        self.take("(")
        values = [self._number()]
        if self.peek() == ",":
            self.take(",")
            values.append(self._number())
        self.take(")")
        return tuple(values)

    def _number(self) -> int:
        token = self.take()
        if not token.isdecimal() or len(token) > 4:
            raise ValueError(f"expected a length, found {token}")
        return int(token)

    def _arguments(self, count: int) -> tuple[DataType, ...]:
        self.take("<")
        types = [self.type()]
        for _ in range(count - 1):
            self.take(",")
            types.append(self.type())
        self.take(">")
        return tuple(types)

    def _row(self) -> DataType:
        close = {"<": ">", "(": ")"}.get(self.take())
        if close is None:
            raise ValueError("expected '<' after ROW")
        names, types = [self._name()], [self.type()]
        while self.peek() == ",":
            self.take(",")
            names.append(self._name())
            types.append(self.type())
        self.take(close)
        return DataType(Kind.ROW, arguments=tuple(types), names=tuple(names))

    def _name(self) -> str:
        token = self.take()
        if not re.fullmatch(r"[^\W\d]\w*|`[^`]+`", token):
            raise ValueError(f"expected a field name, found {token}")
        return token.strip("`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A named column."""

    name: str
    type: DataType
    nullable: bool = True
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Schema:
    """Columns in order, looked up without regard to case."""

    fields: tuple[Field, ...] = ()

    def get(self, name: str) -> Field | None:
        """The column of that name, or None."""
        folded = name.casefold()
        return next((f for f in self.fields if f.name.casefold() == folded), None)

    def without(self, names: tuple[str, ...]) -> Schema:
        """This schema less the named columns."""
        folded = {n.casefold() for n in names}
        return Schema(tuple(f for f in self.fields if f.name.casefold() not in folded))

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(f.name for f in self.fields)

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)
