"""Completion of options: their keys and their values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlrec.assist.candidates import CandidateKind, Offer, strings, words
from sqlrec.assist.describe import default_text, option_summary, option_text, type_text
from sqlrec.assist.place import Place
from sqlrec.assist.statement import Sketch
from sqlrec.models.lookup import PROVIDER, TRAINING, get_controller, model_types, type_key
from sqlrec.spec.options import Option, OptionKind, canonical_key

CHOOSING = {
    "model": "type of the model",
    "provider": "who runs a remote model",
    "type": "kind of the model",
    "algorithm": "what trains the model",
}
"""Keys that name the type of a model, offered until it is known."""
KINDS = ("import", "remote", "training")
LISTS = (OptionKind.STRING_LIST, OptionKind.INT_LIST)


def key_offers(sketch: Sketch, place: Place) -> Iterator[Offer]:
    """Keys that may be given and are not yet; those of columns once for each column."""
    options = sketch.options
    given = options.given if options else sketch.given
    if options is None and sketch.verb == "CREATE" and "MODEL" in sketch.keys:
        yield from (
            Offer(key, CandidateKind.OPTION, doc, string=bool(place.quote))
            for key, doc in CHOOSING.items()
            if key not in given
        )
    for option in options.declared.options if options else ():
        if options is None or options.scope not in option.scopes:
            continue
        for key in _keys(option, sketch.columns):
            if canonical_key(key) not in given:
                summary = option_summary(option)
                yield Offer(key, CandidateKind.OPTION, summary, option_text(option), string=bool(place.quote))


def _keys(option: Option, columns: Iterable[str]) -> Iterable[str]:
    """The key, for each column when it is about one; else up to the name that is to be filled in."""
    if option.key.startswith("column.{f}"):
        return (option.key.replace("{f}", column) for column in columns)
    return (option.key.partition("{f}")[0],)


def value_offers(key: str, sketch: Sketch, *, first: bool) -> Iterator[Offer]:
    """Values of an option: those there are, the columns it may name, its default.

    ``first`` is false for a further item of a list.
    """
    yield from _types(key, sketch)
    options = sketch.options
    option = options.declared.find(key) if options else None
    if option is None:
        return
    if option.kind is OptionKind.BOOLEAN:
        yield from words(("TRUE", "FALSE"), CandidateKind.VALUE, "boolean")
    yield from strings(option.choices, CandidateKind.VALUE, option_summary(option))
    if option.kind is OptionKind.STRING_LIST and not option.choices:
        yield from strings(sketch.columns, CandidateKind.COLUMN)
    closed = bool(option.choices) or option.kind is OptionKind.BOOLEAN
    if first and not closed and option.default not in (None, (), ""):
        yield Offer(default_text(option.default), CandidateKind.VALUE, "default", string=_is_text(option))


def is_list(key: str, sketch: Sketch) -> bool:
    """Whether an option takes several values, separated by commas."""
    option = sketch.options.declared.find(key) if sketch.options else None
    return option is not None and option.kind in LISTS


def _is_text(option: Option) -> bool:
    return option.kind not in (OptionKind.INT, OptionKind.DOUBLE)


def _types(key: str, sketch: Sketch) -> Iterator[Offer]:
    """Types, providers and algorithms, for the key that names one in CREATE MODEL."""
    if sketch.verb != "CREATE" or sketch.named("MODEL") is None or "SERVICE" in sketch.keys:
        return
    folded = canonical_key(key)
    if folded == "type":
        yield from strings(KINDS, CandidateKind.TYPE)
    prefix = {"provider": PROVIDER, "algorithm": TRAINING, "model": ""}.get(folded)
    if prefix is None or (folded == "model" and type_key(sketch.given) != "model"):
        return
    for name in model_types():
        plain = not prefix and not name.startswith((PROVIDER, TRAINING)) and name not in KINDS
        if plain or (prefix and name.startswith(prefix)):
            doc = type_text(get_controller(name))
            yield Offer(name.removeprefix(prefix), CandidateKind.TYPE, "model type", doc, string=True)
