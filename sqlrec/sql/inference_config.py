"""The CONFIG of a call: ``MAP['key', value, …]`` with the keys of Flink and Confluent, and our own."""

from __future__ import annotations

import re

from sqlrec.errors import OptionError, suggest
from sqlrec.spec.options import Option, OptionKind, OptionSet, OptionValue, Scope
from sqlrec.sql.cursor import Cursor, problem
from sqlrec.sql.inference import ConfigItem, InferenceCall
from sqlrec.sql.lexer import TEMPLATE, Kind
from sqlrec.sql.statements import Text

_NO_STATEMENT: frozenset[Scope] = frozenset()


def _option(key: str, kind: OptionKind, doc: str, *aliases: str, minimum: float | None = None) -> Option:
    return Option(key=key, kind=kind, doc=doc, scopes=_NO_STATEMENT, minimum=minimum, aliases=aliases)


CONFIG_OPTIONS = OptionSet(
    (
        _option("service", OptionKind.STRING, "The service that is asked; needed where a model has several."),
        _option("async", OptionKind.BOOLEAN, "Whether several requests are in flight.", "async_enabled"),
        _option(
            "max-concurrent-operations",
            OptionKind.INT,
            "Requests in flight at a time.",
            "max_parallelism",
            minimum=1,
        ),
        Option(
            key="output-mode",
            kind=OptionKind.STRING,
            doc="Whether rows keep their order; they always do.",
            scopes=_NO_STATEMENT,
            choices=("ORDERED", "ALLOW_UNORDERED"),
        ),
        _option("timeout", OptionKind.DURATION, "Longest wait for a reply.", "client_timeout", minimum=0.001),
        _option("retry_count", OptionKind.INT, "Times a failed request is sent again.", minimum=0),
        _option("debug", OptionKind.BOOLEAN, "Whether errors show the whole answer."),
        Option(
            key="metric",
            kind=OptionKind.STRING,
            doc="How VECTOR_SEARCH compares vectors.",
            scopes=_NO_STATEMENT,
            choices=("cosine", "dot", "euclidean"),
        ),
    )
)
"""What a CONFIG may hold."""

_ISO_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?", re.IGNORECASE)


def config(cursor: Cursor) -> tuple[ConfigItem, ...]:
    """``[key, value, …]``, after the word MAP. Raises ``SyntaxProblem`` SR134."""
    cursor.expect("[", context="after MAP")
    items: list[ConfigItem] = []
    while not cursor.at("]"):
        if items:
            cursor.expect(",", context="between the entries of the MAP")
        key = cursor.peek()
        if key.kind is not Kind.STRING:
            raise cursor.unexpected("a key as a quoted string", code="SR134")
        cursor.next()
        if not cursor.accept(","):
            what = f"Config param should be a MAP: key {key.value!r} has no value"
            raise problem("SR134", what, key.span, "write MAP['key', 'value', …]")
        items.append(_item(Text(key.value, key.span), cursor))
        _check_new(items)
        _check_value(items[-1])
    cursor.expect("]")
    return tuple(items)


def _item(key: Text, cursor: Cursor) -> ConfigItem:
    first = cursor.peek()
    negative = cursor.accept("-")
    token = cursor.peek()
    if token.key not in ("TRUE", "FALSE") and token.kind not in (Kind.STRING, Kind.NUMBER):
        message = "config param can only be a MAP of string literals"
        raise problem("SR134", f"{message}, found {cursor.show(token)}", token.span, "quote the value")
    cursor.next()
    if TEMPLATE.search(token.value):
        raise problem("SR110", "CONFIG cannot hold a template", token.span, "write the value itself")
    text = token.key.lower() or token.value
    return ConfigItem(key, Text(f"-{text}" if negative else text, first.span.to(token.span)))


def _check_new(items: list[ConfigItem]) -> None:
    item = items[-1]
    option = CONFIG_OPTIONS.find(item.key.value)
    if option is None:
        known = [o.key for o in CONFIG_OPTIONS.options]
        hint = suggest(item.key.value, known) or f"options: {', '.join(known)}"
        raise problem("SR134", f"unknown config option {item.key.value!r}", item.key.span, hint)
    if any(CONFIG_OPTIONS.find(other.key.value) is option for other in items[:-1]):
        message = f"config option {item.key.value!r} is given twice"
        raise problem("SR134", message, item.key.span, "keep one of them")


def _check_value(item: ConfigItem) -> None:
    try:
        _parsed(item)
    except OptionError as error:
        message = f"Invalid runtime config option {item.key.value!r}: {error.message}"
        raise problem("SR134", message, item.value.span, error.hint) from None


def _parsed(item: ConfigItem) -> OptionValue:
    option = CONFIG_OPTIONS.find(item.key.value)
    assert option is not None, "checked before"
    value = option.parse(_plain(item.value.value) if option.kind is OptionKind.DURATION else item.value.value)
    assert isinstance(value, str | int | float | bool)
    return value


def _plain(text: str) -> str:
    """Seconds of a duration as Flink writes it (``PT3M``); any other text as it is."""
    found = _ISO_DURATION.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        return text
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return str(hours * 3600 + minutes * 60 + seconds)


def config_of(call: InferenceCall) -> dict[str, OptionValue]:
    """The configuration of a call: typed values by the first name of each option."""
    return {_key(item): _parsed(item) for item in call.config}


def _key(item: ConfigItem) -> str:
    option = CONFIG_OPTIONS.find(item.key.value)
    assert option is not None, "checked when the call was read"
    return option.key
