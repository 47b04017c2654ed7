"""Names and references as steps hold them: what a statement wrote, in the form that compares equal."""

from __future__ import annotations

from sqlrec.plan.plan import Ref, RefKind
from sqlrec.plan.templates import canonical
from sqlrec.spec.names import ModelName
from sqlrec.spec.table import Relation, TableSource
from sqlrec.sql.statements import Ident, Text


def model_name(name: Ident) -> ModelName:
    """The full name of a model as written."""
    return ModelName.of(*name.parts)


def checkpoint_name(text: Text | None) -> str:
    """The name in a CHECKPOINT or FROM clause, or an empty string without one."""
    return canonical(text.value.strip()) if text else ""


def model_ref(name: ModelName) -> Ref:
    """A model."""
    return Ref(RefKind.MODEL, name.key)


def checkpoint_ref(model: ModelName, name: str) -> Ref:
    """A checkpoint, by its name as written: templates are compared as text."""
    return Ref(RefKind.CHECKPOINT, f"{model.key}@{name.casefold()}")


def service_ref(name: str) -> Ref:
    """A service."""
    return Ref(RefKind.SERVICE, name.casefold())


def table_refs(*relations: Relation | None) -> tuple[Ref, ...]:
    """The tables that relations read."""
    names = (name.casefold() for relation in relations if relation for name in relation.sources)
    return tuple(Ref(RefKind.TABLE, name) for name in dict.fromkeys(names))


def written_refs(target: TableSource | None) -> tuple[Ref, ...]:
    """The table that rows are put into, if there is one."""
    return (Ref(RefKind.TABLE, target.name.casefold()),) if target else ()
