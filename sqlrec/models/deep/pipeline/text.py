"""Protobuf's text format: messages to text and back.

Of our own instead of protobuf's: that needs compiled descriptors of each message and gives no lines, which
errors about a file need. What is written is the same for the same message, byte by byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from sqlrec.errors import OptionError

INDENT = "  "


@dataclass(frozen=True, slots=True)
class Name:
    """A bare word: the value of an enum."""

    text: str


@dataclass(frozen=True, slots=True)
class Message:
    """Fields in their order; a repeated one occurs once for each value."""

    fields: tuple[Field, ...] = ()

    def all(self, name: str) -> tuple[Field, ...]:
        """The fields of that name."""
        return tuple(each for each in self.fields if each.name == name)

    def get(self, name: str) -> Field | None:
        """The first field of that name."""
        return next(iter(self.all(name)), None)


Value: TypeAlias = str | bool | int | float | Name | Message


@dataclass(frozen=True, slots=True)
class Field:
    """A field and its value; ``line`` is that of the file it was read from, from 1."""

    name: str
    value: Value
    line: int = field(default=0, compare=False)


def message(**values: Value | Sequence[Value] | None) -> Message:
    """A message of these fields: one for each value of a sequence, none for None."""
    return Message(
        tuple(
            Field(name, each)
            for name, value in values.items()
            if value is not None
            for each in ([value] if isinstance(value, Value) else value)
        )
    )


def write(message: Message) -> str:
    """The text of a message, a field a line."""
    return "".join(f"{line}\n" for line in _lines(message, ""))


def _lines(message: Message, indent: str) -> Iterator[str]:
    for each in message.fields:
        if isinstance(each.value, Message):
            yield f"{indent}{each.name} {{"
            yield from _lines(each.value, indent + INDENT)
            yield f"{indent}}}"
        else:
            yield f"{indent}{each.name}: {_scalar(each.value)}"


def _scalar(value: str | bool | int | float | Name) -> str:
    match value:
        case Name(text=text):
            return text
        case bool():
            return "true" if value else "false"
        case str():
            return '"' + "".join(map(_escaped, value)) + '"'
    return repr(value)


_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def _escaped(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    return character if character.isprintable() else "".join(f"\\{byte:03o}" for byte in character.encode())


_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
      | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | (?P<number>-?(?:0[xX][0-9a-fA-F]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?f?)(?![\w.]))
      | (?P<word>-?[A-Za-z_]\w*)
      | (?P<mark>[{}<>\[\]:,;])""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int


def parse(text: str) -> Message:
    """The message of a text. Raises ``OptionError`` SR385 with the line where it is none."""
    reader = _Reader(_tokens(text))
    fields = reader.fields("")
    return Message(tuple(fields))


def _tokens(text: str) -> list[_Token]:
    found, place, line = [], 0, 1
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise _refused(line, f"{text[place : place + 12].split()[0]!r} cannot be read")
        if match.lastgroup != "space":
            found.append(_Token(str(match.lastgroup), match.group(), line))
        line += match.group().count("\n")
        place = match.end()
    return [*found, _Token("end", "", line)]


def _refused(line: int, message: str) -> OptionError:
    return OptionError(
        "SR385", f"line {line}: {message}", hint="a pipeline.config is protobuf's text format: name: value"
    )


class _Reader:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.index = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.index]

    def take(self) -> _Token:
        token = self.token
        self.index += token.kind != "end"
        return token

    def accept(self, *marks: str) -> bool:
        if self.token.kind == "mark" and self.token.text in marks:
            self.take()
            return True
        return False

    def fields(self, closing: str) -> list[Field]:
        found: list[Field] = []
        while not self.accept(closing):
            name = self.take()
            if name.kind == "end" and not closing:
                break
            if name.kind != "word" or name.text.startswith("-"):
                wanted = f"the name of a field{f' or {closing}' * bool(closing)}"
                found_ = "the file ends" if name.kind == "end" else f"found {name.text!r}"
                raise _refused(name.line, f"expected {wanted}, {found_}")
            found += (Field(name.text, value, name.line) for value in self.values())
            self.accept(",", ";")
        return found

    def values(self) -> list[Value]:
        """What stands behind the name of a field: a value, or a list of them."""
        is_assigned = self.accept(":")
        if self.accept("["):
            return self.listed(is_assigned)
        return [self.value(is_assigned)]

    def listed(self, is_assigned: bool) -> list[Value]:
        found: list[Value] = []
        while not self.accept("]"):
            if found and not self.accept(","):
                raise _refused(self.token.line, f"expected , or ] in a list, found {self.token.text!r}")
            found.append(self.value(is_assigned))
        return found

    def value(self, is_assigned: bool) -> Value:
        if self.token.kind == "mark" and self.token.text in "{<":
            return Message(tuple(self.fields("}" if self.take().text == "{" else ">")))
        token = self.take()
        if not is_assigned or token.kind in ("mark", "end"):
            expected = "a value" if is_assigned else ":"
            raise _refused(token.line, f"expected {expected}, found {token.text or 'the end'!r}")
        match token.kind:
            case "string":
                return self.strings(token)
            case "number":
                return _number(token.text)
        return _word(token.text)

    def strings(self, first: _Token) -> str:
        """Texts that stand side by side are one."""
        parts = [_unescaped(first)]
        while self.token.kind == "string":
            parts.append(_unescaped(self.take()))
        try:
            return b"".join(parts).decode()
        except UnicodeDecodeError:
            raise _refused(first.line, f"{first.text} is no UTF-8") from None


def _number(text: str) -> int | float:
    if "x" in text.lower():
        return int(text, 16)
    digits = text.lstrip("-")
    if digits.isdecimal():
        return int(text, 8 if digits.startswith("0") and set(digits) <= set("01234567") else 10)
    return float(text.rstrip("f"))


def _word(text: str) -> Value:
    match text.casefold():
        case "true" | "false":
            return text.casefold() == "true"
        case "inf" | "infinity" | "-inf" | "-infinity" | "nan":
            return float(text)
    return Name(text)


_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_LETTERS = dict(zip(b"abfnrtv", b"\a\b\f\n\r\t\v", strict=True))


def _unescaped(token: _Token) -> bytes:
    def one(match: re.Match[bytes]) -> bytes:
        hexadecimal, octal, unicode, letter = match.groups()
        if hexadecimal or octal:
            return bytes([int(hexadecimal or octal, 16 if hexadecimal else 8) & 0xFF])
        if unicode:
            return chr(int(unicode, 16)).encode()
        if letter[0] in _LETTERS:
            return bytes([_LETTERS[letter[0]]])
        if letter not in b"\\'\"?":
            raise _refused(token.line, f"{match.group().decode()} is no escape")
        return bytes(letter)

    return _ESCAPE.sub(one, token.text[1:-1].encode())
