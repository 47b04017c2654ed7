"""Scoring by hand: a table through a checkpoint in this process or a service, and rows to a service."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlrec.errors import DataError, StateError
from sqlrec.execution.call import Call
from sqlrec.execution.find import find_export, find_model, find_newest
from sqlrec.execution.outcome import Outcome
from sqlrec.execution.predictor import predictor_at, predictor_of
from sqlrec.execution.served import as_served
from sqlrec.models.controller import Progress
from sqlrec.spec.job import JobResult, ScoreWork
from sqlrec.spec.model import Checkpoint
from sqlrec.spec.names import ModelName
from sqlrec.spec.service import ServedModel
from sqlrec.spec.signature import AUTO
from sqlrec.spec.table import Relation, TableSource, UsedModel

BATCH_ROWS = 16_384
"""Rows of a request, and of a piece of work in this process."""
ATTEMPTS = 3
"""Times that rows by hand are sent: somebody is waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to score. ``checkpoint``: a name, ``@alias`` or empty; ``service`` empty: in this process."""

    model: ModelName
    inputs: TableSource
    output: TableSource
    checkpoint: str = ""
    variant: str = AUTO
    service: str = ""


def score_by_hand(asked: Asked, call: Call, progress: Progress) -> Outcome:
    """Write the rows of a table with the model's outputs to another.

    Raises what finding the model, checkpoint or service raises, ``StateError`` SR633 for a service of another
    checkpoint, and what scoring raises.
    """
    if asked.service:
        found, result = _through_service(asked, call, progress)
    else:
        found, result = _in_process(asked, call, progress)
    speed = result.metrics["rows_per_second"]
    return Outcome(
        message=f"scored {result.rows:,} rows with {asked.model} {found.name}, {speed:,.0f} rows/s",
        rows=result.rows,
        seconds=result.seconds,
        metrics=result.metrics,
        facts={"path": asked.output.path, "model": str(asked.model), "checkpoint": found.name},
    )


def _whole(table: TableSource) -> Relation:
    return Relation(query='SELECT * FROM "t"', sources={"t": table})


def _through_service(asked: Asked, call: Call, progress: Progress) -> tuple[Checkpoint, JobResult]:
    from sqlrec.jobs.score import score

    predictor = predictor_of(UsedModel(name=asked.model, service=asked.service), call)
    served = predictor.checkpoint
    if asked.checkpoint:
        wanted = find_export(call.env.registry, asked.model, asked.checkpoint, call.key.run)
        if (wanted.name, wanted.version) != (served.name, served.version):
            raise StateError(
                "SR633",
                f"service {asked.service} serves {served.name} version {served.version}, "
                f"not {wanted.name} version {wanted.version}",
                hint="leave the checkpoint out, or leave --service out to score in this process",
            )
    work = ScoreWork(
        service=predictor.service,
        url=predictor.url,
        model=predictor.model,
        inputs=_whole(asked.inputs),
        output=asked.output,
        headers=predictor.headers,
        access=predictor.access,
        options={
            "batch_size": BATCH_ROWS,
            **predictor.options,
            "checkpoint": f"{served.name} version {served.version}",
        },
    )
    return served, score(work, call.own_output, progress)


def _in_process(asked: Asked, call: Call, progress: Progress) -> tuple[Checkpoint, JobResult]:
    from sqlrec.artifacts.folder import read_signature
    from sqlrec.jobs.scored import digest_of, score_table
    from sqlrec.models.cores import free_cores
    from sqlrec.programs.inprocess import InProcess
    from sqlrec.scoring.options import effective

    registry, run = call.env.registry, call.key.run
    find_model(registry, asked.model)
    find = find_export(registry, asked.model, asked.checkpoint, run) if asked.checkpoint else None
    found = find or find_newest(registry, asked.model, run)
    served = ServedModel(
        model=as_served(registry.definition(found), found),
        checkpoint=found.name,
        version=found.version,
        model_uri=found.uri,
        variant=read_signature(found.uri).variant_for(asked.variant),
        digest=found.digest,
    )
    started, threads = time.perf_counter(), free_cores()
    inputs = _whole(asked.inputs)
    scorer = InProcess(served, threads=threads)
    facts = {"digest": found.digest, "version": found.version, "variant": served.variant}
    done = score_table(
        scorer,
        inputs,
        asked.output,
        digest=digest_of({"model": str(asked.model), **facts}, inputs),
        options=effective({"batch_size": BATCH_ROWS, "concurrency": threads + 1}),
        until=scorer,
        progress=progress,
    )
    seconds = time.perf_counter() - started
    metrics = {"rows": float(done.scored), "seconds": seconds, "rows_per_second": done.scored / seconds}
    return found, JobResult(rows=done.rows, seconds=seconds, metrics=metrics, warnings=done.warnings)


def ask_service(service: str, rows: Sequence[Mapping[str, object]], call: Call) -> list[dict[str, object]]:
    """The rows with the service's outputs; one whose name is taken gets a number, as in ``call_service``.

    Raises SR206 and SR630 for a service that is not there, ``DataError`` SR638 for no rows, and what a call
    of a service raises.
    """
    import asyncio

    import orjson
    import pyarrow as pa

    from sqlrec.data.types import arrow_schema
    from sqlrec.scoring.client import client_of
    from sqlrec.scoring.merge import merge, output_schema
    from sqlrec.scoring.options import effective

    if not rows:
        raise DataError("SR638", "there are no rows to ask about", hint='give one: {"user_id": 1}')
    predictor = predictor_at(service, call)
    outputs = arrow_schema(predictor.model.outputs)

    async def ask() -> object:
        async with client_of(predictor, effective({"attempts": ATTEMPTS})) as client:
            return await client.predict(orjson.dumps(list(rows)))

    columns = merge(service, asyncio.run(ask()), outputs, rows=len(rows), asked=len(rows))
    given = dict.fromkeys(name for row in rows for name in row)
    named = output_schema(pa.schema([(name, pa.null()) for name in given]), outputs).names[len(given) :]
    values = [[None] * len(rows) if column is None else column.to_pylist() for column in columns]
    return [
        {**row, **dict(zip(named, answers, strict=True))}
        for row, answers in zip(rows, zip(*values, strict=True), strict=True)
    ]
