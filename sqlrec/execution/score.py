"""CALL call_service: batch scoring in the step's own process.

Shards are published one by one, so a step that is tried again, or a run that is taken up again, scores
only what is missing.
"""

from __future__ import annotations

from sqlrec.errors import NameNotFoundError, StateError, suggest
from sqlrec.execution.call import Call
from sqlrec.execution.outcome import Outcome
from sqlrec.execution.tables import concrete, target
from sqlrec.plan.plan import ScoreStep
from sqlrec.spec.job import ScoreWork
from sqlrec.spec.service import Endpoint, ServiceState
from sqlrec.spec.table import TableFormat, TableSource


def run_score(step: ScoreStep, call: Call) -> Outcome:
    """Score the table through the service; raises SR206 for an unknown service, SR630 for a dead one."""
    from sqlrec.jobs.score import score

    endpoint = ready_endpoint(step.service, call)
    served = call.env.registry.service(step.service)
    if served is None:
        raise _unknown(step.service, call)
    into = target(step.target or _result(call), call)
    work = ScoreWork(
        service=step.service,
        url=endpoint.url,
        model=call.env.registry.definition(served),
        inputs=concrete(step.inputs, call),
        query=concrete(step.query, call) if step.query else None,
        output=into,
        options={**step.options, "checkpoint": f"{served.name} version {served.version}"},
    )

    def progress(message: str, *, done: float | None = None) -> None:
        call.report(message if done is None else f"[{done:4.0%}] {message}")

    result = score(work, call.output, progress)
    speed = f", {result.rows / result.seconds:,.0f} rows/s" if result.seconds else ""
    return Outcome(
        message=f"scored {result.rows} rows with {step.service}{speed}",
        rows=result.rows,
        seconds=result.seconds,
        metrics=result.metrics,
        facts={"path": into.path, "service": step.service, "checkpoint": served.name},
    )


def ready_endpoint(service: str, call: Call) -> Endpoint:
    """Where a service answers; raises SR206 for an unknown service, SR630 for one that is not ready."""
    found = call.env.services.endpoint(service)
    if found is None:
        raise _unknown(service, call)
    if found.state is not ServiceState.READY:
        raise StateError(
            "SR630",
            f"service {service} is {found.state}{': ' if found.detail else ''}{found.detail}",
            hint=f"deploy it again: CREATE OR REPLACE SERVICE {service} …",
        )
    return found


def _unknown(service: str, call: Call) -> NameNotFoundError:
    known = tuple(e.name for e in call.env.services.endpoints())
    hint = suggest(service, known) or f"services: {', '.join(known) or 'none; CREATE SERVICE first'}"
    return NameNotFoundError("SR206", f"service {service} does not exist", hint=hint)


def _result(call: Call) -> TableSource:
    path = call.folder / "results" / call.key.task_id
    return TableSource(name=call.key.task_id, format=TableFormat.PARQUET, path=str(path))
