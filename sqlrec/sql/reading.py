"""What sqlglot says about a query: whether it can be read, and which tables it reads.

sqlglot is used as it comes, with its DuckDB dialect: subclasses of its parser fail as soon as its compiled
build is installed. The text given to it is lowered text (see ``queries``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import ParseError

DIALECT = DuckDB()
NOT_A_QUERY = (exp.DML, exp.DDL, exp.Command, exp.Into, exp.Show, exp.Describe)


@dataclass(frozen=True, slots=True)
class Read:
    """A table that is read: its parts, and where they stand in the text (half-open)."""

    parts: tuple[str, ...]
    start: int
    end: int


class Unreadable(Exception):
    """The text is no query. ``start`` is where reading stopped; None stands for its end."""

    def __init__(self, message: str, start: int | None, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.hint = hint


def reads_of_query(text: str) -> tuple[Read, ...]:
    """Tables a query reads, in order. Raises ``Unreadable``."""
    tree = _parse(text, exp.Expr)
    if not isinstance(tree, exp.Query | exp.Values) or isinstance(tree, NOT_A_QUERY):
        hint = "write INSERT INTO t WITH … SELECT …" if isinstance(tree, exp.Insert) else ""
        raise Unreadable("this is not a query", 0, hint)
    return _reads(tree)


def reads_of_condition(text: str) -> tuple[Read, ...]:
    """Tables the subqueries of a condition read, in order. Raises ``Unreadable``."""
    tree = _parse(text, exp.Condition)
    if isinstance(tree, exp.Star):
        raise Unreadable("this is not a condition", 0)
    return _reads(tree)


@dataclass(frozen=True, slots=True)
class Sources:
    """``names`` that columns of a text can be qualified with, and ``qualifiers`` they are qualified with.

    All in lower case; a query inside counts as part of the text.
    """

    names: frozenset[str]
    qualifiers: frozenset[str]


def sources_of(text: str) -> Sources:
    """The names and qualifiers of a query or condition that can be read."""
    names: set[str] = set()
    qualifiers: set[str] = set()
    for tree in DIALECT.parse(text):
        for node in tree.walk() if tree else ():
            if isinstance(node, exp.Table | exp.Subquery | exp.CTE | exp.Lateral):
                names.add(node.alias_or_name.casefold())
            elif isinstance(node, exp.Column):
                qualifiers |= {part.name.casefold() for part in node.parts[:-1]}
    return Sources(frozenset(names), frozenset(qualifiers))


def _parse(text: str, into: type[exp.Expr]) -> exp.Expr:
    parser = DIALECT.parser(error_message_context=len(text) + 1)
    try:
        tokens = DIALECT.tokenize(text)
        found = parser.parse(tokens, text) if into is exp.Expr else parser.parse_into(into, tokens, text)
    except ParseError as error:
        raise _explained(error, text) from None
    except RecursionError:
        raise Unreadable("the query is nested too deeply", 0, "split it with CACHE TABLE") from None
    except Exception:  # on bad text sqlglot may also trip over itself ({: 1} is an AttributeError)
        raise Unreadable("this cannot be read as SQL", 0) from None
    tree = found[0]
    if tree is None or len(found) > 1:
        raise Unreadable("this is not one query", 0)
    return tree


def _explained(error: ParseError, text: str) -> Unreadable:
    """The error in our words. With a context as long as the text, its length is the place."""
    first = error.errors[0]
    description = str(first["description"])
    start = len(str(first["start_context"]))
    found = str(first["highlight"])
    at_end = start + len(found) >= len(text.rstrip())
    if at_end and "Unexpected token" not in description:
        return Unreadable(f"the query ends too early, after '{found}'", None)
    wanted = re.fullmatch(r"Expect(?:ed|ing) ([^<]*)", description)
    if wanted is None:
        return Unreadable(f"unexpected '{found}' in the query", start)
    if " after " in wanted[1]:
        return Unreadable(f"expected {wanted[1]}", start)
    symbol = wanted[1] if wanted[1].isalpha() else repr(wanted[1])
    return Unreadable(f"expected {symbol}, found '{found}'", start)


def _reads(tree: exp.Expr) -> tuple[Read, ...]:
    found: dict[tuple[str, ...], Read] = {}
    for table, hidden in _tables(tree):
        identifiers = [part for part in table.parts if isinstance(part, exp.Identifier)]
        parts = tuple(identifier.name for identifier in identifiers)
        start = min(int(identifier.meta["start"]) for identifier in identifiers)
        end = max(int(identifier.meta["end"]) for identifier in identifiers) + 1
        folded = tuple(part.casefold() for part in parts)
        if len(parts) == 1 and folded[0] in hidden:
            continue
        if folded not in found or found[folded].start > start:
            found[folded] = Read(parts, start, end)
    return tuple(sorted(found.values(), key=lambda read: read.start))


def _tables(tree: exp.Expr) -> Iterator[tuple[exp.Table, frozenset[str]]]:
    """Named tables, each with the names of the CTEs that can be seen from it."""
    waiting: list[tuple[exp.Expr, frozenset[str]]] = [(tree, frozenset())]
    while waiting:
        node, hidden = waiting.pop()
        if isinstance(node, NOT_A_QUERY):
            raise Unreadable("a query cannot write or define anything", 0)
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier | exp.Dot):
            yield node, hidden
        with_ = node.args.get("with_")
        if isinstance(with_, exp.With):
            names = frozenset(cte.alias.casefold() for cte in with_.expressions)
            seen = hidden | names if with_.args.get("recursive") else hidden
            for cte in with_.expressions:
                waiting.append((cte, seen))
                seen = seen | {cte.alias.casefold()}
            hidden = hidden | names
        waiting.extend((child, hidden) for child in node.iter_expressions() if child is not with_)
