"""What fits where the grammar names something to fill in: models, tables, checkpoints, keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sqlrec.assist.candidates import CandidateKind, Offer, Offers, names, strings, words
from sqlrec.assist.describe import checkpoint_text
from sqlrec.assist.notation import Slot
from sqlrec.assist.options import key_offers
from sqlrec.assist.place import Place
from sqlrec.assist.statement import Sketch
from sqlrec.plan.scope import ALIAS, ScriptScope
from sqlrec.plan.variables import BUILT_IN
from sqlrec.spec.model import CheckpointKind
from sqlrec.sql.grammar.columns import TYPE_NAMES

CREATING = ("CREATE", "CACHE", "DEFINE", "DECLARE")
CREATED = ("MODEL", "SERVICE", "FUNCTION", "API", "TABLE", "DATABASE", "EXISTS", "DECLARE")


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """A place, the statement so far, and all tables there are."""

    place: Place
    sketch: Sketch
    tables: tuple[str, ...]

    @property
    def scope(self) -> ScriptScope:
        """Names in force."""
        return self.sketch.names


def slot_offers(slot: Slot, at: At) -> Offers:
    """What may be filled in; nothing where a new name is wanted."""
    keys = at.sketch.keys
    is_new = at.sketch.verb in CREATING and "REPLACE" not in keys and "ON" not in keys
    if is_new and keys[-1] in CREATED:
        return ()
    return _SLOTS[slot.name](at) if slot.name in _SLOTS else ()


def _checkpoints(at: At) -> Iterator[Offer]:
    """Checkpoints of the statement's model, of the kind the statement takes; and their aliases."""
    model = at.sketch.model
    kind = {"EXPORT": CheckpointKind.ORIGIN, "CREATE": CheckpointKind.EXPORT}.get(at.sketch.verb)
    if at.sketch.verb == "TRAIN":
        yield Offer("{{ ds_nodash }}", CandidateKind.TEMPLATE, "date of the run", string=True)
    if model is None:
        return
    for made in reversed(at.scope.known_checkpoints(model, kind)):
        doc = checkpoint_text(made)
        yield Offer(made.name, CandidateKind.CHECKPOINT, f"{made.kind} checkpoint", doc, string=True)
    if at.sketch.verb != "TRAIN":
        aliases = (f"{ALIAS}{alias}" for alias in at.scope.alias_names(model))
        yield from strings(aliases, CandidateKind.CHECKPOINT, "alias")


def _aliases(at: At) -> Offers:
    model = at.sketch.model
    return strings(at.scope.alias_names(model) if model else (), CandidateKind.CHECKPOINT, "alias")


def _databases(at: At) -> Offers:
    found: Iterable[str] = at.scope.databases()
    if "CATALOG" in at.sketch.keys:
        found = dict.fromkeys(full.partition(".")[0] for full in found)
    return names(found, CandidateKind.DATABASE)


def _columns(at: At) -> Offers:
    """Columns of the table that is written to, else of the statement's own column list."""
    target = at.sketch.named("INTO") or at.sketch.named("OVERWRITE")
    if target is not None:
        found: Iterable[str] = at.scope.schema(at.scope.table(target)).names
    else:
        found = at.sketch.columns if "PARTITIONED" in at.sketch.keys else ()
    return names(found, CandidateKind.COLUMN)


def _models(at: At) -> Offers:
    return names(at.scope.model_names(), CandidateKind.MODEL)


def _tables(at: At) -> Offers:
    return names(at.tables, CandidateKind.TABLE)


def _services(at: At) -> Offers:
    return names(at.scope.service_names(), CandidateKind.SERVICE)


def _texts(at: At) -> Offers:
    """A string among the arguments of CALL names a service."""
    return strings(at.scope.service_names() if "CALL" in at.sketch.keys else (), CandidateKind.SERVICE)


def _functions(at: At) -> Offers:
    return names((*BUILT_IN, *at.scope.function_names()), CandidateKind.FUNCTION)


def _apis(at: At) -> Offers:
    return names(at.scope.api_names(), CandidateKind.API)


def _named(at: At) -> Offers:
    """What SHOW CREATE, USE and GET name: by the word before."""
    last = at.sketch.keys[-1]
    if last == "(":
        return strings(at.scope.settings, CandidateKind.VALUE, "variable")
    if at.sketch.verb == "USE":
        return _databases(at)
    found = {
        "MODEL": _models,
        "SERVICE": _services,
        "API": _apis,
        "FUNCTION": _functions,
        "TABLE": _tables,
        "VIEW": _tables,
    }.get(last)
    return found(at) if found else ()


_SLOTS: dict[str, Callable[[At], Offers]] = {
    "alias": _aliases,
    "api": _apis,
    "checkpoint": _checkpoints,
    "column": _columns,
    "database": _databases,
    "function": _functions,
    "key": lambda at: key_offers(at.sketch, at.place),
    "model": _models,
    "name": _named,
    "service": _services,
    "table": _tables,
    "text": _texts,
    "type": lambda at: words(TYPE_NAMES, CandidateKind.TYPE, "type"),
}
