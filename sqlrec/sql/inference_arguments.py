"""The arguments of a call of a model, each by what it looks like; what it is for, the function decides."""

from __future__ import annotations

from dataclasses import dataclass

from sqlrec.errors import Span
from sqlrec.sql.cursor import Cursor, problem
from sqlrec.sql.grammar import parts
from sqlrec.sql.inference import ConfigItem, InputQuery, InputTable, ModelArgument
from sqlrec.sql.inference_config import config
from sqlrec.sql.lexer import Kind, Token
from sqlrec.sql.statements import Ident, QueryText, Text

QUERY_WORDS = ("SELECT", "WITH", "VALUES", "FROM")
LITERALS = ("TRUE", "FALSE", "NULL")


@dataclass(frozen=True, slots=True)
class Descriptor:
    """``DESCRIPTOR(column, …)``."""

    columns: tuple[Ident, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Config:
    """``MAP[…]``."""

    items: tuple[ConfigItem, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class ModelName:
    """``MODEL name``."""

    model: ModelArgument
    span: Span


@dataclass(frozen=True, slots=True)
class Plain:
    """An expression; a ``name`` or a ``string`` alone may stand for a table, a model or a column too."""

    text: QueryText
    name: Ident | None = None
    string: Text | None = None

    @property
    def span(self) -> Span:
        """Its place."""
        return self.text.span


Value = InputTable | InputQuery | ModelName | Descriptor | Config | Plain


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument. ``name`` is the word before ``=>``, if it is named."""

    value: Value
    name: Token | None = None


def arguments(cursor: Cursor) -> tuple[Argument, ...]:
    """The arguments up to and with the closing bracket, after the opening one."""
    found: list[Argument] = []
    while not cursor.accept(")"):
        if found:
            cursor.expect(",", context="or ')' after the argument")
        found.append(_argument(cursor))
    return tuple(found)


def _argument(cursor: Cursor) -> Argument:
    first, equal, angle = (cursor.peek(ahead) for ahead in range(3))
    named = first.kind in parts.NAMES and equal.key == "=" and angle.key == ">" and equal.end == angle.start
    if not named:
        return Argument(_value(cursor))
    for _ in range(3):
        cursor.next()
    return Argument(_value(cursor), first)


def _value(cursor: Cursor) -> Value:
    """One argument; where the beginning of one kind goes on otherwise, it is an expression."""
    start = cursor.index
    found = _special(cursor)
    if found is not None and cursor.peek().key in (",", ")"):
        return found
    if isinstance(found, ModelName | InputTable | Descriptor | Config):
        hint = "a name with a $ needs back-quotes: `m$2`" if cursor.at("$") else ""
        raise cursor.unexpected("',' or ')' after the argument", hint=hint)
    cursor.index = start
    return _plain(cursor)


def _special(cursor: Cursor) -> Value | None:
    """What begins with a word or bracket of its own."""
    match cursor.peek().key:
        case "TABLE" | "MODEL":
            return _marked(cursor)
        case "DESCRIPTOR" if cursor.peek(1).key == "(":
            return _descriptor(cursor)
        case "MAP" if cursor.peek(1).key == "[":
            first = cursor.next()
            items = config(cursor)
            return Config(items, first.span.to(cursor.previous.span))
        case "VALUES" if cursor.peek(1).key == "(":
            return _values(cursor)
        case "(":
            return _bracketed(cursor)
        case _:
            return None


def _marked(cursor: Cursor) -> Value | None:
    """``TABLE name``, ``TABLE (query)`` or ``MODEL name``; None for a column of that name."""
    first, following = cursor.peek(), cursor.peek(1)
    if first.key == "TABLE" and following.key == "(" and cursor.peek(2).key in QUERY_WORDS:
        cursor.next()
        return _bracketed(cursor)
    if following.kind not in parts.NAMES:
        return None
    cursor.next()
    if first.key == "MODEL":
        model = model_of(parts.name(cursor, "the model name", parts=3))
        return ModelName(model, first.span.to(cursor.previous.span))
    return _table(cursor, first)


def _table(cursor: Cursor, first: Token) -> InputTable:
    """``name [PARTITION BY columns]``, after the word TABLE."""
    name = parts.name(cursor, "the table name", parts=3)
    keys: QueryText | None = None
    if cursor.accept("PARTITION"):
        cursor.expect("BY", context="after PARTITION")
        keys = _keys(cursor)
    return InputTable(name, first.span.to(cursor.previous.span), keys)


def _keys(cursor: Cursor) -> QueryText:
    """``(a, b)`` or one column: a comma without brackets begins the next argument."""
    return cursor.take("a column after PARTITION BY", lambda c: c.at(",") or c.at(")"))


def _bracketed(cursor: Cursor) -> Value | None:
    """``(TABLE t)``, ``(MODEL m)`` or ``(query)``; None for any other expression."""
    first, inner = cursor.peek(), cursor.peek(1)
    if inner.key in ("TABLE", "MODEL"):
        cursor.next()
        found = _marked(cursor)
        if found is None or not cursor.accept(")"):
            return None
        return found
    if inner.key not in QUERY_WORDS:
        return None
    cursor.next()
    query = cursor.take("a query", lambda c: c.at(")"))
    closing = cursor.expect(")", context="after the query")
    return InputQuery(query, first.span.to(closing.span))


def _values(cursor: Cursor) -> InputQuery:
    """``VALUES (…), (…)``; a bracket that opens another argument ends it."""
    first = cursor.next()
    _row(cursor)
    while cursor.at(",", "(") and cursor.peek(2).key not in ("MODEL", "TABLE"):
        cursor.next()
        _row(cursor)
    span = first.span.to(cursor.previous.span)
    return InputQuery(QueryText(cursor.text[span.start : span.end], span), span)


def _row(cursor: Cursor) -> None:
    cursor.expect("(", context="before a row of VALUES")
    cursor.take("a value", lambda c: c.at(")"))
    cursor.expect(")", context="after a row of VALUES")


def _descriptor(cursor: Cursor) -> Descriptor:
    """``DESCRIPTOR(name, …)``, each once."""
    first = cursor.next()
    cursor.expect("(")
    columns = [_column(cursor)]
    while cursor.accept(","):
        columns.append(_column(cursor))
    cursor.expect(")", context="or ',' after a column of DESCRIPTOR")
    seen: set[str] = set()
    for column in columns:
        if column.text.casefold() in seen:
            message = f"DESCRIPTOR names column {column.text!r} twice"
            raise problem("SR133", message, column.span, "name it once")
        seen.add(column.text.casefold())
    return Descriptor(tuple(columns), first.span.to(cursor.previous.span))


def _column(cursor: Cursor) -> Ident:
    if cursor.peek().kind not in parts.NAMES:
        raise cursor.unexpected("a column name in DESCRIPTOR", code="SR133")
    name = parts.name(cursor, "the column name", parts=3)
    if len(name.parts) > 1:
        message = "Table or column alias must be a simple identifier"
        raise problem("SR133", message, name.span, f"write DESCRIPTOR({name.parts[-1]})")
    return name


def _plain(cursor: Cursor) -> Plain:
    start = cursor.index
    text = cursor.take("an argument", lambda c: c.at(",") or c.at(")"))
    read = cursor.tokens[start : cursor.index]
    if len(read) == 1 and read[0].kind is Kind.STRING:
        return Plain(text, string=Text(read[0].value, read[0].span))
    names, dots = read[::2], read[1::2]
    is_name = len(read) % 2 == 1 and all(t.kind in parts.NAMES for t in names)
    if is_name and all(t.key == "." for t in dots) and read[0].key not in LITERALS:
        return Plain(text, name=Ident(tuple(t.value for t in names), text.span))
    return Plain(text)


def model_of(name: Ident) -> ModelArgument:
    """A model's name with its version taken off: ``m$2``, ``m$all``. One quoted name may hold dots."""
    *parents, last = name.parts if len(name.parts) > 1 else name.parts[0].split(".")
    base, mark, version = last.rpartition("$")
    if not mark:
        base, version = last, ""
    elif not base or not (version.isdecimal() or version.casefold() == "all"):
        hint = "a version is a number or all: m$2, m$all"
        raise problem("SR138", f"{version!r} is no version of a model", name.span, hint)
    if not all((*parents, base)) or len(parents) > 2:
        hint = "a model is named m, db.m or cat.db.m"
        raise problem("SR138", f"{name.text!r} cannot name a model", name.span, hint)
    return ModelArgument(Ident((*parents, base), name.span), version.casefold())
