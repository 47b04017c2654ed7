"""A training whose output is in an object store goes on from there, on a machine that has nothing of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pytest

from sqlrec.artifacts import store
from sqlrec.artifacts.folder import PROGRESS, files_of, is_complete, read_result
from sqlrec.jobs.harness import run
from sqlrec.spec import codec
from sqlrec.spec.job import JobKind, JobSpec, TrainWork

pytestmark = pytest.mark.ml

Clicks: TypeAlias = Callable[..., pa.Table]
Work: TypeAlias = Callable[..., TrainWork]


def _job(work: TrainWork, output: str) -> JobSpec:
    return JobSpec(id="j", kind=JobKind.TRAIN, work=work, output_uri=output)


def _killed(job: JobSpec, machine: Path, line: str) -> None:
    """Run the job in a process, on a machine of its own, that is killed when it has printed ``line``."""
    machine.mkdir()
    (machine / "spec.json").write_text(codec.dumps(job))
    command = [sys.executable, "-m", "sqlrec.jobs", "--spec", str(machine / "spec.json")]
    environ = {**os.environ, "TMPDIR": str(machine)}
    printed = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout is not None
        while line not in printed:
            assert process.poll() is None, "it ended by itself"
            printed += process.stdout.readline()
        process.kill()
        process.communicate(timeout=60)
    assert not is_complete(job.output_uri)


def test_a_killed_job_is_continued_on_another_machine(
    clicks: Clicks, make_work: Work, tmp_path: Path, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    work = make_work(clicks(640), num_epochs=2, batch_size=8, checkpoint_steps=20, feature_importance=False)
    whole, output = tmp_path / "whole", f"{bucket}/runs/train"
    _killed(_job(work, output), tmp_path / "machine", "epoch 2/2  step")
    assert store.files(output) == {}
    assert store.files(output + PROGRESS)
    run(_job(work, output))
    assert "resumed at epoch" in capsys.readouterr().out
    run(_job(work, str(whole)))
    assert store.read(store.join(files_of(output), "weights.pt")) == (whole / "weights.pt").read_bytes()
    assert read_result(output).curves == read_result(whole).curves
    assert store.files(output + PROGRESS) == {}
    assert not list((tmp_path / "tmp").glob("sqlrec-*/jobs/*")), "nothing is left on the machine"
