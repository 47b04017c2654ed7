"""What stands for a call of a model in the query that DuckDB gets.

* ML_PREDICT and ML_EVALUATE over a table or query: a table of that name, made before the query runs;
* the same over VALUES, or over expressions in FROM, and VECTOR_SEARCH: a table function;
* a prediction that is one value: a scalar function;
* ML_EVALUATE over expressions: a scalar function of the list of rows.

Arguments that are expressions stay where they are, token by token, so that whatever is wrong with them is
found at its place.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never

from sqlrec.errors import Span
from sqlrec.sql.cursor import CLOSING, Cursor, problem
from sqlrec.sql.inference import (
    EvaluateRows,
    EvaluateTable,
    Function,
    InferenceCall,
    Input,
    InputQuery,
    InputTable,
    PredictTable,
    PredictValues,
    VectorSearch,
)
from sqlrec.sql.inference_grammar import call
from sqlrec.sql.inference_sites import Site, sites
from sqlrec.sql.lexer import Kind, Token
from sqlrec.sql.statements import QueryText

BASES = {
    Function.PREDICT: "ml_predict",
    Function.EVALUATE: "ml_evaluate",
    Function.SEARCH: "vector_search",
    Function.EMBED: "ml_embed",
    Function.COMPLETE: "ai_complete",
    Function.EMBEDDING: "ai_embedding",
}
"""What the names begin with that stand for calls."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A call and the name that stands for it. ``site`` says where it begins, ``end`` where its tokens end."""

    name: str
    call: InferenceCall
    site: Site
    end: int


def replace_calls(
    text: str,
    tokens: Sequence[Token],
    pieces: list[str],
    name_of: Callable[[Token, str], str],
) -> tuple[Placed, ...]:
    """Write names in place of the calls of a query and return them, outer before inner ones.

    ``pieces`` is the text of each token, changed in place; ``name_of`` gives the name of the call at a
    token. A call in the input query of another is left to the lowering of that query. Raises
    ``SyntaxProblem``.
    """
    placed: list[Placed] = []
    cursor = Cursor(text, tokens)
    for site in sites(tokens):
        if not pieces[site.index]:
            continue
        cursor.index = site.index
        found = call(cursor, in_from=site.in_from)
        end = cursor.index
        last = _wrapped_end(tokens, site, end, cursor)
        name = name_of(tokens[site.index], BASES[Function(tokens[site.index].key)])
        _write(found, name, range(site.first, last), tokens, pieces)
        placed.append(Placed(name, found, site, end))
    return tuple(placed)


def _wrapped_end(tokens: Sequence[Token], site: Site, end: int, cursor: Cursor) -> int:
    """Where the brackets of TABLE around a call end."""
    if any(token.key == "TABLE" for token in tokens[site.first : site.index]):
        cursor.expect(")", context=f"after {tokens[site.index].key}(…)")
        return cursor.index
    return end


def _write(found: InferenceCall, name: str, where: range, tokens: Sequence[Token], pieces: list[str]) -> None:
    kept: dict[int, str]
    match found:
        case PredictTable(input=InputQuery(is_values=True) as rows):
            kept = _rows(rows, name, len(found.columns), where, tokens, pieces)
        case PredictTable() | EvaluateTable():
            kept = {where[0]: f'"{name}"'}
        case PredictValues(values=values):
            kept = _arguments(name, values, where, tokens, pieces)
        case EvaluateRows(label=label, features=features):
            values = (label, *features)
            kept = _arguments(name, values, where, tokens, pieces, opening="(list(row(", closing=")))")
        case VectorSearch(query=query):
            kept = _arguments(name, (query,), where, tokens, pieces)
        case _:
            assert_never(found)
    for index in where:
        pieces[index] = kept.get(index, "")


def _arguments(
    name: str,
    values: Sequence[QueryText],
    where: range,
    tokens: Sequence[Token],
    pieces: list[str],
    *,
    opening: str = "(",
    closing: str = ")",
) -> dict[int, str]:
    """``name(value, …)``: the tokens of the values as they are, each but the last with a comma after it."""
    kept: dict[int, str] = {where[0]: f"{name}{opening}", where[-1]: closing}
    starts = [tokens[index].start for index in where]
    for number, value in enumerate(values):
        inside = _within(value.span, where[0], starts)
        kept |= {index: pieces[index] for index in inside}
        if number < len(values) - 1:
            kept[inside[-1] + 1] = ","
    return kept


def _within(span: Span, first: int, starts: Sequence[int]) -> range:
    """Which tokens stand in a span; ``starts`` are the places of those from index ``first`` on."""
    return range(first + bisect_left(starts, span.start), first + bisect_left(starts, span.end))


def _rows(
    rows: InputQuery, name: str, width: int, where: range, tokens: Sequence[Token], pieces: list[str]
) -> dict[int, str]:
    """``(FROM name(…) UNION ALL FROM name(…))``: a call for each row of VALUES, of ``width`` values."""
    inside = _within(rows.query.span, where[0], [tokens[index].start for index in where])
    kept = {index: pieces[index] for index in inside}
    kept[inside[0]] = f"(FROM {name}"
    depth = commas = 0
    for index in inside[1:]:
        key = tokens[index].key
        depth += (key in CLOSING) - (key in CLOSING.values())
        commas += key == "," and depth == 1
        if key == ")" and not depth:
            _check_width(commas + 1, width, tokens[index].span)
            commas = 0
        elif key == "," and not depth:
            kept[index] = f" UNION ALL FROM {name}"
    return kept | {where[-1]: ")"}


def _check_width(given: int, width: int, end: Span) -> None:
    if given != width:
        message = f"a row of VALUES has {given} values, DESCRIPTOR names {width}"
        raise problem("SR130", message, end, "name each value once, in order")


def input_tokens(placed: Placed, tokens: Sequence[Token]) -> list[Token]:
    """The query of a call's input, with what it needs of what WITH defines around it.

    Empty for a call whose input is its arguments.
    """
    if isinstance(placed.call, PredictValues | EvaluateRows):
        return []
    source = placed.call.input
    if isinstance(placed.call, PredictTable) and isinstance(source, InputQuery) and source.is_values:
        return []
    own = _own(source, tokens[placed.site.index : placed.end])
    needed = _needed(own, placed.site.visible, tokens)
    if not needed:
        return own
    before, first, last = needed[0][0].start, own[0].start, own[-1].end
    prefix = [_inserted("WITH", before), *([_inserted("RECURSIVE", before)] * placed.site.recursive)]
    for number, cte in enumerate(needed):
        prefix += [_inserted(",", cte[0].start)] * bool(number)
        prefix += cte
    select = [_inserted("SELECT * FROM", first), _inserted("(", first)]
    return [*prefix, *select, *own, _inserted(")", last)]


def _needed(
    own: Iterable[Token], visible: Sequence[tuple[int, int]], tokens: Sequence[Token]
) -> list[Sequence[Token]]:
    """Those of the visible common table expressions that the tokens name, and those that these name."""
    words = {token.value.casefold() for token in own}
    needed: list[Sequence[Token]] = []
    for start, end in reversed(visible):
        if tokens[start].value.casefold() in words:
            needed.insert(0, tokens[start:end])
            words |= {token.value.casefold() for token in tokens[start:end]}
    return needed


def _own(source: Input, tokens: Sequence[Token]) -> list[Token]:
    span = source.name.span if isinstance(source, InputTable) else source.query.span
    own = [token for token in tokens if span.start <= token.start and token.end <= span.end]
    if isinstance(source, InputQuery):
        return own
    # As quoted names, because DuckDB reserves words that we do not.
    names = (token._replace(kind=Kind.QUOTED, key="") if token.key != "." else token for token in own)
    return [_inserted("SELECT * FROM", span.start), *names]


def _inserted(text: str, place: int) -> Token:
    """A word that is not in the script, at a place in it; it has no length."""
    kind = Kind.WORD if text.isalpha() else Kind.SYMBOL
    return Token(kind, text, text.rpartition(" ")[2], place, place)
