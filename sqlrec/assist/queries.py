"""Completion inside queries and conditions: tables, columns, models, words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from sqlrec.assist.candidates import CandidateKind, Offer, names, words
from sqlrec.assist.notation import IN_QUERIES
from sqlrec.assist.statement import NAMES
from sqlrec.codes.statements import statement_entries
from sqlrec.errors import Span
from sqlrec.plan.scope import ScriptScope
from sqlrec.spec.schema import Schema
from sqlrec.sql.cursor import CLOSING
from sqlrec.sql.lexer import Token
from sqlrec.sql.statements import Ident

BEGIN = ("SELECT", "WITH", "VALUES")
CLAUSES = (*BEGIN, "FROM", "WHERE", "GROUP BY", "HAVING", "ORDER BY", "LIMIT", "UNION ALL")
JOINS = ("JOIN", "LEFT JOIN", "ON", "LATERAL", "CROSS APPLY")
WORDS = ("AS", "AND", "OR", "NOT", "IN", "IS NULL", "BETWEEN", "LIKE", "DISTINCT", "EXISTS", "DESC")
VALUES = ("CASE", "WHEN", "THEN", "ELSE", "END", "CAST", "TRUE", "FALSE", "NULL", "INTERVAL")
BEFORE_TABLES = ("FROM", "JOIN", "TABLE", "INTO", "OVERWRITE")
NO_ALIAS = frozenset(" ".join((*CLAUSES, *JOINS, *WORDS, *VALUES, "VALIDATE", "FOR", "PARTITION")).split())


def query_offers(
    written: Sequence[Token], around: Sequence[Token], scope: ScriptScope, tables: Iterable[str], prefix: str
) -> Iterator[Offer]:
    """What may follow ``written`` in a query or condition.

    ``around`` are all tokens of its statement, those behind the cursor too; ``tables`` are names of tables,
    ``prefix`` is what is written of the name at work.
    """
    if prefix.count("."):
        yield from _columns(around, scope, prefix.rpartition(".")[0])
    last = written[-1].key if written else ""
    if last in BEFORE_TABLES or (last == "," and _clause(written) == "FROM"):
        yield from names(tables, CandidateKind.TABLE)
        yield from _functions() if last != "TABLE" else ()
    elif last == "MODEL":
        yield from names(scope.model_names(), CandidateKind.MODEL)
    elif _opened_by(written) == "DESCRIPTOR":
        yield from _columns(around, scope, "")
    elif not prefix.count("."):
        yield from _columns(around, scope, "")
        yield from _functions()
        yield from words((*CLAUSES, *JOINS, *WORDS, *VALUES))


def begin_offers() -> list[Offer]:
    """What a query begins with."""
    return words(BEGIN, detail="query")


def _functions() -> Iterator[Offer]:
    for entry in statement_entries():
        if entry.group == IN_QUERIES:
            yield Offer(entry.name, CandidateKind.FUNCTION, "function", f"{entry.text}\n\n{entry.grammar}")


def _opened_by(written: Sequence[Token]) -> str:
    """The word before the bracket that is open."""
    depth = 0
    for word, token in reversed(list(pairwise(written))):
        depth += (token.key in CLOSING) - (token.key in CLOSING.values())
        if depth > 0:
            return word.key
    return ""


def _clause(written: Sequence[Token]) -> str:
    """The clause at work: the last word that begins one in the bracket that is open."""
    depth = 0
    for token in reversed(written):
        depth += (token.key in CLOSING.values()) - (token.key in CLOSING)
        if depth < 0:
            break
        if depth == 0 and token.key in ("SELECT", "FROM", "WHERE", "BY", "HAVING", "ON", "VALUES"):
            return token.key
    return ""


def _columns(around: Sequence[Token], scope: ScriptScope, of: str) -> Iterator[Offer]:
    """Columns of the statement's tables, or of the one that is called ``of`` there."""
    seen: set[str] = set()
    for table, alias in tables_of(around):
        if of.casefold() not in ("", table.parts[-1].casefold(), table.text.casefold(), alias.casefold()):
            continue
        schema: Schema = scope.schema(scope.table(table))
        for field in schema:
            if field.name.casefold() not in seen:
                seen.add(field.name.casefold())
                yield from names([field.name], CandidateKind.COLUMN, f"{field.type} of {table.text}")


def tables_of(around: Sequence[Token]) -> Iterator[tuple[Ident, str]]:
    """Tables that a statement names, with their aliases."""
    index = 0
    while index < len(around):
        key = around[index].key
        index += 1
        if key not in (*BEFORE_TABLES, "ON"):
            continue
        parts: list[Token] = []
        while index < len(around) and around[index].kind in NAMES:
            parts.append(around[index])
            index += 1
            if index == len(around) or around[index].key != ".":
                break
            index += 1
        if parts:
            span = Span(parts[0].start, parts[-1].end)
            yield Ident(tuple(part.value for part in parts), span), _alias(around[index : index + 2])


def _alias(following: Sequence[Token]) -> str:
    found = following[1:] if following and following[0].key == "AS" else following
    plain = bool(found) and found[0].kind in NAMES and found[0].key not in NO_ALIAS
    return found[0].value if plain else ""
