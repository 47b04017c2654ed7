"""Statements about services → steps."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from sqlrec.plan import changes
from sqlrec.plan.options import stored_options
from sqlrec.plan.plan import AlterServiceStep, DeployStep, DropServiceStep, Ref, RefKind, RollbackStep, Step
from sqlrec.plan.refs import all_of, checkpoint_name, checkpoint_ref, model_ref, service_ref
from sqlrec.plan.resolve_models import known_name
from sqlrec.plan.scope import ScriptScope, Served
from sqlrec.spec.following import followed
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import canonical_key
from sqlrec.sql.statements import (
    AlterService,
    CreateService,
    DropService,
    Ident,
    Promote,
    ResetOptions,
    RollbackService,
    ServeCheckpoint,
    ServiceModel,
    SetOptions,
    Text,
)

AboutServices = CreateService | AlterService | RollbackService | DropService


def resolve_services(statement: AboutServices, scope: ScriptScope) -> Step:
    """The step of a statement about a service."""
    match statement:
        case CreateService():
            return _create(statement, scope)
        case AlterService():
            return _alter(statement, scope)
        case RollbackService():
            return _rollback(statement, scope)
        case DropService():
            return _drop(statement, scope)
        case _:
            assert_never(statement)


def _create(statement: CreateService, scope: ScriptScope) -> DeployStep:
    options = stored_options(statement.options)
    first, *others = (_member(model, scope) for model in statement.models)
    first = replace(first, checkpoint=first.checkpoint or followed(options))
    return DeployStep(
        id="",
        line=0,
        sql="",
        service=statement.name.text,
        model=first.model,
        checkpoint=first.checkpoint,
        others=tuple(others),
        replace=statement.replace,
        if_not_exists=statement.if_not_exists,
        options=options,
        reads=tuple(dict.fromkeys(ref for member in (first, *others) for ref in _read(member, scope))),
        writes=(service_ref(statement.name.text),),
    )


def _member(model: ServiceModel, scope: ScriptScope) -> changes.Member:
    name = scope.as_declared(scope.model_name(model.name))
    return changes.Member(model=name, checkpoint=known_name(name, model.checkpoint, scope))


def _read(member: changes.Member, scope: ScriptScope) -> tuple[Ref, ...]:
    checkpoints = _parts(member.model, member.checkpoint, scope) or (_any_of(member.model),)
    return (model_ref(member.model), *checkpoints)


def _any_of(model: ModelName) -> Ref:
    """Whatever checkpoint the model has: the newest export is served when none is named."""
    return all_of(RefKind.CHECKPOINT, f"{model.key}@")


def _parts(model: ModelName, checkpoint: str, scope: ScriptScope) -> tuple[Ref, ...]:
    """The checkpoint and, of a part (``v1_export/user``) of an unknown model type, the whole export."""
    names = [checkpoint] if checkpoint else []
    if "/" in checkpoint and scope.controller(model) is None:
        names.append(checkpoint.rpartition("/")[0])
    return tuple(checkpoint_ref(model, name) for name in names)


def _alter(statement: AlterService, scope: ScriptScope) -> AlterServiceStep:
    served = scope.service(statement.name.text)
    reads: tuple[Ref, ...] = ()
    change: changes.ServiceChange
    match statement.change:
        case ServeCheckpoint(checkpoint=text, options=options):
            checkpoint = _spelt(text, served, scope)
            change = changes.ServeCheckpoint(checkpoint=checkpoint, options=stored_options(options))
            reads = _served(checkpoint, served, scope)
        case SetOptions(options=options):
            change = changes.SetOptions(options=stored_options(options))
            reads = _served(followed(change.options), served, scope)
        case ResetOptions(keys=keys):
            change = changes.ResetOptions(keys=tuple(dict.fromkeys(canonical_key(k.value) for k in keys)))
        case Promote():
            change = changes.Promote()
        case _:
            assert_never(statement.change)
    name = spelt_service(statement.name, scope)
    return AlterServiceStep(
        id="",
        line=0,
        sql="",
        service=name,
        change=change,
        if_exists=statement.if_exists,
        reads=reads,
        writes=(service_ref(name),),
    )


def _rollback(statement: RollbackService, scope: ScriptScope) -> RollbackStep:
    served = scope.service(statement.name.text)
    checkpoint = _spelt(statement.checkpoint, served, scope)
    name = spelt_service(statement.name, scope)
    return RollbackStep(
        id="",
        line=0,
        sql="",
        service=name,
        checkpoint=checkpoint,
        reads=_served(checkpoint, served, scope),
        writes=(service_ref(name),),
    )


def spelt_service(name: Ident, scope: ScriptScope) -> str:
    """A service's name as it was created, when that is known."""
    served = scope.service(name.text)
    return served.name if served else name.text


def _spelt(text: Text | None, served: Served | None, scope: ScriptScope) -> str:
    return known_name(served.model, text, scope) if served else checkpoint_name(text)


def _served(checkpoint: str, served: Served | None, scope: ScriptScope) -> tuple[Ref, ...]:
    """The checkpoint; for a service of an unknown model, all those of the name that the script makes."""
    if not checkpoint:
        return ()
    if served is not None:
        return (model_ref(served.model), *_parts(served.model, checkpoint, scope))
    named = (key for key, name in scope.checkpoints if name == checkpoint.casefold())
    return tuple(checkpoint_ref(ModelName.parse(key), checkpoint) for key in named)


def _drop(statement: DropService, scope: ScriptScope) -> DropServiceStep:
    return DropServiceStep(
        id="",
        line=0,
        sql="",
        service=statement.name.text,
        if_exists=statement.if_exists,
        writes=(service_ref(statement.name.text),),
    )
