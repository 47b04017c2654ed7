"""The job command line, with programs of a plug-in package that end in every way a program can."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from sqlrec.artifacts.folder import is_complete, read_result
from sqlrec.errors import SetupError
from sqlrec.jobs.__main__ import main, read_spec
from sqlrec.jobs.harness import Log
from sqlrec.spec import codec
from sqlrec.spec.job import ExportWork, JobKind, JobSpec, TrainWork
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.schema import Schema
from sqlrec.spec.table import Relation

PLUGIN = """
import sys
import time
from sqlrec.errors import DataError
from sqlrec.models.controller import Programs
from sqlrec.spec.job import JobResult


class Controller:
    programs = Programs(train="acme_models:train")


CONTROLLER = Controller()


def train(work, output, progress):
    progress("started", done=0.0)
    if output.is_dir():
        (output / "weights.txt").write_text(work.checkpoint)
    match work.checkpoint:
        case "bad-rows":
            raise DataError("SR451", "clicks has no rows", hint="check the partition")
        case "crash":
            raise ZeroDivisionError("no reason")
        case "slow":
            progress("waiting", done=0.5)
            time.sleep(60)
        case "full":
            raise OSError(28, "No space left on device")
    progress("finished", done=0.42)
    return JobResult(rows=3, warnings=("take care",))
"""

Launch: TypeAlias = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def launch(tmp_path: Path) -> Launch:
    """``launch(behaviour, output, **environ)``: ``python -m sqlrec.jobs`` with the plug-in installed."""
    site = tmp_path / "site"
    facts = site / "acme_models-1.0.dist-info"
    facts.mkdir(parents=True)
    (site / "acme_models.py").write_text(PLUGIN)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-models\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[sqlrec.models]\nacme = acme_models:CONTROLLER\n")

    def start(behaviour: str, output: Path | str, **environ: str) -> subprocess.Popen[str]:
        spec = tmp_path / "spec.json"
        spec.write_text(codec.dumps(_job(behaviour, output)))
        return subprocess.Popen(
            [sys.executable, "-m", "sqlrec.jobs", "--spec", str(spec)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(site), **environ},
        )

    return start


def _job(behaviour: str, output: Path | str) -> JobSpec:
    model = ModelSpec(name=ModelName.of("m"), type="acme", columns=Schema(), outputs=Schema())
    if behaviour == "export":
        work: TrainWork | ExportWork = ExportWork(model=model, checkpoint="v1", source_uri="x")
    else:
        work = TrainWork(model=model, checkpoint=behaviour, data=Relation(query="SELECT 1"))
    return JobSpec(id=behaviour, kind=JobKind.TRAIN, work=work, output_uri=str(output))


def _finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def _entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name not in ("site", "spec.json"))


def test_publishes_and_says_how_far_it_is(launch: Launch, tmp_path: Path) -> None:
    output = tmp_path / "out"
    status, out, err = _finish(launch("v1", output))
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "[  0%] started",
        "[ 42%] finished",
        "[ 42%] warning: take care",
        f"[100%] published {output}",
    ]
    result = read_result(output)
    assert (result.rows, list(result.files)) == (3, ["weights.txt"])
    assert _entries(tmp_path) == ["out"]


def test_a_published_output_is_left_alone(launch: Launch, tmp_path: Path) -> None:
    output = tmp_path / "out"
    _finish(launch("v1", output))
    before = (output / "result.json").stat().st_mtime_ns
    status, out, _ = _finish(launch("crash", output))
    assert (status, out) == (0, f"[100%] {output} is already published\n")
    assert (output / "result.json").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("behaviour", "status", "code", "words"),
    [
        ("bad-rows", 1, "SR451", "clicks has no rows"),
        ("crash", 70, "SR525", "ZeroDivisionError: no reason"),
        ("full", 1, "SR703", "No space left on device"),
        ("export", 1, "SR524", "a model of type acme is not exported"),
    ],
)
def test_failures_leave_their_reason_and_nothing_else(
    launch: Launch, tmp_path: Path, behaviour: str, status: int, code: str, words: str
) -> None:
    ended, _, err = _finish(launch(behaviour, tmp_path / "out"))
    told = json.loads((tmp_path / "out.error.json").read_text())
    assert ended == status
    assert told["code"] == code
    assert words in told["message"]
    assert words in err
    assert ("Traceback" in err) == (status == 70)
    assert _entries(tmp_path) == ["out.error.json"]


def test_a_success_removes_the_reason_of_the_failure_before(launch: Launch, tmp_path: Path) -> None:
    _finish(launch("bad-rows", tmp_path / "out"))
    _finish(launch("v1", tmp_path / "out"))
    assert _entries(tmp_path) == ["out"]


def test_what_lets_a_job_go_on_stays_until_its_output_is_published(launch: Launch, tmp_path: Path) -> None:
    progress = tmp_path / "out.progress"
    progress.mkdir()
    (progress / "state.pt").write_text("half way")
    _finish(launch("bad-rows", tmp_path / "out"))
    assert (progress / "state.pt").is_file()
    _finish(launch("v1", tmp_path / "out"))
    assert _entries(tmp_path) == ["out"]
    progress.mkdir()
    _finish(launch("v1", tmp_path / "out"))
    assert _entries(tmp_path) == ["out"], "also when a job was killed between publishing and removing"


def test_sigterm_stops_cleanly(launch: Launch, tmp_path: Path) -> None:
    process = launch("slow", tmp_path / "out")
    assert process.stdout is not None
    while "waiting" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGTERM)
    status, _, err = _finish(process)
    assert (status, err) == (143, "stopped by SIGTERM; nothing was published\n")
    assert _entries(tmp_path) == []


def test_sigkill_leaves_no_visible_folder_and_a_rerun_succeeds(launch: Launch, tmp_path: Path) -> None:
    process = launch("slow", tmp_path / "out")
    assert process.stdout is not None
    while "waiting" not in process.stdout.readline():
        pass
    process.kill()
    _finish(process)
    assert not (tmp_path / "out").exists()
    assert _finish(launch("v1", tmp_path / "out"))[0] == 0
    assert is_complete(tmp_path / "out")


def test_only_the_first_process_writes_and_talks(launch: Launch, tmp_path: Path) -> None:
    assert _finish(launch("v1", tmp_path / "out", RANK="1")) == (0, "", "")
    assert _finish(launch("bad-rows", tmp_path / "out", RANK="1")) == (1, "", "")
    assert _entries(tmp_path) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="without root the folder below is refused in another way")
def test_a_path_that_cannot_be_written(launch: Launch) -> None:
    status, _, err = _finish(launch("v1", "/proc/no/such/out"))
    assert status == 1
    assert "[SR703] cannot write /proc/no/such/out" in err


def test_an_output_nowhere(launch: Launch) -> None:
    status, _, err = _finish(launch("v1", "nowhere://bucket/out"))
    assert status == 1
    assert "[SR750] nowhere://bucket/out/result.json cannot be reached" in err


def test_a_spec_that_is_absent_or_damaged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    previous = signal.getsignal(signal.SIGTERM)
    try:
        assert main(["--spec", str(tmp_path / "absent.json")]) == 1
        (tmp_path / "spec.json").write_text("{}")
        assert main(["--spec", str(tmp_path / "spec.json")]) == 1
    finally:
        signal.signal(signal.SIGTERM, previous)
    assert [line.split("]")[0] for line in capsys.readouterr().err.splitlines()] == [
        "error: [SR523",
        "error: [SR490",
    ]
    with pytest.raises(SetupError, match="SR523"):
        read_spec(tmp_path)


def test_progress_keeps_the_last_known_share(capsys: pytest.CaptureFixture[str]) -> None:
    log = Log()
    log("a", done=1.7)
    log("b")
    Log(silent=True)("c")
    assert capsys.readouterr().out == "[100%] a\n[100%] b\n"


def test_starting_a_job_does_not_load_what_it_does_not_need(launch: Launch, tmp_path: Path) -> None:
    started = time.perf_counter()
    code = "import sys, sqlrec.jobs.__main__; print({'torch', 'duckdb', 'pyarrow'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "set()\n"
    assert time.perf_counter() - started < 5
