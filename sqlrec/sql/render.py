"""Statements → canonical text: keywords in upper case, ``'key' = 'value'``, one clause a line.

Names are back-quoted where SQLRec or Flink would take them for keywords, so that both read the text.
Queries are kept as written, and numbers stay numbers, so that reading the text gives an equal statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import assert_never

from sqlrec.spec.options import OptionValue
from sqlrec.sql.reserved import RESERVED
from sqlrec.sql.statements import (
    CacheTable,
    Call,
    CallBody,
    Columns,
    CreateModel,
    CreateService,
    CreateTable,
    DataSource,
    Declare,
    DropModel,
    DropService,
    ExportModel,
    Ident,
    Insert,
    OptionItem,
    Select,
    SetOption,
    Statement,
    Text,
    TrainModel,
)


def render(statement: Statement) -> str:
    """The statement's text, without ``;``. ``parse(render(s))`` gives ``s`` again, up to places."""
    return "\n".join(line for line in _lines(statement) if line)


def _lines(statement: Statement) -> Sequence[str]:
    match statement:
        case CreateModel() | DropModel() | TrainModel() | ExportModel():
            return _model_lines(statement)
        case CreateService() | DropService() | CreateTable():
            return _object_lines(statement)
        case Call():
            return (f"CALL {_call(statement.body)}",)
        case CacheTable():
            cached = statement.source
            shown = f"CALL {_call(cached)}" if isinstance(cached, CallBody) else cached.sql
            return (f"CACHE TABLE {_name(statement.name)} AS", shown)
        case Select():
            return (statement.query.sql,)
        case Insert():
            return (f"INSERT {statement.mode} {_name(statement.table)}", statement.query.sql)
        case SetOption():
            return (f"SET {_string(statement.key.value)} = {_value(statement.value)}",)
        case Declare():
            default = "" if statement.default is None else f" DEFAULT {_value(statement.default)}"
            return (f"DECLARE {_name(statement.name)} {statement.type}{default}",)
        case _ as never:
            assert_never(never)


def _model_lines(statement: CreateModel | DropModel | TrainModel | ExportModel) -> Sequence[str]:
    name = _name(statement.name)
    match statement:
        case CreateModel():
            head = _words("CREATE", statement.replace and "OR REPLACE", statement.temporary and "TEMPORARY")
            return (
                _words(head, "MODEL", statement.if_not_exists and "IF NOT EXISTS", name)
                + _columns("", statement.columns),
                _columns("INPUT", statement.inputs),
                _columns("OUTPUT", statement.outputs),
                _clause("COMMENT", statement.comment),
                _options(statement.options),
                f"AS {statement.query.sql}" if statement.query else "",
            )
        case DropModel():
            exists = statement.if_exists and "IF EXISTS"
            return (_words("DROP", statement.temporary and "TEMPORARY", "MODEL", exists, name),)
        case TrainModel():
            return (
                f"TRAIN MODEL {name}",
                _clause("CHECKPOINT =", statement.checkpoint),
                *_source("ON", statement.data),
                *_source("VALIDATE ON", statement.validation),
                _clause("FROM", statement.base),
                _options(statement.options),
            )
        case _:
            return (
                f"EXPORT MODEL {name}",
                _clause("CHECKPOINT =", statement.checkpoint),
                *_source("ON", statement.sample),
                _options(statement.options),
            )


def _object_lines(statement: CreateService | DropService | CreateTable) -> Sequence[str]:
    name = _name(statement.name)
    match statement:
        case CreateService():
            absent = statement.if_not_exists and "IF NOT EXISTS"
            return (
                _words("CREATE", statement.replace and "OR REPLACE", "SERVICE", absent, name),
                f"ON MODEL {_name(statement.model)}",
                _clause("CHECKPOINT =", statement.checkpoint),
                _options(statement.options),
            )
        case DropService():
            return (_words("DROP SERVICE", statement.if_exists and "IF EXISTS", name),)
        case _:
            partitions = ", ".join(map(_name, statement.partitioned_by))
            return (
                _words("CREATE TABLE", statement.if_not_exists and "IF NOT EXISTS", name)
                + _columns("", statement.columns),
                _clause("COMMENT", statement.comment),
                f"PARTITIONED BY ({partitions})" if partitions else "",
                _options(statement.options),
            )


def _words(*words: str | bool) -> str:
    """The words that are there; ``False`` stands for one that is not."""
    return " ".join(word for word in words if isinstance(word, str))


def _name(name: Ident) -> str:
    return ".".join(map(_part, name.parts))


def _part(part: str) -> str:
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", part) and part.upper() not in RESERVED
    return part if plain else "`" + part.replace("`", "``") + "`"


def _string(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _value(value: OptionValue) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    return _string(value) if isinstance(value, str) else repr(value)


def _clause(words: str, text: Text | None) -> str:
    return "" if text is None else f"{words} {_string(text.value)}"


def _block(items: Iterable[str]) -> str:
    return "(\n  " + ",\n  ".join(items) + "\n)"


def _options(options: Sequence[OptionItem]) -> str:
    items = [f"{_string(item.key.value)} = {_value(item.value)}" for item in options]
    return f"WITH {_block(items)}" if items else ""


def _columns(word: str, columns: Columns | None) -> str:
    if columns is None:
        return ""
    items = [
        _words(
            _name(column.name),
            str(column.type),
            not column.nullable and "NOT NULL",
            column.comment != "" and f"COMMENT {_string(column.comment)}",
        )
        for column in columns.items
    ]
    return f"{word} {_block(items)}"


def _source(words: str, source: DataSource | None) -> Sequence[str]:
    if source is None:
        return ()
    of = f"({source.query.sql})" if source.query else _name(source.table) if source.table else ""
    return (f"{words} {of}", f"WHERE {source.where.sql}" if source.where else "")


def _call(body: CallBody) -> str:
    arguments = (
        _string(a.value.value) if isinstance(a.value, Text) else _name(a.value) for a in body.arguments
    )
    return f"{_name(body.function)}({', '.join(arguments)})"
