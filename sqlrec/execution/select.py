"""A part of a plan: from one step to another, in the order of the script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlrec.errors import NameNotFoundError, suggest
from sqlrec.execution.cached import cached_table
from sqlrec.plan.plan import Plan, Step


def select_steps(plan: Plan, *, from_step: str = "", to_step: str = "") -> Plan:
    """The plan cut to the steps from ``from_step`` to ``to_step``; empty means from the first, to the last.

    Cached tables live for one run, so earlier steps that make a cached table which the chosen steps read
    stay in. Raises SR720 for a step that the plan does not have.
    """
    if not (from_step or to_step):
        return plan
    ids = [step.id for step in plan.steps]
    first = _index(ids, from_step) if from_step else 0
    last = _index(ids, to_step) if to_step else len(ids) - 1
    if first > last:
        raise NameNotFoundError("SR720", f"step {from_step!r} comes after step {to_step!r}")
    by_id = {step.id: step for step in plan.steps}
    chosen = set(ids[first : last + 1])
    for step in reversed(plan.steps[: last + 1]):
        if step.id in chosen:
            chosen |= {name for name in step.upstream if cached_table(by_id[name])}
    return replace(plan, steps=tuple(_cut(by_id[name], by_id, chosen) for name in ids if name in chosen))


def _index(ids: list[str], wanted: str) -> int:
    if wanted in ids:
        return ids.index(wanted)
    hint = suggest(wanted, ids) or f"steps: {', '.join(ids)}"
    raise NameNotFoundError("SR720", f"the script has no step {wanted!r}", hint=hint)


def _cut(step: Step, by_id: Mapping[str, Step], chosen: set[str]) -> Step:
    """The step after those chosen steps that it comes after, directly or through steps left out."""
    upstream: dict[str, None] = {}
    pending = list(step.upstream)
    while pending:
        name = pending.pop(0)
        if name in chosen:
            upstream[name] = None
        else:
            pending += by_id[name].upstream
    return replace(step, upstream=tuple(upstream))
