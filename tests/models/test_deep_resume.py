"""A training that was killed goes on where it was and ends, bit for bit, as one that was not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pytest
import torch

from sqlrec.artifacts.folder import is_complete, progress_folder, read_result
from sqlrec.errors import JobError
from sqlrec.jobs.harness import run
from sqlrec.models.deep import checkpoint
from sqlrec.models.deep.train import train
from sqlrec.spec import codec
from sqlrec.spec.job import JobKind, JobResult, JobSpec, TrainWork
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import Parsed

pytestmark = pytest.mark.ml

Clicks: TypeAlias = Callable[..., pa.Table]
Make: TypeAlias = Callable[..., ModelSpec]
Work: TypeAlias = Callable[..., TrainWork]


class Killed(BaseException):
    """Stands for the end of the process."""


class Lines:
    """Progress kept in memory; at a line that begins with ``last`` the process is killed."""

    def __init__(self, last: str = "\n") -> None:
        self.last = last
        self.lines: list[str] = []

    def __call__(self, message: str, *, done: float | None = None) -> None:
        self.lines.append(message)
        if message.startswith(self.last):
            raise Killed

    def about(self, word: str) -> list[str]:
        return [line for line in self.lines if word in line]


def _trained(work: TrainWork, folder: Path) -> tuple[JobResult, bytes, Lines]:
    folder.mkdir(exist_ok=True)
    lines = Lines()
    result = train(work, folder, lines)
    return result, (folder / "weights.pt").read_bytes(), lines


def _killed(work: TrainWork, folder: Path, last: str) -> Path:
    """The states that a training killed at a line leaves."""
    folder.mkdir()
    with pytest.raises(Killed):
        train(work, folder, Lines(last))
    return progress_folder(folder)


CASES: dict[str, tuple[dict[str, Parsed], str]] = {
    "in the middle of an epoch": ({"checkpoint_steps": 3}, "epoch 2/3  step 5"),
    "after the last step": ({"checkpoint_steps": 8}, "epoch 3/3: validation"),
    "with dropout, a schedule and clipping": (
        {"checkpoint_steps": 2, "lr_schedule": "cosine", "warmup_steps": 5, "max_grad_norm": 0.1},
        "epoch 2/3  step 7",
    ),
    "with a best epoch that is kept": (
        {"checkpoint_steps": 3, "early_stopping_patience": 2, "sparse_lr": 2.0, "dense_lr": 0.2},
        "epoch 3/3  step 7",
    ),
    "with measurements within epochs": ({"checkpoint_steps": 5, "eval_steps": 5}, "epoch 2/3  step 6"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_killed_training_ends_as_one_that_was_not(
    clicks: Clicks, make_model: Make, make_work: Work, tmp_path: Path, case: str
) -> None:
    options, last = CASES[case]
    model = make_model(dropout_ratio=0.2 if "dropout" in case else 0.0)
    work = make_work(clicks(560), model=model, num_epochs=3, feature_importance=False, **options)
    whole, weights, _ = _trained(work, tmp_path / "whole")
    states = _killed(work, tmp_path / "killed", last)
    assert len(list(states.iterdir())) <= 2, "the two newest are kept"
    again, same, lines = _trained(work, tmp_path / "killed")
    assert len(lines.about("resumed at epoch")) == 1
    assert same == weights
    assert again.curves == whole.curves
    of_the_machine = ("rows_per_second", "peak_memory_bytes")
    numbers = [{k: v for k, v in r.metrics.items() if k not in of_the_machine} for r in (again, whole)]
    assert numbers[0] == numbers[1]
    assert again.params == whole.params


def test_a_damaged_state_gives_way_to_the_one_before(clicks: Clicks, make_work: Work, tmp_path: Path) -> None:
    work = make_work(clicks(560), checkpoint_steps=2, num_epochs=2, feature_importance=False)
    _, weights, _ = _trained(work, tmp_path / "whole")
    states = _killed(work, tmp_path / "killed", "epoch 2/2  step 7")
    before, newest = sorted(states.iterdir())
    newest.write_bytes(newest.read_bytes()[:1000])
    _, same, lines = _trained(work, tmp_path / "killed")
    assert len(lines.about("is damaged and was ignored")) == 1
    assert lines.about("resumed") == ["resumed at epoch 2, step 4 of 8"]
    assert before.name == "000002-0000000004.pt"
    assert same == weights


@pytest.mark.parametrize("other", ["job", "table"])
def test_states_of_another_training_are_ignored(
    clicks: Clicks, make_work: Work, tmp_path: Path, other: str
) -> None:
    work = make_work(clicks(560), checkpoint_steps=2, feature_importance=False)
    states = _killed(work, tmp_path / "killed", "epoch 1/1  step 7")
    changed = (
        make_work(clicks(560), checkpoint_steps=3, feature_importance=False)
        if other == "job"
        else make_work(clicks(560, seed=5), checkpoint_steps=2, feature_importance=False)
    )
    _, _, lines = _trained(changed, tmp_path / "killed")
    assert len(lines.about(f"is of another {other} and was ignored")) == 2
    assert not lines.about("resumed")
    _, fresh, _ = _trained(changed, tmp_path / "fresh")
    assert (tmp_path / "killed" / "weights.pt").read_bytes() == fresh
    assert len(list(states.iterdir())) == 2, "its own have taken their place"


def test_a_training_goes_on_in_a_larger_pod(clicks: Clicks, make_work: Work, tmp_path: Path) -> None:
    work = make_work(clicks(560), checkpoint_steps=2, feature_importance=False)
    _killed(work, tmp_path / "killed", "epoch 1/1  step 7")
    larger = {"pod_memory": "8Gi", "image": "mine", "kubernetes.env.Path": "x", "namespace": "other"}
    _, _, lines = _trained(replace(work, options={**work.options, **larger}), tmp_path / "killed")
    assert lines.about("resumed") == ["resumed at epoch 1, step 6 of 8"]


def test_another_number_of_processes_goes_on_and_is_told(
    clicks: Clicks, make_work: Work, tmp_path: Path
) -> None:
    work = make_work(clicks(560), checkpoint_steps=2, feature_importance=False)
    states = _killed(work, tmp_path / "killed", "epoch 1/1  step 7")
    for path in states.iterdir():
        torch.save({**torch.load(path, weights_only=True), "processes": 3}, path)
    _, _, lines = _trained(work, tmp_path / "killed")
    assert lines.about("resumed at epoch 1, step 6 of 8")
    (warning,) = lines.about("warning")
    assert warning.startswith("warning: 1 processes go on from a state of 3: sums differ")


def test_states_that_cannot_be_written_do_not_end_a_training(
    clicks: Clicks, make_work: Work, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    progress_folder(folder).write_text("a file where the folder belongs")
    work = make_work(clicks(300), checkpoint_steps=1, feature_importance=False)
    _, _, lines = _trained(work, folder)
    assert len(lines.about("no state can be written")) == 1
    assert checkpoint.load(folder)


def test_a_training_that_diverges_does_not_go_on_from_its_state(
    clicks: Clicks, make_work: Work, tmp_path: Path
) -> None:
    work = make_work(clicks(560), checkpoint_steps=1, dense_lr=1e30, sparse_lr=1e30)
    with pytest.raises(JobError, match="SR520"):
        train(work, tmp_path, Lines())
    assert not progress_folder(tmp_path).exists()


def _job(work: TrainWork, output: Path) -> JobSpec:
    return JobSpec(id=output.name, kind=JobKind.TRAIN, work=work, output_uri=str(output))


def _started(job: JobSpec, spec: Path) -> subprocess.Popen[str]:
    """The job as a runtime starts it."""
    spec.write_text(codec.dumps(job))
    command = [sys.executable, "-m", "sqlrec.jobs", "--spec", str(spec)]
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **threads}
    )


def _ended(job: JobSpec, spec: Path, line: str, end: signal.Signals) -> tuple[int, str]:
    """Exit status and output of the job's process, ended when it printed ``line``."""
    with _started(job, spec) as process:
        assert process.stdout is not None
        printed = ""
        while line not in printed:
            assert process.poll() is None, "it ended by itself"
            printed += process.stdout.readline()
        process.send_signal(end)
        out, _ = process.communicate(timeout=60)
    assert not is_complete(Path(job.output_uri))
    return process.returncode, printed + out


def test_a_job_ended_by_signals_is_continued_by_the_next_start(
    clicks: Clicks,
    make_work: Work,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    work = make_work(clicks(2000), num_epochs=3, batch_size=8, checkpoint_steps=100, feature_importance=False)
    whole, ended, spec = tmp_path / "whole", tmp_path / "ended", tmp_path / "spec.json"
    run(_job(work, whole))
    status, out = _ended(_job(work, ended), spec, "epoch 1/3  step 138/225", signal.SIGTERM)
    assert status == 143
    (stopped,) = [line for line in out.splitlines() if "stopped at epoch 1, step" in line]
    status, out = _ended(_job(work, ended), spec, "epoch 2/3  step 138/225", signal.SIGKILL)
    assert status == -signal.SIGKILL
    assert stopped[7:].replace("stopped", "resumed") in out
    capsys.readouterr()
    run(_job(work, ended))
    assert "resumed at epoch 2, step" in capsys.readouterr().out
    assert (ended / "weights.pt").read_bytes() == (whole / "weights.pt").read_bytes()
    assert read_result(ended).curves == read_result(whole).curves
    assert not progress_folder(ended).exists()
