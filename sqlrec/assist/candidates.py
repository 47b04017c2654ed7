"""What completion offers: a text to insert, of a kind, with a word about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from sqlrec.assist.place import Place
from sqlrec.sql.reserved import RESERVED


class CandidateKind(StrEnum):
    """What a candidate is."""

    KEYWORD = "keyword"
    MODEL = "model"
    TYPE = "type"
    TABLE = "table"
    COLUMN = "column"
    SERVICE = "service"
    CHECKPOINT = "checkpoint"
    FUNCTION = "function"
    API = "api"
    OPTION = "option"
    VALUE = "value"
    DATABASE = "database"
    TEMPLATE = "template"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """``text`` goes in place of ``[start, end)`` of the script; ``detail`` is one line, ``doc`` Markdown."""

    text: str
    kind: CandidateKind
    start: int
    end: int
    detail: str = ""
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """Something to offer, before it is known whether it fits. ``string``: a string in the script."""

    text: str
    kind: CandidateKind
    detail: str = ""
    doc: str = ""
    string: bool = False


Offers = Iterable[Offer]


def words(
    phrases: Iterable[str], kind: CandidateKind = CandidateKind.KEYWORD, detail: str = ""
) -> list[Offer]:
    """Texts to insert as they are."""
    return [Offer(phrase, kind, detail) for phrase in phrases]


def names(found: Iterable[str], kind: CandidateKind, detail: str = "") -> list[Offer]:
    """Names, with dots between their parts; in back-quotes where they need them."""
    return [Offer(".".join(map(quoted_name, name.split("."))), kind, detail or str(kind)) for name in found]


def strings(found: Iterable[str], kind: CandidateKind, detail: str = "") -> list[Offer]:
    """Strings, quoted unless the cursor is in quotes."""
    return [Offer(text, kind, detail or str(kind), string=True) for text in found]


def quoted_name(name: str) -> str:
    """A name as it is written in a statement that SQLRec and Flink read, too."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and name.upper() not in RESERVED
    return name if plain else "`" + name.replace("`", "``") + "`"


def fitting(offers: Offers, place: Place, *, whole: bool = True) -> Iterator[Candidate]:
    """The offers that go on from what is written; ``whole``: with the words before its last dot or dash."""
    prefix = place.prefix if whole else place.word
    end = place.start + len(place.prefix)
    for offer in offers:
        allowed = place.quote != "`" if offer.string else not place.quote
        if allowed and offer.text.casefold().lstrip("`").startswith(prefix.casefold()):
            yield Candidate(
                text=_written(offer, place.quote),
                kind=offer.kind,
                start=end - len(prefix),
                end=end,
                detail=offer.detail,
                doc=offer.doc,
            )


def _written(offer: Offer, quote: str) -> str:
    if not offer.string:
        return offer.text
    inside = offer.text.replace(quote or "'", (quote or "'") * 2)
    return inside if quote else f"'{inside}'"
