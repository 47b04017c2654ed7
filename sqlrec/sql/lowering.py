"""Token by token, the text of a query for DuckDB. See ``queries`` for what is replaced and why."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from sqlrec.errors import Diagnostic, Span
from sqlrec.spec.schema import DataType
from sqlrec.spec.schema import Kind as TypeKind
from sqlrec.sql.cursor import CLOSING
from sqlrec.sql.flink import translate
from sqlrec.sql.inference_lowering import Placed, replace_calls
from sqlrec.sql.lexer import TEMPLATE, Kind, Token

TYPED = ("DATE", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMP_LTZ")
UNITS = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "MILLISECOND")
FLINK_TYPES = ("ARRAY", "MAP", "ROW", "MULTISET", "BYTES", "BINARY", "VARBINARY", "TIME", "TIMESTAMP_LTZ")
"""First words of types that DuckDB does not know, or not with these arguments."""
MAX_DEPTH = 100
MAX_JOINS = 1000
_UNFINISHED = """
SELECT DISTINCT FROM WHERE GROUP ORDER HAVING JOIN ON USING AND OR NOT IN LIKE UNION INTERSECT EXCEPT LIMIT
OFFSET AS WHEN THEN ELSE CASE WITH
"""
UNFINISHED = frozenset(_UNFINISHED.split())
"""Reserved words that cannot end a query; sqlglot takes some of them for names."""
DUCKDB_TYPES = {TypeKind.STRING: "VARCHAR", TypeKind.BYTES: "BLOB", TypeKind.TIMESTAMP_LTZ: "TIMESTAMPTZ"}


class QueryProblem(Exception):
    """A query or condition that cannot be read. ``diagnostic`` has its place in the whole script."""

    def __init__(self, code: str, message: str, span: Span, hint: str = "") -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic(code=code, message=message, span=span, hint=hint)

    @classmethod
    def moved(cls, found: Diagnostic, offset: int) -> QueryProblem:
        """The problem at a place of a query's text, whose text begins at ``offset`` of the script."""
        span = Span(found.span.start + offset, found.span.end + offset)
        return cls(found.code, found.message, span, found.hint)


@dataclass(frozen=True, slots=True)
class LoweredText:
    """The text for DuckDB, and the way back: ``starts[i]`` is where the text of ``tokens[i]`` begins.

    The places of the tokens are those in the text that was lowered. ``calls`` are the calls of models
    for which the text has names.
    """

    text: str
    tokens: Sequence[Token]
    starts: Sequence[int]
    calls: tuple[Placed, ...] = ()

    def index(self, place: int) -> int:
        """Which token stands at a place of the text."""
        return bisect_right(self.starts, place) - 1


def quoted(name: str) -> str:
    """A name in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def lowered(
    text: str,
    found: Sequence[Token],
    parameters: dict[str, str],
    name_of: Callable[[Token, str], str],
) -> LoweredText:
    """The text for DuckDB of tokens of ``text``; new parameters are added to ``parameters``.

    ``name_of`` names the call of a model at a token. Raises ``QueryProblem`` and ``SyntaxProblem``, with
    places in ``text``, for what DuckDB would take in another sense than we do, or not at all.
    """
    _check(found)
    pieces = [text[t.start : t.end] or t.value for t in found]
    calls = replace_calls(text, found, pieces, name_of)
    for index, token in enumerate(found):
        if token.kind is Kind.QUOTED and pieces[index]:
            pieces[index] = quoted(token.value)
        elif token.kind is Kind.STRING and pieces[index]:
            _replace_string(found, pieces, index, parameters)
    _replace_types(found, pieces)
    translate(found, pieces)
    return replace(_joined(found, pieces), calls=calls)


def _joined(found: Sequence[Token], pieces: Sequence[str]) -> LoweredText:
    """Pieces that stood apart are joined by one blank; empty ones are left out.

    A blank follows a parameter in any case: sqlglot reads ``$p1,$`` as the start of a quoted string.
    """
    parts: list[str] = []
    starts: list[int] = []
    length, last_end = 0, found[0].start
    for token, piece in zip(found, pieces, strict=True):
        if piece:
            apart = token.start != last_end or (bool(parts) and parts[-1].startswith("$"))
            parts += (" " if apart else "", piece)
            length += apart
            last_end = token.end if token.end > token.start else -1
        starts.append(length)
        length += len(piece)
    return LoweredText("".join(parts), found, starts)


def _replace_string(
    found: Sequence[Token], pieces: list[str], index: int, parameters: dict[str, str]
) -> None:
    """A string with a template becomes a parameter, with the type that is written before it."""
    token = found[index]
    if not TEMPLATE.search(token.value):
        pieces[index] = "'" + token.value.replace("'", "''") + "'"
        return
    name = f"p{len(parameters) + 1}"
    parameters[name] = token.value
    before = found[index - 1].key if index else ""
    after = found[index + 1].key.removesuffix("S") if index + 1 < len(found) else ""
    pieces[index] = f"${name}"
    if before == "INTERVAL" and after in UNITS:
        pieces[index] = f"( ${name} )"
    elif before == "INTERVAL" or before in TYPED:
        pieces[index - 1] = ""
        pieces[index] = f"CAST( ${name} AS {'TIMESTAMPTZ' if before == 'TIMESTAMP_LTZ' else before})"


def _replace_types(found: Sequence[Token], pieces: list[str]) -> None:
    """Write the types of CAST and TRY_CAST as DuckDB does."""
    opened: list[tuple[bool, int]] = []
    for index, token in enumerate(found):
        if token.key in CLOSING:
            opened.append((index > 0 and found[index - 1].key in ("CAST", "TRY_CAST"), 0))
        elif token.key == "AS" and opened:
            opened[-1] = (opened[-1][0], index + 1)
        elif token.key in CLOSING.values():
            is_cast, start = opened.pop()
            if is_cast and 0 < start < index and found[start].key in FLINK_TYPES:
                _replace_type(found, pieces, start, index)


def _replace_type(found: Sequence[Token], pieces: list[str], start: int, end: int) -> None:
    try:
        written = DataType.parse(" ".join(pieces[start:end]).replace('"', "`"))
    except ValueError as error:
        if "<" not in pieces[start:end]:
            return  # one of DuckDB's own, such as MAP(VARCHAR, INT)
        message = f"this is not a type: {error}"
        span = found[start].span.to(found[end - 1].span)
        raise QueryProblem("SR105", message, span, "write it like ARRAY<INT>") from None
    pieces[start] = _duckdb_type(written, found[start].span)
    pieces[start + 1 : end] = [""] * (end - start - 1)


def _duckdb_type(written: DataType, span: Span) -> str:
    """The type in DuckDB's spelling. Raises ``QueryProblem`` for MULTISET, which it has not."""
    arguments = [_duckdb_type(argument, span) for argument in written.arguments]
    match written.kind:
        case TypeKind.ARRAY:
            return f"{arguments[0]}[]"
        case TypeKind.MAP:
            return f"MAP({', '.join(arguments)})"
        case TypeKind.ROW:
            named = zip(written.names, arguments, strict=True)
            return f"STRUCT({', '.join(f'{quoted(name)} {type_}' for name, type_ in named)})"
        case TypeKind.MULTISET:
            raise QueryProblem("SR109", "a query cannot CAST to MULTISET", span, "use ARRAY")
        case _:
            return DUCKDB_TYPES.get(written.kind, str(written))


def _check(found: Sequence[Token]) -> None:
    """Refuse what DuckDB would read in another way than we do, or what sqlglot lets pass."""
    for before, token, following in zip((None, *found), found, (*found[1:], None), strict=False):
        key = following.key if following else ""
        if token.key in ("$", "?"):
            in_name = before is not None and before.kind is Kind.WORD and before.end == token.start
            hint = "use a template in a string: '{{ params.name }}'"
            hint = "a name with a $ needs back-quotes: `m$2`" if in_name else hint
            raise QueryProblem("SR110", "queries take no parameters", token.span, hint)
        if token.kind in (Kind.QUOTED, Kind.DOUBLE) and TEMPLATE.search(token.value):
            raise QueryProblem("SR110", "a template cannot stand in a name", token.span, "write a fixed name")
        if token.key == "SELECT" and key in ("FROM", "WHERE", ")"):
            raise QueryProblem("SR109", "SELECT names no columns", token.span, "write SELECT * for all")
        if len(token.key) == 1 and following and _prefixes(token, following):
            message = f"strings with a prefix ({token.value}'…') are not part of the dialect"
            raise QueryProblem("SR109", message, token.span, f"leave {token.value} out, or CAST the string")
    _check_depth(found)
    _check_chains(found)
    _check_end(found)


def _check_depth(found: Sequence[Token]) -> None:
    """Refuse unmatched and too many brackets: sqlglot's compiled build has no recursion limit of its own."""
    depth = angles = joins = 0
    for index, token in enumerate(found):
        joins += token.key == "JOIN"
        depth += (token.key in CLOSING) - (token.key in CLOSING.values())
        if depth < 0:
            raise QueryProblem(
                "SR109", f"unmatched '{token.key}'", token.span, "remove it, or open it before"
            )
        if token.key == "<" and index > 0 and found[index - 1].key in (*FLINK_TYPES, "STRUCT"):
            angles += 1
        elif token.key == ">" and angles:
            angles -= 1
        if joins > MAX_JOINS:
            message = f"the query has more than {MAX_JOINS} joins"
            raise QueryProblem("SR109", message, token.span, "split it with CACHE TABLE")
        if depth + angles > MAX_DEPTH:
            message = f"the query is nested more than {MAX_DEPTH} deep"
            raise QueryProblem("SR109", message, token.span, "split it with CACHE TABLE")


def _check_chains(found: Sequence[Token]) -> None:
    """Refuse long chains of ``[…]`` and ``.f()``: sqlglot infers the type of each from all before it."""
    links = 0
    for before, token in pairwise(found):
        if before.key not in ("]", ")"):
            continue
        links = links + 1 if token.key in ("[", ".") else links if token.key in ("]", ")") else 0
        if links > MAX_DEPTH:
            message = f"an expression has more than {MAX_DEPTH} subscripts or calls one after the other"
            raise QueryProblem("SR109", message, token.span, "split it with CACHE TABLE")


def _prefixes(token: Token, following: Token) -> bool:
    return token.kind is Kind.WORD and following.kind is Kind.STRING and token.end == following.start


def _check_end(found: Sequence[Token]) -> None:
    last = found[-1]
    by = last.key == "BY" and len(found) > 1 and found[-2].key in ("GROUP", "ORDER", "PARTITION")
    if by or last.key in UNFINISHED:
        message = f"the query ends too early, after '{last.value}'"
        raise QueryProblem(
            "SR109", message, Span(last.end, last.end + 1), f"complete or remove '{last.value}'"
        )
