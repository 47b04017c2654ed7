"""ALTER MODEL: the new name is free, the options are the type's, nothing in use is dropped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sqlrec.errors import Diagnostic, Severity, suggest
from sqlrec.models.controller import ModelController
from sqlrec.models.lookup import type_key
from sqlrec.plan import changes
from sqlrec.plan.checks.checkpoints import missing_alias
from sqlrec.plan.checks.models import problem_finding, run_dependent
from sqlrec.plan.effects import altered_options
from sqlrec.plan.options import check_option, stored_options
from sqlrec.plan.resolve import Acting
from sqlrec.plan.resolve_models import alias_name, known_name
from sqlrec.plan.scope import ALIAS, ScriptScope
from sqlrec.plan.templates import is_templated
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import Scope, canonical_key
from sqlrec.sql.statements import (
    AlterModel,
    DropAlias,
    DropCheckpoint,
    OptionItem,
    RenameTo,
    ResetOptions,
    SetOptions,
    Text,
)


def check_alter_model(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """What a change needs beyond a model and a checkpoint that exist."""
    if not isinstance(statement, AlterModel):
        return
    name = scope.model_name(statement.name)
    match statement.change:
        case RenameTo():
            yield from _rename(name, statement.change, scope)
        case SetOptions():
            yield from _set(statement, statement.change, scope)
        case ResetOptions():
            yield from _reset(statement, statement.change, scope)
        case DropCheckpoint(checkpoint=text):
            yield from _unused(name, text, scope)
        case DropAlias(alias=text, if_exists=if_exists):
            if not (if_exists or statement.if_exists):
                yield from _known_alias(name, text, scope)
        case _:
            pass


def _rename(old: ModelName, change: RenameTo, scope: ScriptScope) -> Iterator[Diagnostic]:
    new = scope.model_name(change.name)
    if new.catalog.casefold() != old.catalog.casefold():
        yield Diagnostic(
            code="SR226",
            message=f"The catalog name of the new model name '{new.full}' must be the same as "
            f"the old model name '{old.full}'.",
            span=change.name.span,
            hint=f"a model stays in its catalog: RENAME TO {old.catalog}.{new.database}.{new.name}",
        )
    elif scope.permanent(new) is not None:
        yield Diagnostic(
            code="SR201",
            message=f"Model already exists: {new}",
            span=change.name.span,
            hint="choose a name that is free",
        )


# Options


def _set(statement: AlterModel, change: SetOptions, scope: ScriptScope) -> Iterator[Diagnostic]:
    yield from run_dependent(change.options)
    model = scope.permanent(scope.model_name(statement.name))
    controller = scope.controller_of(model.type) if model else None
    if model is None or controller is None:
        return
    declared = controller.options
    found = [finding for item in change.options for finding in check_option(item, declared, Scope.MODEL)]
    found += _of_type(change.options, model)
    yield from found
    if not found:
        stored = changes.SetOptions(options=stored_options(change.options))
        yield from _altered(statement, stored, model, controller)


def _of_type(items: tuple[OptionItem, ...], model: ModelSpec) -> Iterator[Diagnostic]:
    """What a model is cannot be changed, only how it is."""
    for item in items:
        key = canonical_key(item.key.value)
        same = str(model.options.get(key, "")).casefold() == str(item.value).casefold()
        if key in ("type", type_key(model.options)) and not same:
            yield Diagnostic(
                code="SR317",
                message=f"option {item.key.value!r} says what type the model has, which stays",
                span=item.key.span,
                hint="write CREATE OR REPLACE MODEL, or another model",
            )


def _reset(statement: AlterModel, change: ResetOptions, scope: ScriptScope) -> Iterator[Diagnostic]:
    model = scope.permanent(scope.model_name(statement.name))
    controller = scope.controller_of(model.type) if model else None
    if model is None or controller is None:
        return
    found = [finding for key in change.keys for finding in _reset_key(key, model, controller)]
    yield from found
    if not any(finding.severity is Severity.ERROR for finding in found):
        keys = tuple(canonical_key(key.value) for key in change.keys)
        yield from _altered(statement, changes.ResetOptions(keys=keys), model, controller)


def _reset_key(key: Text, model: ModelSpec, controller: ModelController) -> Iterator[Diagnostic]:
    wanted, given = canonical_key(key.value), list(model.options)
    option = controller.options.find(key.value)
    if (option is not None and option.required) or wanted == type_key(model.options):
        yield Diagnostic(
            code="SR315",
            message=f"option {key.value!r} is required and has no default to go back to",
            span=key.span,
            hint=f"give it another value: SET ('{key.value}' = '…')",
        )
    elif wanted not in given and controller.options.canonical(wanted) not in map(
        controller.options.canonical, given
    ):
        known = [*given, *(o.key for o in controller.options.options if Scope.MODEL in o.scopes)]
        listed = f"set are: {', '.join(given)}"
        yield Diagnostic(
            code="SR314" if option else "SR301",
            message=f"option {key.value!r} is not set" if option else f"unknown option {key.value!r}",
            span=key.span,
            hint=listed if option else suggest(key.value, known) or listed,
            severity=Severity.WARNING if option else Severity.ERROR,
        )


def _altered(
    statement: AlterModel,
    change: changes.SetOptions | changes.ResetOptions,
    model: ModelSpec,
    controller: ModelController,
) -> Iterator[Diagnostic]:
    """What the model's type says of the model as it will be, and did not say of it before."""
    known = set(controller.check(model))
    altered = replace(model, options=altered_options(model.options, change, controller.options))
    items = statement.change.options if isinstance(statement.change, SetOptions) else ()
    brought_about = [problem for problem in controller.check(altered) if problem not in known]
    yield from (problem_finding(problem, items, statement.name.span) for problem in brought_about)


# Checkpoints and aliases


def _unused(model: ModelName, text: Text, scope: ScriptScope) -> Iterator[Diagnostic]:
    """A checkpoint that a service serves is not dropped."""
    name = known_name(model, text, scope)
    users = [] if is_templated(name) else scope.users(model, name)
    if users:
        yield Diagnostic(
            code="SR203",
            message=f"Cannot delete checkpoint {name} for model {model} because it is being used by "
            f"{len(users)} service(s): {', '.join(users)}",
            span=text.span,
            hint=f"ALTER SERVICE {users[0]} SET CHECKPOINT = '…' first, or DROP SERVICE {users[0]}",
        )


def _known_alias(model: ModelName, text: Text, scope: ScriptScope) -> Iterator[Diagnostic]:
    alias = alias_name(text)
    if scope.checkpoint(model, ALIAS + alias) is None:
        yield from missing_alias(model, alias, text, scope)
