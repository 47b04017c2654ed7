"""EXPLAIN: what a statement would do in the world as it is, and nothing done."""

from __future__ import annotations

from sqlrec.execution.call import Call
from sqlrec.execution.inspect_rows import table
from sqlrec.execution.masking import masked
from sqlrec.execution.outcome import Outcome
from sqlrec.plan.explain import explain_step as explained
from sqlrec.plan.explanation import render_step
from sqlrec.plan.plan import ExplainStep


def explain_step(step: ExplainStep, call: Call) -> Outcome:
    """The explanation of the statement, a line a row."""
    text = masked(render_step(explained(step.step, call.env.catalog)))
    lines = [(line,) for line in text.splitlines()]
    return Outcome(message=f"explained {step.step.id}", rows=len(lines), preview=table(("plan",), lines))
