"""CREATE TABLE, with all that Flink lets its column list say."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlrec.sql.cursor import Cursor, problem
from sqlrec.sql.grammar import columns, parts
from sqlrec.sql.grammar.clauses import clauses
from sqlrec.sql.grammar.options import options
from sqlrec.sql.grammar.rows import expression
from sqlrec.sql.statements import (
    Column,
    ComputedColumn,
    CreateTable,
    Ident,
    MetadataColumn,
    OptionItem,
    PrimaryKey,
    TableColumn,
    TableColumns,
    Text,
    Watermark,
)

ORDER = ("COMMENT", "PARTITIONED", "WITH")


def create_table(cursor: Cursor, *, temporary: bool) -> CreateTable:
    """CREATE [TEMPORARY] TABLE, after the word TABLE."""
    if_not_exists = parts.if_absent(cursor)
    name = parts.name(cursor, "the table name", parts=3)
    body = _body(cursor) if cursor.at("(") else None
    comment: Text | None = None
    partitions: tuple[Ident, ...] = ()
    with_: tuple[OptionItem, ...] = ()
    if cursor.at("AS") or cursor.at("LIKE"):
        word = cursor.peek()
        hint = "CACHE TABLE … AS query keeps rows"
        raise problem("SR190", f"CREATE TABLE … {word.key} is not supported yet", word.span, hint)
    for clause in clauses(cursor, ORDER):
        match clause:
            case "COMMENT":
                comment = parts.string(cursor, "the comment")
            case "PARTITIONED":
                cursor.expect("BY", context="after PARTITIONED")
                partitions = _partitions(cursor)
            case _:
                with_ = options(cursor)
    return CreateTable(
        span=cursor.span,
        name=name,
        body=body,
        partitioned_by=partitions,
        options=with_,
        comment=comment,
        temporary=temporary,
        if_not_exists=if_not_exists,
    )


def _partitions(cursor: Cursor) -> tuple[Ident, ...]:
    typed = cursor.at("(") and cursor.peek(2).key in columns.TYPE_NAMES
    if typed:
        message = f"expected ',' or ')', found '{cursor.peek(2).value}'"
        hint = "a column gets its type in the column list"
        raise problem("SR101", message, cursor.peek(2).span, hint)
    return parts.names(cursor, "a column name", context="after PARTITIONED BY")


@dataclass(slots=True)
class _Body:
    """A column list in the making."""

    items: list[TableColumn] = field(default_factory=list)
    watermark: Watermark | None = None
    primary_key: PrimaryKey | None = None


def _body(cursor: Cursor) -> TableColumns:
    """``(item, …)``. A bad item is reported and the list read on."""
    opening = cursor.expect("(")
    body = _Body()
    columns.each_item(cursor, lambda: _item(cursor, body))
    named = [item.column if isinstance(item, MetadataColumn) else item for item in body.items]
    columns.check_twice(cursor, [column.name for column in named])
    span = opening.span.to(cursor.previous.span)
    if not body.items and not cursor.found:
        raise problem("SR101", "a table needs a column", span, "write (name TYPE, …), or no list at all")
    return TableColumns(tuple(body.items), span, body.watermark, body.primary_key)


def _item(cursor: Cursor, body: _Body) -> None:
    first = cursor.peek()
    if cursor.at("WATERMARK", "FOR"):
        if body.watermark is not None:
            raise problem("SR107", "a table has one WATERMARK", first.span, "keep one of them")
        body.watermark = _watermark(cursor)
    elif cursor.at("PRIMARY", "KEY") or (cursor.at("CONSTRAINT") and cursor.peek(2).key == "PRIMARY"):
        _constraint(cursor, body)
    else:
        columns.refuse_unique(cursor)
        body.items.append(_column(cursor, body))


def _watermark(cursor: Cursor) -> Watermark:
    first = cursor.peek()
    cursor.expect("WATERMARK", "FOR")
    column = parts.name(cursor, "the column of the watermark")
    cursor.expect("AS", context="after the column of the watermark")
    found = expression(cursor, "an expression after AS")
    return Watermark(column, found, first.span.to(cursor.previous.span))


def _constraint(cursor: Cursor, body: _Body, column: Ident | None = None) -> None:
    """``[CONSTRAINT name] PRIMARY KEY [(column, …)] [[NOT] ENFORCED]``; a column's own has no list."""
    first = cursor.peek()
    name = parts.name(cursor, "the constraint name") if cursor.accept("CONSTRAINT") else None
    cursor.expect("PRIMARY", "KEY", context="" if name is None else "after the constraint name")
    of = (column,) if column else parts.names(cursor, "a column name", context="after PRIMARY KEY")
    enforced = not cursor.accept("NOT", "ENFORCED")
    if enforced:
        cursor.accept("ENFORCED")
    if body.primary_key is not None:
        raise problem("SR107", "a table has one PRIMARY KEY", first.span, "write PRIMARY KEY (a, b) once")
    body.primary_key = PrimaryKey(of, first.span.to(cursor.previous.span), name, enforced)


def _column(cursor: Cursor, body: _Body) -> TableColumn:
    name = parts.name(cursor, "a column name")
    if cursor.accept("AS"):
        computed = expression(cursor, "an expression after AS")
        return ComputedColumn(name, computed, columns.comment(cursor))
    type_, span = columns.data_type(cursor)
    nullable = not cursor.accept("NOT", "NULL")
    metadata = cursor.accept("METADATA")
    key: Text | None = None
    virtual = False
    if metadata:
        key = parts.string(cursor, "the metadata key") if cursor.accept("FROM") else None
        virtual = cursor.accept("VIRTUAL")
    elif cursor.at("PRIMARY") or cursor.at("CONSTRAINT"):
        _constraint(cursor, body, name)
    column = Column(name, type_, span, nullable, columns.comment(cursor))
    return MetadataColumn(column, key, virtual) if metadata else column
