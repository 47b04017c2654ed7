"""SHOW, DESCRIBE and SHOW CREATE → steps.

What they answer depends on when they run, so they read what they show: they come after every earlier step
that changes such things, and before the later ones.
"""

from __future__ import annotations

from typing import assert_never

from sqlrec.plan.plan import Inspection, InspectStep, Ref, RefKind
from sqlrec.plan.refs import (
    all_of,
    api_ref,
    checkpoint_name,
    function_ref,
    model_ref,
    service_ref,
    table_ref,
)
from sqlrec.plan.scope import ScriptScope
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import OptionValue
from sqlrec.spec.table import TableSource
from sqlrec.sql.statements import Describe, Ident, ObjectKind, Show, ShowCreate

AboutWhatThereIs = Show | Describe | ShowCreate

TABLES = (ObjectKind.TABLE, ObjectKind.VIEW)
MODELS = (ObjectKind.MODEL, ObjectKind.CHECKPOINT)


def resolve_inspect(statement: AboutWhatThereIs, scope: ScriptScope) -> InspectStep:
    """The step of a statement that shows what there is."""
    match statement:
        case Show():
            return _show(statement, scope)
        case Describe():
            return _named(statement, Inspection.DESCRIBE, scope)
        case ShowCreate():
            return _named(statement, Inspection.SHOW_CREATE, scope)
        case _:
            assert_never(statement)


def _show(statement: Show, scope: ScriptScope) -> InspectStep:
    of_model = statement.kind is ObjectKind.CHECKPOINT and statement.of is not None
    name = ""
    if statement.of is not None:
        name = _model(statement.of, scope).full if of_model else database_name(statement.of, scope)
    return InspectStep(
        id="",
        line=0,
        sql="",
        action=Inspection.SHOW,
        kind=statement.kind,
        name=name,
        database=".".join(scope.namespace),
        like=statement.like.value if statement.like else "",
        negated=statement.negated,
        temporary=tuple(scope.temporary.values()) if statement.kind in MODELS else (),
        settings=_settings(statement, scope),
        tables=_tables(scope) if statement.kind in TABLES else {},
        reads=_refs(statement.kind, name if of_model else "", shown=True),
    )


def _settings(statement: Show, scope: ScriptScope) -> dict[str, OptionValue]:
    return dict(scope.settings) if statement.kind is ObjectKind.SETTING else {}


def _tables(scope: ScriptScope) -> dict[str, TableSource]:
    return {table.name: table for table in (*scope.tables.values(), *scope.caches.values())}


def _named(statement: Describe | ShowCreate, action: Inspection, scope: ScriptScope) -> InspectStep:
    kind = statement.kind
    model = _model(statement.name, scope) if kind in MODELS else None
    name = model.full if model else statement.name.text
    temporary = scope.temporary.get(model.key) if model else None
    described = statement if isinstance(statement, Describe) else None
    return InspectStep(
        id="",
        line=0,
        sql="",
        action=action,
        kind=kind,
        name=name,
        database=".".join(scope.namespace),
        checkpoint=checkpoint_name(described.checkpoint) if described else "",
        formatted=described.formatted if described else False,
        temporary=(temporary,) if temporary else (),
        tables={name: scope.table(statement.name)} if kind in TABLES else {},
        reads=() if temporary else _refs(kind, name),
    )


def _model(name: Ident, scope: ScriptScope) -> ModelName:
    return scope.as_declared(scope.model_name(name))


def database_name(name: Ident, scope: ScriptScope) -> str:
    """``catalog.database`` of a database as written."""
    return ".".join((*scope.namespace[: 2 - len(name.parts)], *name.parts))


def _refs(kind: ObjectKind, name: str, *, shown: bool = False) -> tuple[Ref, ...]:
    """All things of a kind, or one. A model's checkpoints, metrics and services are shown with it.

    A model may be named with a version (``m$2``).
    """
    match kind:
        case ObjectKind.CHECKPOINT | ObjectKind.MODEL if name:
            model = ModelName.parse(name.rpartition("$")[0] or name)
            parts = (all_of(part, f"{model.key}@") for part in (RefKind.CHECKPOINT, RefKind.GATE))
            return (model_ref(model), *parts, all_of(RefKind.SERVICE))
        case ObjectKind.CHECKPOINT | ObjectKind.MODEL | ObjectKind.DATABASE | ObjectKind.CATALOG:
            return (all_of(RefKind.MODEL),)
        case ObjectKind.SERVICE:
            return (all_of(RefKind.SERVICE) if shown else service_ref(name),)
        case ObjectKind.FUNCTION:
            return (all_of(RefKind.FUNCTION) if shown else function_ref(name),)
        case ObjectKind.API:
            return (all_of(RefKind.API) if shown else api_ref(name),)
        case ObjectKind.TABLE | ObjectKind.VIEW:
            return (all_of(RefKind.TABLE) if shown else table_ref(name),)
        case ObjectKind.SETTING:
            return ()
        case _:
            assert_never(kind)
