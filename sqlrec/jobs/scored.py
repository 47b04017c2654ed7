"""A relation with the outputs of a model into a table that appears at once, whoever computes them.

The state folder beside the target keeps what is scored. It belongs to the work, its input files and its
query row: the same work again, after a kill or a failure, goes on where it stopped; other work begins
anew.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlrec.artifacts.scratch import own_folder
from sqlrec.artifacts.store import is_local, sha256
from sqlrec.data.engine import Engine
from sqlrec.data.plain import plain_table
from sqlrec.data.remote import stamp
from sqlrec.data.views import find
from sqlrec.data.write import adopt_files, write_table
from sqlrec.models.controller import Progress
from sqlrec.scoring.batch import RowScorer, score_shards
from sqlrec.scoring.options import ScoreOptions
from sqlrec.scoring.shards import Shards, opened
from sqlrec.scoring.source import Source
from sqlrec.spec.table import Relation, TableSource

PARTS = "part-score-"
"""What the files of a scored table begin with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Rows of the table, and those scored in this run; what there is to warn of."""

    rows: int
    scored: int
    warnings: tuple[str, ...]


def score_table(
    scorer: RowScorer,
    inputs: Relation,
    output: TableSource,
    *,
    digest: str,
    options: ScoreOptions,
    until: AbstractAsyncContextManager[object],
    progress: Progress,
) -> Done:
    """Write the rows of ``inputs`` with what ``scorer`` adds to ``output``.

    ``digest`` names the work, see :func:`digest_of`; ``until`` is left after the last row. A table of
    parquet files is read as it is, and the files of shards become those of the table, where nothing has to
    be changed. Raises what the scorer, the engine and the writer raise, and ``StateError`` SR620 when
    another process scores into the same table.
    """
    with Engine() as engine:
        plain = plain_table(inputs)
        columns = plain.columns if plain and plain.is_known else engine.schema(inputs)
        result = scorer.schema(columns)
        with opened(_state(output), digest) as shards:
            if plain and plain.columns.equals(columns):
                files = plain.files
            else:
                if not shards.has_input:
                    progress("reading the input", done=0.0)
                    shards.keep_input(engine.reader(inputs), options.shard_rows)
                files = (str(shards.input),)
            with Source(files, options.shard_rows) as source:
                done = _run(_score(source, scorer, shards, options, until, progress))
                count = len(source.shards)
            key = f"score-{digest[:16]}"
            if adopt_files(shards.files(count), output, key=key) is None:
                write_table(shards.rows(count, result), output, key=key, mode="overwrite")
            shards.remove()
    return done


async def _score(
    source: Source,
    scorer: RowScorer,
    shards: Shards,
    options: ScoreOptions,
    until: AbstractAsyncContextManager[object],
    progress: Progress,
) -> Done:
    total = source.rows
    started = time.perf_counter()
    kept = sum(source.size(shard) for shard in range(len(source.shards)) if shards.finished(shard))
    seen = kept

    def report(rows: int) -> None:
        nonlocal seen
        seen += rows
        speed = (seen - kept) / (time.perf_counter() - started)
        progress(f"scored {seen:,} of {total:,} rows, {speed:,.0f} rows/s", done=seen / total)

    if kept:
        progress(f"{kept:,} of {total:,} rows were scored before", done=kept / total)
    async with until:
        await score_shards(
            source,
            scorer,
            shards,
            batch_size=options.batch_size,
            concurrency=options.concurrency,
            report=report,
        )
    return Done(rows=total, scored=total - kept, warnings=scorer.warnings)


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


def _state(output: TableSource) -> Path:
    if not is_local(output.path):
        return own_folder() / "scoring" / sha256(output.path.encode())[:16]
    target = Path(output.path)
    return target.with_name(f".{target.name}.score")


def digest_of(facts: Mapping[str, object], inputs: Relation) -> str:
    """SHA-256 of a piece of work: of JSON data that says what changes its rows, and of its input files."""
    files = [stamp(file) for source in inputs.sources.values() for file in find(source).files]
    return hashlib.sha256(json.dumps({**facts, "files": files}).encode()).hexdigest()
