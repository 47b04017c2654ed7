"""Batch scoring: a relation through a service into a table that appears at once.

The state folder beside the target keeps what is scored. It belongs to the work, its input files and its
query row: the same work again, after a kill or a failure, goes on where it stopped; other work begins
anew. Whoever asks puts into the options whatever else changes the scores (the checkpoint served).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from sqlrec.data.engine import Engine
from sqlrec.data.types import arrow_schema
from sqlrec.data.views import find
from sqlrec.data.write import write_table
from sqlrec.models.controller import Progress
from sqlrec.scoring.batch import score_shards
from sqlrec.scoring.call import Scorer
from sqlrec.scoring.client import ServiceClient
from sqlrec.scoring.options import ScoreOptions, effective
from sqlrec.scoring.shards import Shards, opened
from sqlrec.spec import codec
from sqlrec.spec.job import JobResult, ScoreWork
from sqlrec.spec.table import Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What scoring the shards took: requests and retries of this run, rows of the table and of this run."""

    schema: pa.Schema
    shards: int
    rows: int
    scored: int
    requests: int
    retries: int
    hedges: int
    concurrency: int
    warnings: tuple[str, ...]


def score(work: ScoreWork, output: Path, progress: Progress) -> JobResult:
    """Write the rows of ``work.inputs`` with the service's outputs to ``work.output``.

    Nothing is written into ``output``: the table is the result. Metrics: ``rows``, ``seconds``,
    ``rows_per_second``, ``requests``, ``retries``, ``hedges``, all of this run, and the ``concurrency``
    at its end. Raises what the service call, the engine and the writer raise, and ``StateError`` SR620 when another process scores into the same table.
    """
    started = time.perf_counter()
    options = effective(work.options)
    client = ServiceClient(
        work.service,
        work.url,
        timeout=options.timeout,
        attempts=options.attempts,
        headers=work.headers,
        concurrency=options.concurrency,
        access=work.access,
    )
    with Engine() as engine:
        query = engine.table(work.query) if work.query is not None else None
        scorer = Scorer(
            client,
            work.model,
            arrow_schema(work.model.outputs),
            query=query,
            missing_features=options.missing_features,
            columns=work.columns,
        )
        scorer.schema(engine.schema(work.inputs))
        digest = _digest(work, query)
        with opened(_state(work), digest) as shards:
            if not shards.has_input:
                progress("reading the input", done=0.0)
                shards.keep_input(engine.reader(work.inputs), options.shard_rows)
            done = _run(_score(client, scorer, shards, options, progress))
            rows = shards.rows(done.shards, done.schema)
            write_table(rows, work.output, key=f"score-{digest[:16]}", mode="overwrite")
            shards.remove()
    return _result(done, time.perf_counter() - started)


async def _score(
    client: ServiceClient, scorer: Scorer, shards: Shards, options: ScoreOptions, progress: Progress
) -> Done:
    with shards.input() as source:
        total, kept, seen = source.metadata.num_rows, 0, 0
        started = time.perf_counter()

        def report(rows: int) -> None:
            nonlocal seen
            seen += rows
            speed = (seen - kept) / (time.perf_counter() - started)
            progress(f"scored {seen:,} of {total:,} rows, {speed:,.0f} rows/s", done=seen / total)

        sizes = [source.metadata.row_group(shard).num_rows for shard in range(source.num_row_groups)]
        kept = sum(rows for shard, rows in enumerate(sizes) if shards.finished(shard))
        if kept:
            progress(f"{kept:,} of {total:,} rows were scored before")
        async with client:
            await score_shards(
                source,
                scorer,
                shards,
                batch_size=options.batch_size,
                concurrency=options.concurrency,
                report=report,
            )
        return Done(
            schema=scorer.schema(source.schema_arrow),
            shards=len(sizes),
            rows=total,
            scored=total - kept,
            requests=client.requests,
            retries=client.retries,
            hedges=client.hedges,
            concurrency=client.concurrency,
            warnings=scorer.warnings,
        )


def _run(work: Coroutine[Any, Any, Done]) -> Done:
    """Run a coroutine in a thread of its own.

    SIGTERM raises in the main thread, wherever that is; inside an event loop the loop would swallow it.
    """
    loop = asyncio.new_event_loop()
    task = loop.create_task(work)
    try:
        with ThreadPoolExecutor(1) as pool:
            result = pool.submit(copy_context().run, loop.run_until_complete, task)
            try:
                return result.result()
            except BaseException:
                loop.call_soon_threadsafe(task.cancel)
                raise
    finally:
        loop.close()


def _state(work: ScoreWork) -> Path:
    target = Path(work.output.path)
    return target.with_name(f".{target.name}.score")


def _digest(work: ScoreWork, query: pa.Table | None) -> str:
    """SHA-256 of the work, the state of its input files and its query row.

    Not of the URL, nor of headers: a service that was started again may have another port, and tokens change.
    """
    facts = {
        "work": codec.encode(replace(work, url="", headers={}, access=None)),
        "files": [_stat(file) for file in _files(work.inputs)],
        "query": repr(query.to_pylist()) if query is not None else "",
    }
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _files(relation: Relation) -> list[str]:
    return [file for source in relation.sources.values() for file in find(source).files]


def _stat(file: str) -> tuple[str, int, int]:
    found = os.stat(file)
    return file, found.st_size, found.st_mtime_ns


def _result(done: Done, seconds: float) -> JobResult:
    metrics = {
        "rows": float(done.scored),
        "seconds": seconds,
        "rows_per_second": done.scored / seconds,
        "requests": float(done.requests),
        "retries": float(done.retries),
        "hedges": float(done.hedges),
        "concurrency": float(done.concurrency),
    }
    return JobResult(rows=done.rows, seconds=seconds, metrics=metrics, warnings=done.warnings)
