"""Canonical text of statements that define and drop tables, views and databases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

from sqlrec.sql.render.words import block, clause, column, name, names, options, query, string, words
from sqlrec.sql.statements import (
    Column,
    ComputedColumn,
    CreateDatabase,
    CreateTable,
    CreateView,
    DropDatabase,
    DropTable,
    DropView,
    MetadataColumn,
    PrimaryKey,
    TableColumn,
    TableColumns,
)


def lines(
    statement: CreateTable | DropTable | CreateView | DropView | CreateDatabase | DropDatabase,
) -> Sequence[str]:
    """The clauses of the statement; empty ones are left out."""
    shown = name(statement.name)
    match statement:
        case CreateTable():
            return _create_table(statement)
        case CreateView():
            temporary, absent = _flags(statement)
            listed = names(statement.columns)
            return (
                words("CREATE", temporary, "VIEW", absent, shown, listed != "" and listed),
                clause("COMMENT", statement.comment),
                f"AS {query(statement.query)}",
            )
        case CreateDatabase():
            return (
                words("CREATE DATABASE", statement.if_not_exists and "IF NOT EXISTS", shown),
                clause("COMMENT", statement.comment),
                options("WITH", statement.options),
            )
        case DropTable() | DropView():
            kind = "TABLE" if isinstance(statement, DropTable) else "VIEW"
            exists = statement.if_exists and "IF EXISTS"
            return (words("DROP", statement.temporary and "TEMPORARY", kind, exists, shown),)
        case DropDatabase():
            exists = statement.if_exists and "IF EXISTS"
            return (words("DROP DATABASE", exists, shown, statement.cascade and "CASCADE"),)
        case _ as never:
            assert_never(never)


def _flags(statement: CreateTable | CreateView) -> tuple[str | bool, str | bool]:
    return statement.temporary and "TEMPORARY", statement.if_not_exists and "IF NOT EXISTS"


def _create_table(statement: CreateTable) -> Sequence[str]:
    temporary, absent = _flags(statement)
    body = statement.body
    return (
        words(
            "CREATE",
            temporary,
            "TABLE",
            absent,
            name(statement.name),
            body is not None and block(_items(body)),
        ),
        clause("COMMENT", statement.comment),
        f"PARTITIONED BY {names(statement.partitioned_by)}" if statement.partitioned_by else "",
        options("WITH", statement.options),
    )


def _items(body: TableColumns) -> Iterator[str]:
    yield from map(_column, body.items)
    if body.watermark is not None:
        yield f"WATERMARK FOR {name(body.watermark.column)} AS {query(body.watermark.expression)}"
    if body.primary_key is not None:
        yield _key(body.primary_key)


def _column(item: TableColumn) -> str:
    match item:
        case Column():
            return column(item)
        case MetadataColumn():
            key = item.key is not None and clause("FROM", item.key)
            return column(item.column, "METADATA", key, item.virtual and "VIRTUAL")
        case ComputedColumn():
            comment = item.comment != "" and f"COMMENT {string(item.comment)}"
            return words(name(item.name), "AS", query(item.expression), comment)
        case _ as never:
            assert_never(never)


def _key(key: PrimaryKey) -> str:
    return words(
        key.name is not None and f"CONSTRAINT {name(key.name)}",
        f"PRIMARY KEY {names(key.columns)}",
        not key.enforced and "NOT ENFORCED",
    )
