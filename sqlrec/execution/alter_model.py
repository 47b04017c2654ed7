"""ALTER MODEL: one change of a model's name, options, checkpoints or aliases.

A retry of a task finds its change made. Where that looks as if the thing had never been there (what was
renamed or dropped is gone), the journal knows that an earlier try came as far as changing it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

from sqlrec.artifacts.durable import locked
from sqlrec.execution.call import Call
from sqlrec.execution.ddl import declared_options, redefined, retold
from sqlrec.execution.find import find_aliased, find_checkpoint, find_model
from sqlrec.execution.following import move_followers
from sqlrec.execution.outcome import GONE_MODEL, Outcome
from sqlrec.plan.changes import DropAlias, DropCheckpoint, RenameTo, ResetOptions, SetAlias, SetOptions
from sqlrec.plan.effects import altered_options
from sqlrec.plan.plan import AlterModelStep
from sqlrec.registry.absent import no_checkpoint
from sqlrec.registry.aliases import check_alias
from sqlrec.registry.registry import ModelRegistry
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName, slug


def alter_model(step: AlterModelStep, call: Call) -> Outcome:
    """Make the change.

    Raises SR205 (no such model), SR201 (the new name is taken), SR202 (checkpoints were made with what the
    options would change), SR203 (a checkpoint in use), SR207 (no such checkpoint or alias), SR211 (no name
    for an alias), and what CREATE MODEL would say of the options.
    """
    registry = call.env.registry
    with locked(call.env.settings.work_dir / "locks" / f"model-{slug(step.model.key)}"):
        model = registry.model(step.model)
        if model is None:
            return _without_model(step, call)
        return _Change(model, call, registry).made(step)


def _without_model(step: AlterModelStep, call: Call) -> Outcome:
    """Nothing to change, unless an earlier try was cut short in the middle of renaming it."""
    registry, change = call.env.registry, step.change
    if isinstance(change, RenameTo) and call.journal.begun(call.key.task_id):
        registry.rename_model(step.model, change.name)
        if (model := registry.model(change.name)) is not None:
            registry.put_model(retold(model), replace=True)
        return _renamed(step.model, change.name)
    if not step.if_exists:
        find_model(registry, step.model)
    return Outcome(message=f"no model {step.model} to alter")


@dataclass(frozen=True, slots=True)
class _Change:
    """A model that is there, about to be changed."""

    model: ModelSpec
    call: Call
    registry: ModelRegistry

    def made(self, step: AlterModelStep) -> Outcome:
        name = self.model.name
        match step.change:
            case RenameTo(name=new):
                renamed = retold(replace(self.model, name=new))
                self._begin()
                self.registry.rename_model(name, new)
                self.registry.put_model(renamed, replace=True)
                return _renamed(name, new)
            case SetOptions() | ResetOptions():
                return self._set_options(step.change)
            case DropCheckpoint():
                return self._drop_checkpoint(step.change)
            case SetAlias():
                return self._set_alias(step.change, step.sql)
            case DropAlias():
                return self._drop_alias(step.change)
            case _:
                assert_never(step.change)

    def _begin(self) -> None:
        """Note that the world changes from here on."""
        self.call.journal.begin(self.call.key.task_id)

    @property
    def _is_retry(self) -> bool:
        """Whether an earlier try came as far as :meth:`_begin`."""
        return self.call.journal.begun(self.call.key.task_id)

    def _set_options(self, change: SetOptions | ResetOptions) -> Outcome:
        name = self.model.name
        declared = declared_options(self.model)
        altered = redefined(self.model, altered_options(self.model.options, change, declared))
        changed = self.registry.put_model(altered, replace=True)
        keys = ", ".join(change.options if isinstance(change, SetOptions) else change.keys)
        verb = "set" if isinstance(change, SetOptions) else "reset"
        message = f"{verb} {keys} of model {name}" if changed else f"model {name} has these options already"
        return Outcome(message=message, facts={"model": str(name)})

    def _drop_checkpoint(self, change: DropCheckpoint) -> Outcome:
        name, wanted = self.model.name, change.checkpoint
        known = [c.name for c in self.registry.checkpoints(name)]
        there = wanted.casefold() in map(str.casefold, known)
        if not there and not change.if_exists and not self._is_retry:
            raise no_checkpoint(name, wanted, known)
        gone = [
            f"@{a}" for a, c in self.registry.aliases(name).items() if c.name.casefold() == wanted.casefold()
        ]
        self._begin()
        dropped = self.registry.drop_checkpoint(name, wanted, if_exists=True)
        message = f"dropped checkpoint {wanted} of model {name}"
        if gone:
            message += f", with its alias {', '.join(gone)}"
        if not dropped:
            message = f"no checkpoint {wanted} of model {name} to drop"
        return Outcome(message=message, facts={"model": str(name)})

    def _set_alias(self, change: SetAlias, statement: str) -> Outcome:
        name = self.model.name
        found = find_checkpoint(self.registry, name, change.checkpoint, self.call.key.run)
        check_alias(change.alias)
        moved = move_followers(name, change.alias, found, self.call, statement)
        self.registry.set_alias(change.alias, found)
        told = f", and so serves {', '.join(moved)}" if moved else ""
        return Outcome(
            message=f"@{change.alias} of model {name} is {found.name} (version {found.version}){told}",
            facts={"model": str(name), "checkpoint": found.name, "version": str(found.version)},
        )

    def _drop_alias(self, change: DropAlias) -> Outcome:
        name = self.model.name
        if not change.if_exists and not self._is_retry:
            find_aliased(self.registry, name, change.alias)
        self._begin()
        dropped = self.registry.drop_alias(name, change.alias, if_exists=True)
        done = "dropped" if dropped else "no"
        end = "" if dropped else " to drop"
        return Outcome(
            message=f"{done} alias @{change.alias} of model {name}{end}", facts={"model": str(name)}
        )


def _renamed(name: ModelName, new: ModelName) -> Outcome:
    facts = {"model": str(new), GONE_MODEL: str(name)}
    return Outcome(message=f"renamed model {name} to {new}", facts=facts)
