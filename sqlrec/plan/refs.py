"""Names and references as steps hold them: what a statement wrote, in the form that compares equal."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from sqlrec.plan.plan import Ref, RefKind
from sqlrec.plan.templates import canonical
from sqlrec.spec.names import ModelName
from sqlrec.spec.table import EvaluatedTable, PredictedTable, Relation, SearchedTable, TableSource
from sqlrec.sql.statements import Text

EVERY = "*"
"""What the name of a reference ends with that stands for all things whose names begin like it."""


def checkpoint_name(text: Text | None) -> str:
    """The name in a CHECKPOINT or FROM clause, or an empty string without one."""
    return canonical(text.value.strip()) if text else ""


def all_of(kind: RefKind, prefix: str = "") -> Ref:
    """All things of a kind, or those whose names begin with ``prefix``."""
    return Ref(kind, prefix + EVERY)


def is_broad(ref: Ref) -> bool:
    """Whether a reference stands for several things."""
    return ref.name.endswith(EVERY)


def covers(broad: Ref, ref: Ref) -> bool:
    """Whether a thing is one of those that a broad reference stands for."""
    return broad.kind is ref.kind and ref.name.startswith(broad.name.removesuffix(EVERY))


def model_ref(name: ModelName) -> Ref:
    """A model."""
    return Ref(RefKind.MODEL, name.key)


def checkpoint_ref(model: ModelName, name: str) -> Ref:
    """A checkpoint, by its name as written: templates are compared as text."""
    return Ref(RefKind.CHECKPOINT, f"{model.key}@{name.casefold()}")


def service_ref(name: str) -> Ref:
    """A service."""
    return Ref(RefKind.SERVICE, name.casefold())


def function_ref(name: str) -> Ref:
    """A SQL function."""
    return Ref(RefKind.FUNCTION, name.casefold())


def api_ref(name: str) -> Ref:
    """An API."""
    return Ref(RefKind.API, name.casefold())


def table_ref(name: str) -> Ref:
    """A table."""
    return Ref(RefKind.TABLE, name.casefold())


def table_refs(*relations: Relation | None) -> tuple[Ref, ...]:
    """The tables that relations read, and the models they call with the services made for these."""
    found = (ref for relation in relations if relation for ref in _refs(relation))
    return tuple(dict.fromkeys(found))


def _refs(relation: Relation) -> Iterator[Ref]:
    yield from (table_ref(source.name) for source in relation.sources.values())
    for call in relation.calls:
        if isinstance(call, PredictedTable | EvaluatedTable | SearchedTable):
            yield from (table_ref(source.name) for source in call.inputs.sources.values())
        if not isinstance(call, SearchedTable):
            yield model_ref(call.model.name)
            yield from map(service_ref, call.model.awaited)


def written_refs(target: TableSource | None) -> tuple[Ref, ...]:
    """The table that rows are put into, if there is one."""
    return (table_ref(target.name),) if target else ()


# Gates: what must have passed

ASSERTED = "assert "


def assertion_gate(query: str) -> Ref:
    """The gate of an ASSERT; named by what it asks, so that its place makes no difference."""
    return Ref(RefKind.GATE, ASSERTED + _hash(query))


def evaluation_gate(model: ModelName, checkpoint: str, facts: str) -> Ref:
    """The gate of an EVALUATE: what it measures, and with which thresholds."""
    return Ref(RefKind.GATE, f"{model.key}@{checkpoint.casefold()} {_hash(facts)}")


def last_assertion(gates: Sequence[Ref]) -> tuple[Ref, ...]:
    """The last ASSERT, which waited for those before it."""
    found = next((gate for gate in reversed(gates) if gate.name.startswith(ASSERTED)), None)
    return (found,) if found else ()


def evaluations(gates: Iterable[Ref], model: ModelName | None, checkpoint: str = "") -> tuple[Ref, ...]:
    """The EVALUATEs of a model, or of one checkpoint of it; without a model, of all."""
    if model is None:
        return tuple(gate for gate in gates if not gate.name.startswith(ASSERTED))
    prefix = f"{model.key}@" + (f"{checkpoint.casefold()} " if checkpoint else "")
    return tuple(gate for gate in gates if gate.name.startswith(prefix))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
