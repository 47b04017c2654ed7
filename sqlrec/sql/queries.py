"""Queries and conditions of the dialect → text that DuckDB runs.

A query means what DuckDB makes of it: the text is kept as it was written, word for word, and only what
DuckDB cannot read is replaced. So no cast, division, NULL ordering or array index changes its meaning on
the way through another dialect's syntax tree, as it would when sqlglot read the text in its own or
Spark's dialect and printed it for DuckDB. Replaced are

* back-quoted names, by double-quoted ones;
* string literals with templates, by parameters (``DATE '{{ ds }}'`` by ``CAST($p1 AS DATE)``);
* calls of models (``ML_PREDICT(TABLE t, MODEL m, …)``), by names of tables and functions that stand for
  what the calls give (see ``inference_lowering``);
* what Flink writes in another way (see ``flink``);
* types of CAST that only Flink's dialect has (``ARRAY<BIGINT>``, ``BYTES``, ``TIMESTAMP_LTZ(3)``);
* comments and white space, by one blank, so that they make no difference to a plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import pairwise

from sqlrec.errors import Diagnostic, Span
from sqlrec.sql.cursor import SyntaxProblem, did_you_mean
from sqlrec.sql.inference import EvaluateRows, InferenceCall, PredictValues
from sqlrec.sql.inference_lowering import Placed, input_tokens
from sqlrec.sql.lexer import Kind, Token, tokens
from sqlrec.sql.lowering import LoweredText, QueryProblem, lowered, quoted
from sqlrec.sql.moving import moved
from sqlrec.sql.reading import Read, Unreadable, reads_of_condition, reads_of_query, sources_of
from sqlrec.sql.statements import DataSource, Ident, QueryText

ENDS_EARLY = "complete the query: it ends before something that it needs"
LOOK_BEFORE = "look just before this place: a comma too many, a word missing or misspelt, a bracket left open"
CLAUSES = (
    *("SELECT", "FROM", "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "JOIN", "UNION", "DISTINCT"),
    *("VALIDATE", "WITH"),
)

__all__ = ["Lowered", "LoweredCall", "QueryProblem", "check", "check_condition", "lower", "lower_source"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoweredCall:
    """A call of a model, and the ``name`` that stands for what it gives in the query.

    ``query`` is its input as a query in DuckDB's dialect, over ``tables`` and what the calls before it give;
    empty for a call whose input is its arguments.
    """

    name: str
    call: InferenceCall
    query: str = ""
    tables: tuple[Ident, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowered:
    """A query in DuckDB's dialect.

    ``tables`` are the tables it reads, each once, in order, with their places in the script; names that
    its own WITH defines are not among them. ``parameters`` gives the template of each ``$p1`` …, also for
    the inputs of ``calls``, which are in an order in which they can be made.
    """

    query: str
    tables: tuple[Ident, ...]
    parameters: Mapping[str, str]
    calls: tuple[LoweredCall, ...] = ()


def lower(query: QueryText) -> Lowered:
    """The query as DuckDB runs it.

    Raises ``QueryProblem``; never for a query of a statement that ``script.parse`` returned.
    """
    lowering = _Lowering()
    return lowering.result(lowering.query(query))


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
    return lowering.result(" ".join(words))


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


Reader = Callable[[str], tuple[Read, ...]]


@dataclass(frozen=True, slots=True)
class _Part:
    """Tokens to lower, of a text that begins at ``offset`` of the script."""

    text: str
    offset: int
    tokens: Sequence[Token]


@dataclass(slots=True)
class _Lowering:
    """A result in the making: its query and its condition share parameters, tables and calls."""

    parameters: dict[str, str] = field(default_factory=dict)
    tables: dict[tuple[str, ...], Ident] = field(default_factory=dict)
    calls: dict[str, LoweredCall] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    words: set[str] = field(default_factory=set)

    def result(self, text: str) -> Lowered:
        """What was found, with the text of the whole."""
        return Lowered(
            query=text,
            tables=tuple(self.tables.values()),
            parameters=self.parameters,
            calls=tuple(self.calls.values()),
        )

    def query(self, query: QueryText) -> str:
        return self._read(query, reads_of_query)

    def condition(self, condition: QueryText) -> str:
        return self._read(condition, reads_of_condition)

    def add(self, table: Ident) -> None:
        self.tables.setdefault(_folded(table), table)

    def _read(self, source: QueryText, reader: Reader) -> str:
        """The text of a query of the script, whose tables become those of the result."""
        found = tokens(source.sql)
        if not found:
            raise QueryProblem("SR109", "the query is empty", source.span, "write SELECT …")
        self.words |= {token.value.casefold() for token in found}
        offset = source.span.start
        part = _Part(source.sql, offset, found)
        try:
            text, tables = self._lower(part, reader)
        except (QueryProblem, SyntaxProblem) as error:
            raise QueryProblem.moved(error.diagnostic, offset) from None
        for table in tables:
            self.add(table)
        return text

    def _lower(self, part: _Part, reader: Reader) -> tuple[str, tuple[Ident, ...]]:
        """The text of tokens and the tables it reads; calls in it are lowered before."""
        text = lowered(part.text, part.tokens, self.parameters, partial(self._name, part.offset))
        try:
            reads = reader(text.text)
        except Unreadable as error:
            raise _located(error, text) from None
        around = cache(lambda: sources_of(text.text).names)
        for placed in text.calls:
            self._add_call(placed, part, around)
        known = set(self.names.values())
        tables = (_table(read, text) for read in reads if read.parts[-1] not in known)
        return text.text, tuple(moved(table, part.offset) for table in tables)

    def _name(self, offset: int, token: Token, base: str) -> str:
        """The name of the call at a token: of those that begin so, the first that the query does not use."""
        place = token.start + offset
        number = len(self.names) + 1
        while place not in self.names:
            if f"{base}_{number}" not in self.words:
                self.names[place] = f"{base}_{number}"
            number += 1
        return self.names[place]

    def _add_call(self, placed: Placed, part: _Part, around: Callable[[], frozenset[str]]) -> None:
        """Lower the input of a call, unless that was done: a query may be part of several inputs."""
        if placed.name in self.calls:
            return
        call = moved(placed.call, part.offset)
        found = input_tokens(placed, part.tokens)
        if not found:
            self.calls[placed.name] = LoweredCall(name=placed.name, call=call)
            return
        query, tables = self._lower(replace(part, tokens=found), reads_of_query)
        _check_input(placed, query, tables, around)
        unique = {_folded(table): table for table in reversed(tables)}
        self.calls[placed.name] = LoweredCall(
            name=placed.name, call=call, query=query, tables=tuple(reversed(unique.values()))
        )


def _folded(table: Ident) -> tuple[str, ...]:
    return tuple(part.casefold() for part in table.parts)


def _check_input(
    placed: Placed, query: str, tables: Iterable[Ident], around: Callable[[], frozenset[str]]
) -> None:
    """A call is made once for its whole input, so the input cannot depend on rows of the query around it.

    ``around`` gives the names of that query's tables.
    """
    assert not isinstance(placed.call, PredictValues | EvaluateRows), "calls of values have no input"
    span = placed.call.input.span
    itself = {table.text.casefold() for table in tables} & placed.site.inside
    if itself and placed.site.recursive:
        message = "a call over the recursive query that it is part of parses, but cannot be run yet"
        raise QueryProblem("SR139", message, span, "call the model after the recursion")
    inner = sources_of(query)
    foreign = inner.qualifiers - inner.names
    outside = sorted(foreign & around()) if foreign else ()
    if outside:
        message = f"an input that uses rows of {outside[0]!r} around it parses, but cannot be run yet"
        hint = "put the columns into ML_PREDICT's input: a query with the join inside, or VALUES (…)"
        raise QueryProblem("SR139", message, span, hint)


def _table(read: Read, text: LoweredText) -> Ident:
    first, last = text.tokens[text.index(read.start)], text.tokens[text.index(read.end - 1)]
    span = first.span.to(last.span)
    if first.kind is Kind.STRING:
        hint = "declare the file: CREATE TABLE name WITH (connector = …, path = …)"
        raise QueryProblem("SR109", "a table is named, not given as a string", span, hint)
    if len(read.parts) > 3:
        message = f"the table name has at most 3 parts, not {len(read.parts)}"
        raise QueryProblem("SR104", message, span, "write catalog.database.table, or less")
    return Ident(read.parts, span)


def _located(error: Unreadable, text: LoweredText) -> QueryProblem:
    """The problem at its place in the script, with a hint when a word near it looks misspelt."""
    if error.start is None:
        end = text.tokens[-1].end
        return QueryProblem("SR109", error.message, Span(end, end + 1), error.hint or ENDS_EARLY)
    index = text.index(error.start)
    near = [t for t in text.tokens[max(index - 1, 0) : index + 1] if t.kind is Kind.WORD]
    hints = (did_you_mean(t.value, CLAUSES) for t in near if t.key not in CLAUSES)
    hint = error.hint or _sqlflow(text) or next((h for h in hints if h), LOOK_BEFORE)
    return QueryProblem("SR109", error.message, text.tokens[index].span, hint)


def _sqlflow(text: LoweredText) -> str:
    keys = [token.key for token in text.tokens]
    found = any(pair in (("TO", "TRAIN"), ("TO", "PREDICT")) for pair in pairwise(keys))
    return "this is SQLFlow's syntax: write TRAIN MODEL … ON …, or CALL" if found else ""
