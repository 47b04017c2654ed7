"""Step ids: readable, stable, valid as Airflow task ids.

An id says what the step does and to what. Steps that would share one are told apart by their checkpoint
and then by a digest of what they do, never by their position, so that inserting a statement renames no
other step and the history of a task stays with it.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import assert_never

from sqlrec.plan.changes import DropAlias, DropCheckpoint, RenameTo, SetAlias
from sqlrec.plan.plan import (
    AlterModelStep,
    AlterServiceStep,
    AssertStep,
    ChunkedCallStep,
    DefineApiStep,
    DefineFunctionStep,
    DefineModelStep,
    DeployStep,
    DropApiStep,
    DropFunctionStep,
    DropModelStep,
    DropServiceStep,
    EvaluateStep,
    ExplainStep,
    ExportStep,
    IfStep,
    ImportStep,
    Inspection,
    InspectStep,
    QueryMode,
    QueryStep,
    RefKind,
    RollbackStep,
    ScoreStep,
    Step,
    TrainStep,
    bare,
)
from sqlrec.plan.templates import is_templated
from sqlrec.spec import codec
from sqlrec.sql.statements import ObjectKind

MAX_LENGTH = 120
"""Well under Airflow's 250, so that names derived from an id fit elsewhere."""

_VERBS = {
    QueryMode.SELECT: "select",
    QueryMode.CACHE: "cache",
    QueryMode.APPEND: "insert",
    QueryMode.OVERWRITE: "overwrite",
}


def step_ids(steps: Sequence[Step]) -> list[str]:
    """An id for each step, all different."""
    ids = [_valid(_plain(step)) for step in steps]
    for tell_apart in (_checkpoint, _digest):
        ids = _refined(steps, ids, tell_apart)
    return _numbered(ids)


def inner_ids(step: Step) -> Step:
    """The step with ids for the steps within it, which follow from its own."""
    match step:
        case IfStep(id=id_, then=then, otherwise=otherwise):
            rest = inner_ids(replace(otherwise, id=f"{id_}_else")) if otherwise else None
            return replace(step, then=inner_ids(replace(then, id=f"{id_}_then")), otherwise=rest)
        case ExplainStep(id=id_, step=inner):
            return replace(step, step=inner_ids(replace(inner, id=id_.removeprefix("explain_"))))
        case _:
            return step


def _plain(step: Step) -> str:
    match step:
        case DefineModelStep() | DropModelStep():
            return _of_model(step)
        case TrainStep() | ExportStep() | ImportStep() | EvaluateStep():
            return f"{_JOB_VERBS[type(step)]}_{step.model.name}"
        case AlterModelStep():
            return _of_change(step)
        case DeployStep() | AlterServiceStep() | RollbackStep() | DropServiceStep():
            return f"{_SERVICE_VERBS[type(step)]}_{step.service}"
        case QueryStep() | ScoreStep() | ChunkedCallStep() | AssertStep():
            return _of_rows(step)
        case DefineFunctionStep() | DropFunctionStep() | DefineApiStep() | DropApiStep():
            return _of_function(step)
        case IfStep(then=inner):
            return f"if_{_plain(inner)}"
        case ExplainStep(step=inner):
            return f"explain_{_plain(inner)}"
        case InspectStep():
            return _of_inspection(step)
        case _:
            assert_never(step)


_SERVICE_VERBS: dict[type[Step], str] = {
    DeployStep: "deploy",
    AlterServiceStep: "alter_service",
    RollbackStep: "rollback",
    DropServiceStep: "drop_service",
}


_JOB_VERBS: dict[type[Step], str] = {
    TrainStep: "train",
    ExportStep: "export",
    ImportStep: "import",
    EvaluateStep: "evaluate",
}


def _of_model(step: DefineModelStep | DropModelStep) -> str:
    match step:
        case DefineModelStep(model=spec):
            return f"define_{spec.name.name}"
        case DropModelStep(model=model):
            return f"drop_model_{model.name}"
        case _:
            assert_never(step)


def _of_change(step: AlterModelStep) -> str:
    model = step.model.name
    match step.change:
        case RenameTo():
            return f"rename_{model}"
        case SetAlias(alias=alias):
            return f"set_alias_{model}_{alias}"
        case DropAlias(alias=alias):
            return f"drop_alias_{model}_{alias}"
        case DropCheckpoint(checkpoint=name):
            return f"drop_checkpoint_{model}" + ("" if is_templated(name) else f"_{name}")
        case _:
            return f"alter_{model}"


def _of_rows(step: QueryStep | ScoreStep | ChunkedCallStep | AssertStep) -> str:
    match step:
        case AssertStep():
            return f"assert_{_first_table(step)}"
        case QueryStep(target=target):
            return f"{_VERBS[step.mode]}_{target.name if target else _first_table(step)}"
        case ScoreStep(target=target):
            return f"score_{target.name if target else _first_table(step)}"
        case ChunkedCallStep(target=target):
            return f"call_{target.name if target else step.program.name}"
        case _:
            assert_never(step)


def _first_table(step: QueryStep | ScoreStep | AssertStep) -> str:
    return next((ref.name for ref in step.reads if ref.kind is RefKind.TABLE), "values")


def _of_function(step: DefineFunctionStep | DropFunctionStep | DefineApiStep | DropApiStep) -> str:
    match step:
        case DefineFunctionStep(function=function):
            return f"define_function_{function.name}"
        case DropFunctionStep(function=name):
            return f"drop_function_{name}"
        case DefineApiStep(api=api):
            return f"define_api_{api.name}"
        case DropApiStep(api=name):
            return f"drop_api_{name}"
        case _:
            assert_never(step)


def _of_inspection(step: InspectStep) -> str:
    """``show_models``, ``show_checkpoints_m``, ``describe_model_m``."""
    about_model = step.kind in (ObjectKind.MODEL, ObjectKind.CHECKPOINT)
    name = step.name.rpartition(".")[2] if about_model else step.name
    shown = f"show_{step.kind}s" if step.action is Inspection.SHOW else f"{step.action}_{step.kind}"
    return f"{shown}_{name}"


def _valid(text: str) -> str:
    """Lower-case letters, digits and ``_``; what is too long ends in a digest of the whole."""
    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return plain if len(plain) <= MAX_LENGTH else f"{plain[: MAX_LENGTH - 7]}_{_hash(text)}"


def _refined(steps: Sequence[Step], ids: list[str], tell_apart: Callable[[Step], str]) -> list[str]:
    """Ids that occur more than once get the part that tells their steps apart."""
    counts = Counter(ids)
    parts = (tell_apart(step) if counts[id_] > 1 else "" for step, id_ in zip(steps, ids, strict=True))
    return [_valid(f"{id_}_{part}") if part else id_ for id_, part in zip(ids, parts, strict=True)]


def _checkpoint(step: Step) -> str:
    """The checkpoint of a step that works on one, unless it is known only when the step runs."""
    if isinstance(step, TrainStep | ExportStep | EvaluateStep) and not is_templated(step.checkpoint):
        return step.checkpoint
    return ""


def _digest(step: Step) -> str:
    """What the step does, without its references.

    These follow from the steps before and from what the catalog knows, which makes no other step of it.
    """
    return _hash(codec.dumps(_deed(bare(step))))


def _deed(step: Step) -> Step:
    match step:
        case IfStep(then=then, otherwise=otherwise):
            rest = _deed(otherwise) if otherwise else None
            step = replace(step, then=_deed(then), otherwise=rest)
        case ExplainStep(step=inner):
            step = replace(step, step=_deed(inner))
        case _:
            pass
    return replace(step, id="", reads=(), writes=(), upstream=())


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:6]


def _numbered(ids: list[str]) -> list[str]:
    """Steps of the same digest do the same, so that counting them cannot mix them up."""
    taken, numbers = set(ids), {id_: count(2) for id_ in ids}
    seen: set[str] = set()
    out: list[str] = []
    for id_ in ids:
        free = id_
        if id_ in seen:
            free = next(c for number in numbers[id_] if (c := f"{id_}_{number}") not in taken)
        seen.add(id_)
        taken.add(free)
        out.append(free)
    return out
