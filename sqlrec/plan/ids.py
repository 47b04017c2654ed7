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

from sqlrec.plan.plan import (
    DefineModelStep,
    DeployStep,
    DropModelStep,
    DropServiceStep,
    ExportStep,
    QueryMode,
    QueryStep,
    RefKind,
    ScoreStep,
    Step,
    TrainStep,
)
from sqlrec.plan.templates import is_templated
from sqlrec.spec import codec

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


def _plain(step: Step) -> str:
    match step:
        case DefineModelStep():
            return f"define_{step.model.name.name}"
        case TrainStep():
            return f"train_{step.model.name}"
        case ExportStep():
            return f"export_{step.model.name}"
        case DeployStep():
            return f"deploy_{step.service}"
        case DropModelStep():
            return f"drop_model_{step.model.name}"
        case DropServiceStep():
            return f"drop_service_{step.service}"
        case QueryStep():
            return f"{_VERBS[step.mode]}_{step.target.name if step.target else _first_table(step)}"
        case ScoreStep():
            return f"score_{step.target.name if step.target else _first_table(step)}"
        case _:
            assert_never(step)


def _first_table(step: QueryStep | ScoreStep) -> str:
    return next((ref.name for ref in step.reads if ref.kind is RefKind.TABLE), "values")


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
    """The checkpoint of a step that makes one, unless it is known only when the step runs."""
    if isinstance(step, TrainStep | ExportStep) and not is_templated(step.checkpoint):
        return step.checkpoint
    return ""


def _digest(step: Step) -> str:
    return _hash(codec.dumps(replace(step, id="", line=0, sql="", upstream=())))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:6]


def _numbered(ids: list[str]) -> list[str]:
    """Steps of the same digest do the same, so that counting them cannot mix them up."""
    out: list[str] = []
    for id_ in ids:
        candidates = (f"{id_}_{number}" for number in count(2))
        free = id_ if id_ not in out else next(c for c in candidates if c not in out and c not in ids)
        out.append(free)
    return out
