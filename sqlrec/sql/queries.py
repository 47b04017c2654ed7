"""Queries and conditions of the dialect → text that DuckDB runs.

A query means what DuckDB makes of it: the text is kept as it was written, word for word, and only what
DuckDB cannot read is replaced. So no cast, division, NULL ordering or array index changes its meaning on
the way through another dialect's syntax tree, as it would when sqlglot read the text in its own or
Spark's dialect and printed it for DuckDB. Replaced are

* back-quoted names, by double-quoted ones;
* string literals with templates, by parameters (``DATE '{{ ds }}'`` by ``CAST($p1 AS DATE)``);
* types of CAST that only Flink's dialect has (``ARRAY<BIGINT>``, ``BYTES``, ``TIMESTAMP_LTZ(3)``);
* comments and white space, by one blank, so that they make no difference to a plan.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from sqlrec.errors import Diagnostic, Span
from sqlrec.sql.cursor import did_you_mean
from sqlrec.sql.lexer import Kind
from sqlrec.sql.lowering import LoweredText, QueryProblem, lowered, quoted
from sqlrec.sql.reading import Read, Unreadable, reads_of_condition, reads_of_query
from sqlrec.sql.statements import DataSource, Ident, QueryText

CLAUSES = (
    *("SELECT", "FROM", "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "JOIN", "UNION", "DISTINCT"),
    *("VALIDATE", "WITH"),
)

__all__ = ["Lowered", "QueryProblem", "check", "check_condition", "lower", "lower_source"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowered:
    """A query in DuckDB's dialect.

    ``tables`` are the tables it reads, each once, in order, with their places in the script; names that
    its own WITH defines are not among them. ``parameters`` gives the template of each ``$p1`` ….
    """

    query: str
    tables: tuple[Ident, ...]
    parameters: Mapping[str, str]


def lower(query: QueryText) -> Lowered:
    """The query as DuckDB runs it.

    Raises ``QueryProblem``; never for a query of a statement that ``script.parse`` returned.
    """
    lowering = _Lowering()
    text = lowering.query(query)
    return Lowered(query=text, tables=tuple(lowering.tables.values()), parameters=lowering.parameters)


def lower_source(source: DataSource) -> Lowered:
    """``SELECT * FROM`` the table or query, with its WHERE. Raises as :func:`lower` does."""
    lowering = _Lowering()
    if source.query is not None:
        relation = f"({lowering.query(source.query)}) AS source"
    else:
        assert source.table is not None, "a source is a table or a query"
        lowering.add(source.table)
        relation = ".".join(map(quoted, source.table.parts))
    words = ["SELECT * FROM", relation]
    if source.where is not None:
        words.append(f"WHERE ({lowering.condition(source.where)})")
    return Lowered(
        query=" ".join(words), tables=tuple(lowering.tables.values()), parameters=lowering.parameters
    )


def check(query: QueryText) -> tuple[Diagnostic, ...]:
    """The problem of a query, if it has one."""
    return _problem(_Lowering().query, query)


def check_condition(condition: QueryText) -> tuple[Diagnostic, ...]:
    """The problem of a condition, if it has one."""
    return _problem(_Lowering().condition, condition)


def _problem(lower: Callable[[QueryText], str], text: QueryText) -> tuple[Diagnostic, ...]:
    try:
        lower(text)
    except QueryProblem as error:
        return (error.diagnostic,)
    return ()


@dataclass(slots=True)
class _Lowering:
    """A result in the making: its query and its condition share parameters and tables."""

    parameters: dict[str, str] = field(default_factory=dict)
    tables: dict[tuple[str, ...], Ident] = field(default_factory=dict)

    def query(self, query: QueryText) -> str:
        return self._read(query, reads_of_query)

    def condition(self, condition: QueryText) -> str:
        return self._read(condition, reads_of_condition)

    def add(self, table: Ident) -> None:
        self.tables.setdefault(tuple(part.casefold() for part in table.parts), table)

    def _read(self, source: QueryText, reader: Callable[[str], tuple[Read, ...]]) -> str:
        text = lowered(source, self.parameters)
        try:
            reads = reader(text.text)
        except Unreadable as error:
            raise _located(error, text) from None
        for read in reads:
            self.add(_table(read, text))
        return text.text


def _table(read: Read, text: LoweredText) -> Ident:
    first, last = text.tokens[text.index(read.start)], text.tokens[text.index(read.end - 1)]
    span = first.span.to(last.span)
    if first.kind is Kind.STRING:
        hint = "declare the file: CREATE TABLE name WITH (connector = …, path = …)"
        raise QueryProblem("SR109", "a table is named, not given as a string", span, hint)
    if len(read.parts) > 3:
        raise QueryProblem("SR104", f"the table name has at most 3 parts, not {len(read.parts)}", span)
    return Ident(read.parts, span)


def _located(error: Unreadable, text: LoweredText) -> QueryProblem:
    """The problem at its place in the script, with a hint when a word near it looks misspelt."""
    if error.start is None:
        end = text.tokens[-1].end
        return QueryProblem("SR109", error.message, Span(end, end + 1))
    index = text.index(error.start)
    near = [t for t in text.tokens[max(index - 1, 0) : index + 1] if t.kind is Kind.WORD]
    hints = (did_you_mean(t.value, CLAUSES) for t in near if t.key not in CLAUSES)
    hint = error.hint or _sqlflow(text) or next((h for h in hints if h), "")
    return QueryProblem("SR109", error.message, text.tokens[index].span, hint)


def _sqlflow(text: LoweredText) -> str:
    keys = [token.key for token in text.tokens]
    found = any(pair in (("TO", "TRAIN"), ("TO", "PREDICT")) for pair in pairwise(keys))
    return "this is SQLFlow's syntax: write TRAIN MODEL … ON …, or CALL" if found else ""
