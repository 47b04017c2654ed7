"""What may be written at a place of a script.

The grammar says what can follow; the names in force, the warehouse and the declared options say which.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlrec.assist.candidates import Candidate, CandidateKind, Offer, fitting, strings
from sqlrec.assist.describe import statement_text
from sqlrec.assist.expect import QUERIES, Expected, expected
from sqlrec.assist.notation import Slot, Word
from sqlrec.assist.options import is_list, value_offers
from sqlrec.assist.place import Place, place_at
from sqlrec.assist.queries import begin_offers, query_offers
from sqlrec.assist.slots import At, slot_offers
from sqlrec.assist.statement import Sketch
from sqlrec.assist.world import World
from sqlrec.codes.statements import statement_entries
from sqlrec.sql.lexer import Token, tokens

TEMPLATES = ("ds", "ds_nodash", "ts", "ts_nodash", "logical_date", "run_id")


def complete(text: str, offset: int, world: World) -> list[Candidate]:
    """All that fits at a place, ``offset`` characters from the beginning; nothing inside comments.

    In the order of the grammar, each text once.
    """
    place = place_at(text, offset)
    if place is None:
        return []
    scope = world.scope(text[: place.begin])
    declared = (source.name for source in (*scope.tables.values(), *scope.caches.values()))
    tables = {name.casefold(): name for name in (*world.tables(), *declared)}
    at = At(place=place, sketch=Sketch(place.tokens, scope), tables=tuple(tables.values()))
    if place.quote and "{{" in place.prefix.rpartition("}}")[2]:
        return list(_templates(at))
    around = (*place.tokens, *tokens(text[offset:].partition(";")[0]))
    found: dict[str, Candidate] = {}
    for item in expected(place.tokens):
        for candidate in _candidates(item, at, around):
            found.setdefault(candidate.text, candidate)
    return list(found.values())


def _candidates(item: Expected, at: At, around: Sequence[Token]) -> Iterator[Candidate]:
    if isinstance(item.node, Word):
        return fitting([_keyword(item.node, first=not at.place.tokens)], at.place)
    if item.node.name == "value":
        return _values(at)
    if item.node.name not in QUERIES:
        return fitting(slot_offers(item.node, at), at.place)
    return _query(item.node, at.place.tokens[item.start :], at, around)


def _keyword(word: Word, *, first: bool) -> Offer:
    """A word with those that follow it; one that begins a statement says what the statement does."""
    entry = next((e for e in statement_entries() if first and e.name.startswith(word.phrase)), None)
    if entry is None:
        return Offer(word.phrase, CandidateKind.KEYWORD)
    return Offer(word.phrase, CandidateKind.KEYWORD, entry.group, statement_text(entry))


def _query(slot: Slot, written: Sequence[Token], at: At, around: Sequence[Token]) -> Iterator[Candidate]:
    if not written and slot.name == "query":
        return fitting(begin_offers(), at.place)
    offers = query_offers(written, around, at.scope, at.tables, at.place.prefix)
    return fitting(offers, at.place, whole=False)


def _values(at: At) -> Iterator[Candidate]:
    """Values of the option whose key stands before; in a list, what goes on from its last comma."""
    key, place = at.sketch.key, at.place
    further = bool(place.quote) and "," in place.prefix and is_list(key, at.sketch)
    if further:
        place = _last(place, place.prefix.rpartition(",")[2].lstrip())
    return fitting(value_offers(key, at.sketch, first=not further), place)


def _templates(at: At) -> Iterator[Candidate]:
    """Templates that go on from the braces in a string."""
    begun = at.place.prefix[at.place.prefix.rindex("{{") :]
    params = (f"params.{name}" for name in at.scope.params)
    texts = (f"{{{{ {name} }}}}" for name in (*TEMPLATES, *params))
    typed = replace(_last(at.place, begun), prefix="{{ " + begun[2:].lstrip())
    for found in fitting(strings(texts, CandidateKind.TEMPLATE, "rendered when run"), typed):
        end = at.place.start + len(at.place.prefix)
        yield replace(found, start=end - len(begun), end=end)


def _last(place: Place, prefix: str) -> Place:
    """The place with the end of its prefix alone."""
    return replace(place, start=place.start + len(place.prefix) - len(prefix), prefix=prefix)
