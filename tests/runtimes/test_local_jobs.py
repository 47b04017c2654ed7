"""Jobs as processes: idempotence, survival of the submitter, cancellation, and how failures read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from sqlrec.errors import NameNotFoundError, SetupError
from sqlrec.runtimes.local.jobs import STOPPED, LocalJobRuntime
from sqlrec.spec import codec
from sqlrec.spec.job import JobHandle, JobKind, JobSpec, JobState, Topology, TrainWork
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.schema import Schema
from sqlrec.spec.table import Relation

PROGRAM = (sys.executable, str(Path(__file__).with_name("program_job.py")))
MODEL = ModelSpec(name=ModelName.of("m"), type="t", columns=Schema(), outputs=Schema())


def until(holds: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "took too long"
        time.sleep(0.02)


def runs(pid: int) -> bool:
    """Whether a process does anything still; one that only waits to be reaped does not."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def job(
    tmp_path: Path, behave: str, *, id: str = "dag/run 1/train", topology: Topology | None = None
) -> JobSpec:
    work = TrainWork(model=MODEL, checkpoint="v1", data=Relation(query="SELECT 1"))
    return JobSpec(
        id=id,
        kind=JobKind.TRAIN,
        work=work,
        output_uri=str(tmp_path / "output"),
        topology=topology or Topology(),
        env={"BEHAVE": behave},
    )


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[LocalJobRuntime]:
    runtime = LocalJobRuntime(tmp_path / "jobs", program=PROGRAM, grace=0.5)
    yield runtime
    runtime.cancel(JobHandle(id="dag/run 1/train", runtime="local"))


def finished(runtime: LocalJobRuntime, handle: JobHandle) -> JobState:
    until(lambda: runtime.state(handle).finished)
    return runtime.state(handle)


def starts(tmp_path: Path) -> int:
    """How often a program of the job was started."""
    return sum(p.read_text().count(": started") for p in (tmp_path / "jobs").glob("*/log*.txt"))


def test_a_job_runs_and_its_output_decides_success(tmp_path: Path, runtime: LocalJobRuntime) -> None:
    spec = job(tmp_path, "succeed")
    handle = runtime.submit(spec)
    assert finished(runtime, handle) is JobState.SUCCEEDED
    assert list(runtime.logs(handle)) == ["succeed: started"]
    written = next((tmp_path / "jobs").glob("*/spec.json")).read_bytes()
    assert codec.loads(JobSpec, written) == spec


def test_the_same_id_is_not_run_twice(tmp_path: Path, runtime: LocalJobRuntime) -> None:
    handle = runtime.submit(job(tmp_path, "wait"))
    assert runtime.submit(job(tmp_path, "wait")) == handle
    assert runtime.state(handle) is JobState.RUNNING
    (tmp_path / "gate").touch()
    assert finished(runtime, handle) is JobState.SUCCEEDED
    assert runtime.submit(job(tmp_path, "wait")) == handle
    assert runtime.state(handle) is JobState.SUCCEEDED
    assert starts(tmp_path) == 1


def grandchild(runtime: LocalJobRuntime, handle: JobHandle) -> int:
    """The process that a job of behaviour ``nest`` has started, once it has told of it."""
    lines = runtime.logs(handle)
    seen = [next(lines), next(lines), next(lines)]
    return int(next(line for line in seen if line.startswith("child")).split()[1])


def test_a_job_that_runs_with_other_settings_is_stopped_and_the_log_says_so(
    tmp_path: Path, runtime: LocalJobRuntime
) -> None:
    handle = runtime.submit(job(tmp_path, "nest"))
    child = grandchild(runtime, handle)
    (tmp_path / ".output.deadbeef.tmp").mkdir()
    edited = replace(job(tmp_path, "succeed"), output_uri=str(tmp_path / "other"))
    assert runtime.submit(edited) == handle
    assert not runs(child)
    assert finished(runtime, handle) is JobState.SUCCEEDED
    assert list(runtime.logs(handle)) == [f"{STOPPED} (env.BEHAVE)", "succeed: started"]
    assert [path.name for path in tmp_path.iterdir() if "output" in path.name] == []


def test_parallel_submitters_start_one_job(tmp_path: Path, runtime: LocalJobRuntime) -> None:
    spec = job(tmp_path, "wait")
    threads = [threading.Thread(target=runtime.submit, args=(spec,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (tmp_path / "gate").touch()
    assert finished(runtime, JobHandle(id=spec.id, runtime="local")) is JobState.SUCCEEDED
    assert starts(tmp_path) == 1


def test_output_that_is_there_already_needs_no_process(tmp_path: Path, runtime: LocalJobRuntime) -> None:
    handle = runtime.submit(job(tmp_path, "succeed"))
    finished(runtime, handle)
    other = LocalJobRuntime(tmp_path / "elsewhere", program=PROGRAM)
    handle = other.submit(job(tmp_path, "fail"))
    assert other.state(handle) is JobState.SUCCEEDED
    assert list(other.logs(handle)) == []


def test_a_failed_job_tells_why_and_is_started_anew(tmp_path: Path, runtime: LocalJobRuntime) -> None:
    handle = runtime.submit(job(tmp_path, "fail"))
    assert finished(runtime, handle) is JobState.FAILED
    error = runtime.error(handle)
    assert error.code == "SR505"
    assert "ended with exit status 3" in error.message
    assert error.message.endswith("Traceback: ran out of luck")
    runtime.submit(job(tmp_path, "succeed"))
    assert finished(runtime, handle) is JobState.SUCCEEDED
    assert list(runtime.logs(handle)) == ["succeed: started"]
    assert starts(tmp_path) == 2


def test_the_programs_own_explanation_wins_and_does_not_outlive_a_retry(
    tmp_path: Path, runtime: LocalJobRuntime
) -> None:
    handle = runtime.submit(job(tmp_path, "explain"))
    finished(runtime, handle)
    error = runtime.error(handle)
    assert (error.code, error.hint) == ("SR402", "check the WHERE")
    assert "label clicked holds one class only" in error.message
    assert error.message.count("\n") == 0, "what the program said is not said again by its log"
    runtime.submit(job(tmp_path, "die"))
    finished(runtime, handle)
    assert runtime.error(handle).code == "SR505"


@pytest.mark.parametrize(
    ("behave", "words"),
    [("forget", "without publishing"), ("die", "killed by SIGKILL; was the machine out of memory?")],
)
def test_other_endings_are_failures_too(
    tmp_path: Path, runtime: LocalJobRuntime, behave: str, words: str
) -> None:
    handle = runtime.submit(job(tmp_path, behave))
    assert finished(runtime, handle) is JobState.FAILED
    assert words in runtime.error(handle).message


def test_logs_are_followed_while_the_job_runs(tmp_path: Path, runtime: LocalJobRuntime) -> None:
    handle = runtime.submit(job(tmp_path, "wait"))
    lines = runtime.logs(handle)
    assert next(lines) == "wait: started"
    assert runtime.state(handle) is JobState.RUNNING
    (tmp_path / "gate").touch()
    assert list(lines) == []


def test_cancel_reaches_deaf_grandchildren_in_other_sessions(
    tmp_path: Path, runtime: LocalJobRuntime
) -> None:
    handle = runtime.submit(job(tmp_path, "nest"))
    child = grandchild(runtime, handle)
    assert runs(child)
    runtime.cancel(handle)
    assert not runs(child)
    assert runtime.state(handle) is JobState.CANCELLED
    assert "cancelled" in runtime.error(handle).message


def test_a_finished_job_is_not_cancelled(tmp_path: Path, runtime: LocalJobRuntime) -> None:
    handle = runtime.submit(job(tmp_path, "succeed"))
    finished(runtime, handle)
    runtime.cancel(handle)
    assert runtime.state(handle) is JobState.SUCCEEDED


def test_a_job_survives_its_submitter_and_others_can_watch_it(
    tmp_path: Path, runtime: LocalJobRuntime
) -> None:
    text = (
        "import sys; from pathlib import Path; from sqlrec.spec import codec;"
        "from sqlrec.spec.job import JobSpec; from sqlrec.runtimes.local.jobs import LocalJobRuntime;"
        "LocalJobRuntime(Path(sys.argv[1]), program=sys.argv[3:])"
        ".submit(codec.loads(JobSpec, sys.argv[2]))"
    )
    spec = job(tmp_path, "wait")
    subprocess.run(
        [sys.executable, "-c", text, str(tmp_path / "jobs"), codec.dumps(spec), *PROGRAM], check=True
    )
    handle = JobHandle(id=spec.id, runtime="local")
    assert runtime.state(handle) is JobState.RUNNING
    (tmp_path / "gate").touch()
    assert finished(runtime, handle) is JobState.SUCCEEDED


def test_everything_killed_is_a_failure_and_the_retry_is_alone(
    tmp_path: Path, runtime: LocalJobRuntime
) -> None:
    handle = runtime.submit(job(tmp_path, "nest"))
    child = grandchild(runtime, handle)
    family = [*psutil.Process(child).parents(), psutil.Process(child)]
    ours = [process.pid for process in family if "program_job.py" in " ".join(process.cmdline())]
    for pid in ours:  # all of them looked at before the first is killed: a killed one is a zombie
        os.kill(pid, signal.SIGKILL)
    assert finished(runtime, handle) is JobState.FAILED
    assert runs(child), "the stray child is what the retry has to deal with"
    runtime.submit(job(tmp_path, "wait"))
    assert not runs(child)
    (tmp_path / "gate").touch()
    assert finished(runtime, handle) is JobState.SUCCEEDED


def test_a_recycled_process_id_is_not_trusted(tmp_path: Path, runtime: LocalJobRuntime) -> None:
    handle = runtime.submit(job(tmp_path, "wait"))
    record = next((tmp_path / "jobs").glob("*/job.json"))
    text = record.read_text()
    runtime.cancel(handle)
    record.write_text(text)
    for path in record.parent.glob("exit.*.json"):
        path.unlink()
    assert runtime.state(handle) is JobState.FAILED
    launched = json.loads(text)["value"]["launched"]
    reused = text.replace(str(launched["program"]["pid"]), str(os.getpid()))
    record.write_text(reused.replace(str(launched["supervisor"]["pid"]), str(os.getpid())))
    assert runtime.state(handle) is JobState.FAILED


def test_unknown_jobs(runtime: LocalJobRuntime) -> None:
    handle = JobHandle(id="never", runtime="local")
    assert runtime.state(handle) is JobState.UNKNOWN
    assert list(runtime.logs(handle)) == []
    runtime.cancel(handle)
    with pytest.raises(NameNotFoundError, match="never"):
        runtime.error(handle)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    runtime = LocalJobRuntime(tmp_path / "file" / "jobs", program=PROGRAM)
    with pytest.raises(SetupError, match="file/jobs") as caught:
        runtime.submit(job(tmp_path, "succeed"))
    assert caught.value.code == "SR703"


@pytest.mark.ml
def test_several_processes_are_joined_by_torchrun(tmp_path: Path, runtime: LocalJobRuntime) -> None:
    spec = job(tmp_path, "ranks", topology=Topology(processes_per_node=2))
    handle = runtime.submit(spec)
    until(lambda: runtime.state(handle).finished, seconds=90)
    assert runtime.state(handle) is JobState.SUCCEEDED, runtime.error(handle)
    assert {p.name: p.read_text() for p in (tmp_path / "ranks").iterdir()} == {"0": "2", "1": "2"}
