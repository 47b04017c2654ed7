"""CREATE SQL FUNCTION and DROP SQL FUNCTION: what the registry keeps; calls are in place already."""

from __future__ import annotations

from sqlrec.execution.call import Call
from sqlrec.execution.outcome import Outcome
from sqlrec.plan.plan import DefineFunctionStep, DropFunctionStep


def define_function(step: DefineFunctionStep, call: Call) -> Outcome:
    """Register a function; raises SR201 when another one has its name."""
    name = step.function.name
    changed = call.env.registry.put_function(step.function, replace=step.replace)
    what = "defined" if changed else "kept"
    return Outcome(message=f"{what} function {name}", facts={"function": name})


def drop_function(step: DropFunctionStep, call: Call) -> Outcome:
    """Remove a function; raises SR240 when there is none, SR203 while an API uses it."""
    if_exists = step.if_exists or call.journal.begun(call.key.task_id)
    dropped = call.env.registry.drop_function(step.function, if_exists=if_exists)
    call.journal.begin(call.key.task_id)
    what = f"dropped function {step.function}" if dropped else f"no function {step.function} to drop"
    return Outcome(message=what)
