"""``('key' = value, …)`` and ``('key', …)``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlrec.errors import position
from sqlrec.spec.options import canonical_key
from sqlrec.sql.cursor import Cursor, SyntaxProblem, helped
from sqlrec.sql.grammar import parts
from sqlrec.sql.lexer import Kind
from sqlrec.sql.statements import OptionItem, Text

BARE = (Kind.WORD, Kind.NUMBER)
QUOTED = (Kind.STRING, Kind.QUOTED, Kind.DOUBLE)


def options(cursor: Cursor) -> tuple[OptionItem, ...]:
    """The list after WITH. A comma may stand after the last option, as FLIP-437 writes it.

    A bad option is reported and the list read on; so is a key that is given twice (``-`` and ``_`` are
    equal in keys, and so are cases).
    """
    found = _list(cursor, "after WITH")
    for item, first in _twice(found):
        hint = f"{_line(cursor, first)} has it as {first.key.value!r} already"
        cursor.report("SR305", f"option {item.key.value!r} is given twice", item.key.span, hint)
    return found


def new_options(cursor: Cursor, of: str) -> tuple[OptionItem, ...]:
    """The list after SET of a statement ``of``: not empty, and the last of a key given twice counts."""
    opening = cursor.peek()
    found = _list(cursor, f"after {of} SET")
    if cursor.peek(-2) is opening:
        span = opening.span.to(cursor.previous.span)
        cursor.report("SR116", f"{of} SET does not support empty option.", span, "write ('key' = 'value')")
    for item, first in _twice(found):
        hint = f"{_line(cursor, first)} has it as {first.key.value!r}; the last one counts"
        cursor.warn("SR305", f"option {item.key.value!r} is given twice", item.key.span, hint)
    return found


def keys(cursor: Cursor, of: str) -> tuple[Text, ...]:
    """The list after RESET of a statement ``of``."""
    opening = cursor.expect("(", context=f"after {of} RESET")
    found: list[Text] = []
    while not cursor.accept(")"):
        found.append(key(cursor))
        if not cursor.at(")"):
            cursor.expect(",", context="or ')' after the key")
    if not found:
        span = opening.span.to(cursor.previous.span)
        cursor.report("SR116", f"{of} RESET does not support empty key.", span, "write ('key')")
    return tuple(found)


def _list(cursor: Cursor, context: str) -> tuple[OptionItem, ...]:
    opening = cursor.expect("(", context=context)
    found: list[OptionItem] = []
    while not cursor.accept(")"):
        if cursor.done():
            line = position(cursor.text, opening.start)[0]
            raise cursor.unexpected(f"')' to close the list of line {line}")
        try:
            found.append(_option(cursor))
        except SyntaxProblem as error:
            _skip(cursor)
            wrong = helped(error.diagnostic, "an option is written 'key' = 'value'")
            if cursor.done():
                raise SyntaxProblem(wrong) from None
            cursor.found.append(wrong)
    return tuple(found)


def _option(cursor: Cursor) -> OptionItem:
    written = key(cursor)
    cursor.expect("=", context=f"after option {written.value!r}")
    value, span = parts.value(cursor)
    if not cursor.at(")"):
        cursor.expect(",", context="or ')' after the option")
    return OptionItem(written, value, span)


def key(cursor: Cursor) -> Text:
    """A key: a string, a quoted name, or words joined by ``.`` and ``-`` without blanks."""
    first = cursor.peek()
    if first.kind in QUOTED:
        cursor.next()
        return Text(first.value, first.span)
    if first.kind is not Kind.WORD:
        raise cursor.unexpected("an option key")
    cursor.next()
    while cursor.adjoins() and _continues(cursor):
        cursor.next()
    span = first.span.to(cursor.previous.span)
    return Text(cursor.text[span.start : span.end], span)


def _continues(cursor: Cursor) -> bool:
    joined = cursor.peek().key in (".", "-") and cursor.adjoins(1) and cursor.peek(1).kind in BARE
    return joined or cursor.peek().kind in BARE


def _skip(cursor: Cursor) -> None:
    """Go behind the next comma, or to the end of the list."""
    depth = 0
    while not cursor.done() and not (depth == 0 and cursor.at(")")):
        token = cursor.next()
        if token.key == "," and depth == 0:
            return
        depth += {"(": 1, ")": -1}.get(token.key, 0)


def _twice(found: Sequence[OptionItem]) -> Iterator[tuple[OptionItem, OptionItem]]:
    """Options whose key was there before, each with the first one of that key."""
    seen: dict[str, OptionItem] = {}
    for item in found:
        first = seen.setdefault(canonical_key(item.key.value), item)
        if first is not item:
            yield item, first


def _line(cursor: Cursor, item: OptionItem) -> str:
    return f"line {position(cursor.text, item.key.span.start)[0]}"
