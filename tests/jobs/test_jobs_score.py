"""Batch scoring over a real HTTP service: order, resumption after kills and failures, faults."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlrec.data.engine import Engine
from sqlrec.errors import DataError, OptionError, RemoteError, SchemaError, SetupError, StateError
from sqlrec.jobs.score import score
from sqlrec.scoring.shards import opened
from sqlrec.spec import codec
from sqlrec.spec.job import JobKind, JobResult, JobSpec, ScoreWork
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import Parsed
from sqlrec.spec.schema import DataType, Field, Schema
from sqlrec.spec.table import Relation, TableFormat, TableSource
from tests.predict_server import Reply, Service, ok, running

MODEL = ModelSpec(
    name=ModelName.of("rank"),
    type="external",
    columns=Schema(tuple(Field(name=n, type=DataType.parse("BIGINT")) for n in ("user", "item"))),
    outputs=Schema((Field(name="probs", type=DataType.parse("DOUBLE")),)),
)
ROWS = 1000


def answer(request: Any) -> Reply:
    if isinstance(request, list):
        return ok({"probs": [row["user"] * 1000 + row["item"] for row in request]})
    return ok({"probs": [request["user"][0] * 1000 + item for item in request["item"]]})


@pytest.fixture
def service() -> Iterator[Service]:
    with running() as started:
        started.answer = answer
        yield started


@pytest.fixture
def work(tmp_path: Path, service: Service) -> ScoreWork:
    """A thousand rows in two files, ten shards, two requests a shard."""
    for part in range(2):
        first, last = part * ROWS // 2, (part + 1) * ROWS // 2
        table = pa.table({"item": range(first, last), "user": [i % 7 for i in range(first, last)]})
        (tmp_path / "in").mkdir(exist_ok=True)
        pq.write_table(table, tmp_path / "in" / f"{part}.parquet")
    source = TableSource(name="t", format=TableFormat.PARQUET, path=str(tmp_path / "in"))
    return ScoreWork(
        service="s",
        url=service.url,
        model=MODEL,
        inputs=Relation(query="SELECT * FROM t", sources={"t": source}),
        output=TableSource(name="out", format=TableFormat.CACHE, path=str(tmp_path / "out")),
        options={"batch_size": 50, "shard_rows": 100, "attempts": 1},
    )


class Log:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.shares: list[float] = []

    def __call__(self, message: str, *, done: float | None = None) -> None:
        self.lines.append(message)
        if done is not None:
            self.shares.append(done)


def run(work: ScoreWork, log: Log | None = None) -> JobResult:
    return score(work, Path(work.output.path).parent / "job", log or Log())


def rows(table: TableSource) -> list[dict[str, Any]]:
    with Engine(threads=1) as engine:
        found: list[dict[str, Any]] = engine.table(
            Relation(query="SELECT * FROM t", sources={"t": replace(table, name="t")})
        ).to_pylist()
    return found


def with_options(work: ScoreWork, **options: Parsed) -> ScoreWork:
    return replace(work, options={**work.options, **options})


def state(work: ScoreWork) -> list[str]:
    folder = Path(work.output.path).with_name(".out.score")
    return sorted(os.listdir(folder)) if folder.is_dir() else []


EXPECTED = [{"item": i, "user": i % 7, "probs": float(i % 7 * 1000 + i)} for i in range(ROWS)]


def test_a_table_is_scored_in_order(work: ScoreWork, service: Service) -> None:
    log = Log()
    result = run(work, log)
    assert rows(work.output) == EXPECTED
    assert len(service.requests) == ROWS / 50
    assert (result.rows, result.metrics["requests"], result.metrics["retries"]) == (ROWS, 20, 0)
    assert result.metrics["rows_per_second"] == pytest.approx(ROWS / result.metrics["seconds"])
    assert log.shares == sorted(log.shares)
    assert log.shares[-1] == 1.0
    assert "rows/s" in log.lines[-1]
    assert state(work) == []
    assert sorted(os.listdir(Path(work.output.path).parent)) == ["in", "out"]


def test_odd_sizes_and_slow_answers_keep_the_order(work: ScoreWork, service: Service) -> None:
    turn = iter(range(10_000))
    service.answer = lambda request: replace(answer(request), delay=0.02 if next(turn) % 3 == 0 else 0.0)
    run(with_options(work, batch_size=37, shard_rows=130, concurrency=3))
    assert rows(work.output) == EXPECTED


def test_query_and_values(work: ScoreWork, service: Service) -> None:
    one = Relation(query="SELECT 5 AS user, 'x' AS city")
    run(replace(work, query=one))
    assert rows(work.output)[3] == {"item": 3, "user": 3, "probs": 5003.0}
    assert set(service.requests[0]) == {"user", "item"}
    for query, count in (("SELECT 5 AS user WHERE false", 0), ("VALUES (5), (6)", 2)):
        with pytest.raises(SchemaError, match=f"exactly one row, it has {count}"):
            run(replace(work, query=Relation(query=query)))


def test_an_empty_table_gives_an_empty_table(work: ScoreWork, service: Service) -> None:
    empty = replace(work.inputs, query="SELECT * FROM t WHERE item < 0")
    result = run(replace(work, inputs=empty))
    assert (result.rows, service.requests) == (0, [])
    assert rows(work.output) == []
    assert pq.read_schema(Path(work.output.path, result_file(work))).names == ["item", "user", "probs"]


def result_file(work: ScoreWork) -> str:
    (name,) = os.listdir(work.output.path)
    return name


def test_scoring_again_replaces_the_table(work: ScoreWork, service: Service) -> None:
    run(work)
    service.answer = lambda request: ok({"probs": [0.5] * len(request)})
    run(with_options(work, version=2))
    assert {row["probs"] for row in rows(work.output)} == {0.5}
    assert len(rows(work.output)) == ROWS


def fail_at(service: Service, number: int, reply: Reply) -> None:
    """From request ``number`` on the service only gives ``reply``."""
    service.answer = lambda request: answer(request) if len(service.requests) < number else reply


def test_what_was_scored_is_kept_when_the_service_goes_down(work: ScoreWork, service: Service) -> None:
    fail_at(service, 12, Reply(status=503, body=b"draining"))
    with pytest.raises(RemoteError, match="draining") as caught:
        run(with_options(work, concurrency=1))
    assert caught.value.retriable
    assert not Path(work.output.path).exists()
    finished = [name for name in state(work) if name.startswith("shard-")]
    assert len(finished) == 5
    service.answer = answer
    service.requests.clear()
    log = Log()
    result = run(with_options(work, concurrency=1), log)
    assert len(service.requests) == 10
    assert (result.rows, result.metrics["rows"]) == (ROWS, 500)
    assert log.lines[0] == "500 of 1,000 rows were scored before"
    assert log.lines[1].startswith("scored 600 of 1,000 rows, ")
    assert rows(work.output) == EXPECTED


def test_another_port_is_the_same_work(work: ScoreWork, service: Service) -> None:
    fail_at(service, 12, Reply(status=503))
    with pytest.raises(RemoteError):
        run(with_options(work, concurrency=1))
    with running() as moved:
        moved.answer = answer
        run(with_options(replace(work, url=moved.url), concurrency=1))
        assert len(moved.requests) == 10


@pytest.mark.parametrize("change", ["input", "options", "query"])
def test_other_work_starts_over(work: ScoreWork, service: Service, change: str) -> None:
    work = with_options(work, concurrency=1)
    fail_at(service, 12, Reply(status=503))
    with pytest.raises(RemoteError):
        run(work)
    service.answer = answer
    service.requests.clear()
    match change:
        case "input":
            extra = pa.table({"item": pa.array([7000], pa.int64()), "user": pa.array([0], pa.int64())})
            pq.write_table(extra, Path(work.inputs.sources["t"].path, "2.parquet"))
        case "options":
            work = with_options(work, version=2)
        case _:
            work = replace(work, query=Relation(query="SELECT 5 AS user"))
    result = run(work)
    assert result.metrics["rows"] == result.rows == len(rows(work.output)) == ROWS + (change == "input")


def test_an_input_without_a_fixed_order_is_kept(work: ScoreWork, service: Service) -> None:
    shuffled = replace(work.inputs, query="SELECT item, user, random() AS r FROM t ORDER BY random()")
    work = with_options(replace(work, inputs=shuffled), concurrency=1)
    fail_at(service, 12, Reply(status=503))
    with pytest.raises(RemoteError):
        run(work)
    service.answer = answer
    run(work)
    got = rows(work.output)
    assert sorted(row["item"] for row in got) == list(range(ROWS))
    assert all(row["probs"] == row["user"] * 1000 + row["item"] for row in got)


def test_bad_rows_and_answers_are_named(work: ScoreWork, service: Service) -> None:
    work = with_options(work, concurrency=1)
    bad = "SELECT item, CASE WHEN item = 777 THEN 'inf'::DOUBLE ELSE 1 END AS user FROM t"
    with pytest.raises(DataError, match="row 777, feature 'user'"):
        run(replace(work, inputs=replace(work.inputs, query=bad)))
    service.answer = lambda request: ok({"probs": [None if row["item"] != 60 else "no" for row in request]})
    with pytest.raises(RemoteError, match="row 60, field 'probs': 'no' is no double"):
        run(work)
    service.answer = lambda request: ok({"probs": [0.5] * (len(request) - 1)})
    with pytest.raises(RemoteError, match="field 'probs' has 49 values for 50 rows"):
        run(work)
    assert not Path(work.output.path).exists()


def test_a_refused_request_is_not_sent_again(work: ScoreWork, service: Service) -> None:
    service.script(Reply(status=400, body=b"row 3, column user: expected an integer"))
    with pytest.raises(RemoteError, match="row 3, column user") as caught:
        run(with_options(work, attempts=5, concurrency=1))
    assert len(service.requests) == 1
    assert not caught.value.retriable


def test_wrong_work_leaves_nothing_behind(work: ScoreWork, tmp_path: Path, service: Service) -> None:
    without = replace(work.inputs, query="SELECT item FROM t")
    with pytest.raises(SchemaError, match="needs feature user; the table has item"):
        run(replace(work, inputs=without))
    with pytest.raises(OptionError, match="concurrency"):
        run(with_options(work, concurrency=0))
    with pytest.raises(StateError, match="no URL"):
        run(replace(work, url=""))
    assert os.listdir(tmp_path) == ["in"]
    run(with_options(replace(work, inputs=replace(work.inputs, query="SELECT user, item FROM t LIMIT 9"))))
    assert len(rows(work.output)) == 9


def test_missing_features_may_be_null(work: ScoreWork, service: Service) -> None:
    service.answer = lambda request: ok({"probs": [float(row["user"] is not None) for row in request]})
    without = replace(work.inputs, query="SELECT item FROM t LIMIT 10")
    run(with_options(replace(work, inputs=without), missing_features="null"))
    assert [row["probs"] for row in rows(work.output)] == [0.0] * 10


def test_a_path_that_cannot_be_written(work: ScoreWork, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    nowhere = replace(work.output, path=str(tmp_path / "file" / "out"))
    with pytest.raises(SetupError) as caught:
        run(replace(work, output=nowhere))
    assert caught.value.code == "SR703"


def test_a_declared_partitioned_target(work: ScoreWork, tmp_path: Path) -> None:
    columns = (("i", "BIGINT"), ("who", "BIGINT"), ("score", "DOUBLE"))
    schema = Schema(tuple(Field(name=n, type=DataType.parse(t)) for n, t in columns))
    into = replace(work.output, format=TableFormat.PARQUET, schema=schema, partitions=("who",))
    run(replace(work, output=into))
    got = sorted(rows(into), key=lambda row: row["i"])
    assert [tuple(row.values()) for row in got] == [tuple(row.values()) for row in EXPECTED]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [f"who={n}" for n in range(7)]


def test_two_at_once(work: ScoreWork, tmp_path: Path) -> None:
    with (
        opened(tmp_path / ".out.score", "other"),
        pytest.raises(StateError, match="another process"),
    ):
        run(work)
    run(work)
    assert rows(work.output) == EXPECTED


def test_requests_in_flight_are_bounded(work: ScoreWork, service: Service) -> None:
    now, most = 0, 0

    def counted(request: Any) -> Reply:
        nonlocal now, most
        now += 1
        most = max(most, now)
        time.sleep(0.01)
        now -= 1
        return answer(request)

    service.answer = counted
    run(with_options(work, concurrency=3))
    assert 2 <= most <= 3


@pytest.mark.parametrize(
    ("requests", "ending", "status"),
    [
        (1, signal.SIGKILL, -signal.SIGKILL),
        (9, signal.SIGKILL, -signal.SIGKILL),
        (20, signal.SIGKILL, -signal.SIGKILL),
        (9, signal.SIGTERM, 143),
    ],
)
def test_killed_and_run_again(
    work: ScoreWork, service: Service, tmp_path: Path, requests: int, ending: signal.Signals, status: int
) -> None:
    """A process that is killed while a request is answered loses no shard that was finished."""
    job = JobSpec(id="j", kind=JobKind.SCORE, work=work, output_uri=str(tmp_path / "job"))
    (tmp_path / "spec.json").write_text(codec.dumps(job))
    command = [sys.executable, "-m", "sqlrec.jobs", "--spec", str(tmp_path / "spec.json")]
    child = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )

    def deadly(request: Any) -> Reply:
        if len(service.requests) >= requests:
            child.send_signal(ending)
            time.sleep(0.05)
        return answer(request)

    service.answer = deadly
    _, errors = child.communicate(timeout=60)
    assert child.returncode == status, errors
    assert not Path(work.output.path).exists()
    finished = len([name for name in state(work) if name.startswith("shard-")])
    service.answer = answer
    service.requests.clear()
    again = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert again.returncode == 0, again.stderr
    assert len(service.requests) == 20 - 2 * finished
    assert rows(work.output) == EXPECTED
    assert state(work) == []


def test_a_table_of_files_is_not_copied_and_shards_become_the_tables_files(
    work: ScoreWork, service: Service
) -> None:
    work = with_options(work, concurrency=1)
    fail_at(service, 6, Reply(status=503))
    with pytest.raises(RemoteError):
        run(work)
    assert state(work) == ["manifest.json", "shard-000000.parquet", "shard-000001.parquet"]
    shard = os.stat(Path(work.output.path).with_name(".out.score") / "shard-000000.parquet")
    service.answer = answer
    run(work)
    first, *others = sorted(Path(work.output.path).iterdir())
    assert os.path.samestat(first.stat(), shard)
    assert len(others) == 9
    assert rows(work.output) == EXPECTED


@pytest.mark.parametrize(
    "query",
    ["SELECT * FROM t ORDER BY item DESC", "SELECT item, user FROM t", "SELECT * FROM t WHERE item > 500"],
)
def test_a_query_is_kept_as_it_was(work: ScoreWork, service: Service, query: str) -> None:
    work = with_options(replace(work, inputs=replace(work.inputs, query=query)), concurrency=1)
    fail_at(service, 6, Reply(status=503))
    with pytest.raises(RemoteError):
        run(work)
    assert "input.parquet" in state(work)
    service.answer = answer
    run(work)
    with Engine(threads=1) as engine:
        wanted = [row["item"] for row in engine.table(work.inputs).to_pylist()]
    assert [row["item"] for row in rows(work.output)] == wanted
