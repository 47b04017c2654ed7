"""Batch scoring through a service.

Whoever asks puts into the options whatever else changes the scores (the checkpoint served).
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from sqlrec.data.engine import Engine
from sqlrec.data.types import arrow_schema
from sqlrec.jobs.scored import digest_of, score_table
from sqlrec.models.controller import Progress
from sqlrec.scoring.call import Scorer
from sqlrec.scoring.client import client_of
from sqlrec.scoring.options import effective
from sqlrec.spec import codec
from sqlrec.spec.job import JobResult, ScoreWork


def score(work: ScoreWork, output: Path, progress: Progress) -> JobResult:
    """Write the rows of ``work.inputs`` with the service's outputs to ``work.output``.

    Nothing is written into ``output``: the table is the result. Metrics: ``rows``, ``seconds``,
    ``rows_per_second``, ``requests``, ``retries``, ``hedges``, all of this run, and the ``concurrency``
    at its end. Raises what the service call and :func:`score_table` raise.
    """
    started = time.perf_counter()
    options = effective(work.options)
    client = client_of(work, options, concurrency=options.concurrency)
    query = _query(work)
    scorer = Scorer(
        client,
        work.model,
        arrow_schema(work.model.outputs),
        query=query,
        missing_features=options.missing_features,
        columns=work.columns,
    )
    done = score_table(
        scorer,
        work.inputs,
        work.output,
        digest=_digest(work, query),
        options=options,
        until=client,
        progress=progress,
    )
    seconds = time.perf_counter() - started
    metrics = {
        "rows": float(done.scored),
        "seconds": seconds,
        "rows_per_second": done.scored / seconds,
        "requests": float(client.requests),
        "retries": float(client.retries),
        "hedges": float(client.hedges),
        "concurrency": float(client.concurrency),
    }
    return JobResult(rows=done.rows, seconds=seconds, metrics=metrics, warnings=done.warnings)


def _query(work: ScoreWork) -> pa.Table | None:
    if work.query is None:
        return None
    with Engine() as engine:
        return engine.table(work.query)


def _digest(work: ScoreWork, query: pa.Table | None) -> str:
    """Not of the URL, nor of headers: a service started again may have another port, and tokens change."""
    facts = {
        "work": codec.encode(replace(work, url="", headers={}, access=None)),
        "query": repr(query.to_pylist()) if query is not None else "",
    }
    return digest_of(facts, work.inputs)
