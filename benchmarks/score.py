"""Rows a second of batch scoring, parquet to parquet, beside raw ONNX Runtime and mlflow, in one run.

    python benchmarks/score.py [--rows 1000000] [--rounds 3] [--only sqlrec,raw] [--folder FOLDER]

The model is that of ``serve.py``: a Wide & Deep of eight columns. Everybody has two cores: raw ONNX Runtime
and ``sqlrec score`` two threads of one process, a service one process beside its client. Models are loaded
beforehand; tables are read and written within the time. Rounds alternate between the ways and the median is
shown; rows per second of processor time, client and server together, depend least on other work on the
machine. ``mlflow models serve`` is asked about a tenth of the rows.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from serve import SERVERS, cpu_seconds, prepare, running

sys.path.insert(0, str(Path(__file__).parent / "servers"))
import model

THREADS = 2
CHUNK = 256
BATCH = 10_000
BY_HTTP = 10
"""``mlflow models serve`` is asked about one row of so many."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to score: its title, its group for ``--only``, and what does it."""

    title: str
    group: str
    run: Callable[[Path], tuple[int, float, float]]


def timed(work: Callable[[], int], *others: psutil.Process) -> tuple[int, float, float]:
    """Rows, seconds and processor seconds of work in this process and others."""
    processes = (psutil.Process(), *others)
    before, began = sum(map(cpu, processes)), time.perf_counter()
    rows = work()
    return rows, time.perf_counter() - began, sum(map(cpu, processes)) - before


def cpu(process: psutil.Process) -> float:
    """Processor time of a server with its children, or of this process alone."""
    times = process.cpu_times()
    return times.user + times.system if process == psutil.Process() else cpu_seconds(process)


def batches(folder: Path, size: int) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(folder / "million.parquet") as file:
        yield from file.iter_batches(size)


def session_of(folder: Path, variant: str) -> Any:
    """ONNX Runtime's session of the model, one thread a call."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    name = "model.int8.onnx" if variant == "int8" else "model.onnx"
    return ort.InferenceSession(str(folder / name), options, providers=["CPUExecutionProvider"])


def alone(variant: str) -> Callable[[Path], tuple[int, float, float]]:
    """ONNX Runtime over arrays in memory, nothing read or written: no program around it can be faster."""

    def measured(folder: Path) -> tuple[int, float, float]:
        session, size = session_of(folder, variant), 2 * CHUNK
        table = pq.read_table(folder / "million.parquet")
        columns = {name: table[name].to_numpy() for name in model.COLUMNS}
        rows = table.num_rows

        def one(first: int) -> None:
            for start in range(first, rows, THREADS * size):
                session.run(["probs"], {k: v[start : start + size] for k, v in columns.items()})

        def score() -> int:
            with ThreadPoolExecutor(THREADS) as pool:
                list(pool.map(one, range(0, THREADS * size, size)))
            return rows

        return timed(score)

    return measured


def raw(variant: str) -> Callable[[Path], tuple[int, float, float]]:
    """ONNX Runtime as a script would use it."""

    def score(folder: Path, session: Any) -> int:
        def one(batch: pa.RecordBatch) -> pa.RecordBatch:
            feeds = {name: batch.column(name).to_numpy() for name in model.COLUMNS}
            parts = [
                session.run(["probs"], {k: v[start : start + CHUNK] for k, v in feeds.items()})[0]
                for start in range(0, batch.num_rows, CHUNK)
            ]
            return batch.append_column("probs", pa.array(np.concatenate(parts)))

        rows = 0
        with ThreadPoolExecutor(THREADS) as pool:
            writer = None
            for batch in ordered(pool, one, batches(folder, BATCH)):
                if writer is None:
                    writer = pq.ParquetWriter(folder / "raw.parquet", batch.schema, compression="zstd")
                writer.write_batch(batch)
                rows += batch.num_rows
            if writer is not None:
                writer.close()
        return rows

    def measured(folder: Path) -> tuple[int, float, float]:
        session = session_of(folder, variant)
        return timed(lambda: score(folder, session))

    return measured


def ordered(pool: ThreadPoolExecutor, work: Callable[[Any], Any], items: Iterator[Any]) -> Iterator[Any]:
    """Results in order, a few ahead."""
    window = [pool.submit(work, item) for item in islice(items, THREADS + 1)]
    while window:
        yield window.pop(0).result()
        window += [pool.submit(work, item) for item in islice(items, 1)]


def relation(folder: Path) -> Any:
    from sqlrec.spec.table import Relation, TableFormat, TableSource

    source = TableSource(name="t", format=TableFormat.PARQUET, path=str(folder / "million.parquet"))
    return Relation(query="SELECT * FROM t", sources={"t": source})


def target(folder: Path) -> Any:
    from sqlrec.spec.table import TableFormat, TableSource

    shutil.rmtree(folder / "scored", ignore_errors=True)
    return TableSource(name="scored", format=TableFormat.PARQUET, path=str(folder / "scored"))


def spec_of(folder: Path, variant: str) -> Any:
    from sqlrec.spec import codec
    from sqlrec.spec.service import ServiceSpec

    return codec.loads(ServiceSpec, (folder / f"{variant}.service.json").read_text())


def silent(message: str, *, done: float | None = None) -> None:
    """Progress that nobody looks at."""


def in_process(variant: str) -> Callable[[Path], tuple[int, float, float]]:
    """What ``sqlrec score`` does."""

    def measured(folder: Path) -> tuple[int, float, float]:
        from sqlrec.jobs.scored import digest_of, score_table
        from sqlrec.programs.inprocess import InProcess
        from sqlrec.scoring.options import effective

        scorer = InProcess(spec_of(folder, variant).own, threads=THREADS)
        output = target(folder)

        def score() -> int:
            done = score_table(
                scorer,
                relation(folder),
                output,
                digest=digest_of({}, relation(folder)),
                options=effective({"batch_size": 16_384, "concurrency": THREADS + 1}),
                until=scorer,
                progress=silent,
            )
            return done.rows

        return timed(score)

    return measured


def through_service(variant: str) -> Callable[[Path], tuple[int, float, float]]:
    """What ``sqlrec score --service`` does: Arrow to one server process."""

    def measured(folder: Path) -> tuple[int, float, float]:
        from sqlrec.jobs.score import score
        from sqlrec.spec.access import Access
        from sqlrec.spec.job import ScoreWork

        server = next(s for s in SERVERS if s.program == "sqlrec" and s.variant == variant)
        with running(server, folder) as (url, process):
            work = ScoreWork(
                service="bench",
                url=url,
                model=spec_of(folder, variant).own.model,
                inputs=relation(folder),
                output=target(folder),
                access=Access(),
                options={"batch_size": 16_384},
            )
            return timed(lambda: score(work, folder / "job", silent).rows, process)

    return measured


def pyfunc(folder: Path) -> tuple[int, float, float]:
    """mlflow's pyfunc on DataFrames of 10,000 rows."""
    import mlflow

    loaded = mlflow.pyfunc.load_model(str(saved(folder)))

    def score() -> int:
        rows = 0
        parts = []
        for batch in batches(folder, BATCH):
            frame = batch.to_pandas()
            frame["probs"] = loaded.predict(frame[list(model.COLUMNS)])["probs"]
            parts.append(pa.Table.from_pandas(frame))
            rows += len(frame)
        pq.write_table(pa.concat_tables(parts), folder / "pyfunc.parquet", compression="zstd")
        return rows

    return timed(score)


def saved(folder: Path) -> Path:
    """The model as mlflow keeps it, with two threads for ONNX Runtime."""
    import mlflow
    import onnx

    path = folder / "pyfunc"
    if not path.exists():
        options = {"intra_op_num_threads": THREADS, "inter_op_num_threads": 1}
        mlflow.onnx.save_model(onnx.load(folder / "model.onnx"), path, onnx_session_options=options)
    return path


def mlflow_serve(folder: Path) -> tuple[int, float, float]:
    """``mlflow models serve`` asked by four connections, 5,000 rows a request."""
    import httpx
    import orjson

    server = next(s for s in SERVERS if s.program == "mlflow")

    async def ask(url: str) -> int:
        rows = 0
        limit = asyncio.Semaphore(4)

        async def one(client: httpx.AsyncClient, batch: pa.RecordBatch) -> pa.RecordBatch:
            async with limit:
                columns = [batch.column(name).to_pylist() for name in model.COLUMNS]
                data = [list(row) for row in zip(*columns, strict=True)]
                body = orjson.dumps({"dataframe_split": {"columns": list(model.COLUMNS), "data": data}})
                answer = await client.post(url, content=body, headers={"Content-Type": "application/json"})
                answer.raise_for_status()
                answers = orjson.loads(answer.content)["predictions"]
                probs = [row["probs"] for row in answers]
                return batch.append_column("probs", pa.array(np.ravel(np.asarray(probs, np.float32))))

        count = pq.read_metadata(folder / "million.parquet").num_rows // BY_HTTP // 5000
        async with httpx.AsyncClient(timeout=120) as client:
            chosen = islice(batches(folder, 5000), count)
            scored = await asyncio.gather(*(one(client, batch) for batch in chosen))
        pq.write_table(pa.Table.from_batches(scored), folder / "served.parquet", compression="zstd")
        for batch in scored:
            rows += batch.num_rows
        return rows

    with running(server, folder) as (url, process):
        return timed(lambda: asyncio.run(ask(url)), process)


WAYS = (
    Way("raw ONNX Runtime, INT8", "raw", raw("int8")),
    Way("raw ONNX Runtime, FP32", "raw", raw("fp32")),
    Way("the model alone, in memory, INT8", "raw", alone("int8")),
    Way("sqlrec in process, INT8", "sqlrec", in_process("int8")),
    Way("sqlrec in process, FP32", "sqlrec", in_process("fp32")),
    Way("sqlrec service, INT8", "sqlrec", through_service("int8")),
    Way("sqlrec service, FP32", "sqlrec", through_service("fp32")),
    Way("mlflow pyfunc", "mlflow", pyfunc),
    Way("mlflow models serve", "mlflow", mlflow_serve),
)


def table(found: dict[str, list[tuple[int, float, float]]]) -> str:
    """A Markdown table; ratios are to the first way."""
    lines = [
        "| way | rows/s | of the first | rows per CPU second | of the first |",
        "|---|---:|---:|---:|---:|",
    ]
    speeds = {
        title: [statistics.median(rows / result[index] for rows, *result in results) for index in (0, 1)]
        for title, results in found.items()
    }
    first = next(iter(speeds.values()))
    for title, (wall, busy) in speeds.items():
        lines.append(
            f"| {title} | {wall:,.0f} | {wall / first[0]:.0%} | {busy:,.0f} | {busy / first[1]:.0%} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Score in every way ``--rounds`` times in turn and print the medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="groups, by commas: raw, sqlrec, mlflow")
    parser.add_argument("--folder", type=Path, help="keep the model here, and use it again")
    arguments = parser.parse_args()
    wanted = [w for w in WAYS if not arguments.only or w.group in arguments.only.split(",")]
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.folder or Path(name)
        prepare(folder, mixed=False)
        rows = pa.table(model.rows(arguments.rows, mixed=False, seed=3))
        pq.write_table(rows, folder / "million.parquet")
        found: dict[str, list[tuple[int, float, float]]] = {}
        for number in range(arguments.rounds):
            for way in wanted:
                print(f"round {number + 1}: {way.title}", file=sys.stderr, flush=True)
                found.setdefault(way.title, []).append(way.run(folder))
    print(table(found))


if __name__ == "__main__":
    main()
