"""CALL call_service: batch scoring in the step's own process.

Shards are published one by one, so a step that is tried again, or a run that is taken up again, scores
only what is missing.
"""

from __future__ import annotations

from sqlrec.execution.call import Call
from sqlrec.execution.outcome import Outcome
from sqlrec.execution.predictor import predictor_at
from sqlrec.execution.tables import concrete, target
from sqlrec.plan.plan import ScoreStep
from sqlrec.spec.job import ScoreWork
from sqlrec.spec.table import TableFormat, TableSource


def run_score(step: ScoreStep, call: Call) -> Outcome:
    """Score the table through the service; raises SR206 for an unknown service, SR630 for a dead one."""
    from sqlrec.jobs.score import score

    asked = predictor_at(step.service, call)
    served = asked.checkpoint
    into = target(step.target or _result(call), call)
    work = ScoreWork(
        service=step.service,
        url=asked.url,
        model=asked.model,
        inputs=concrete(step.inputs, call),
        query=concrete(step.query, call) if step.query else None,
        output=into,
        headers=asked.headers,
        access=asked.access,
        options={**asked.options, **step.options, "checkpoint": f"{served.name} version {served.version}"},
    )

    def progress(message: str, *, done: float | None = None) -> None:
        call.report(message if done is None else f"[{done:4.0%}] {message}")

    result = score(work, call.own_output, progress)
    speed = f", {result.rows / result.seconds:,.0f} rows/s" if result.seconds else ""
    return Outcome(
        message=f"scored {result.rows} rows with {step.service}{speed}",
        rows=result.rows,
        seconds=result.seconds,
        metrics=result.metrics,
        facts={"path": into.path, "service": step.service, "checkpoint": served.name},
    )


def _result(call: Call) -> TableSource:
    path = call.folder / "results" / call.key.task_id
    return TableSource(name=call.key.task_id, format=TableFormat.PARQUET, path=str(path))
