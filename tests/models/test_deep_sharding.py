"""Processes that divide the embedding rows train the model that one process trains; with TorchRec itself."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pytest
import torch

from sqlrec.artifacts.folder import progress_folder, read_result
from sqlrec.models.deep import checkpoint
from sqlrec.models.deep.controllers import DSSM
from sqlrec.models.deep.train import train
from sqlrec.spec import codec
from sqlrec.spec.job import JobKind, JobResult, JobSpec, TrainWork
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.schema import DataType, Field, Schema

pytestmark = pytest.mark.ml

Clicks: TypeAlias = Callable[..., pa.Table]
Make: TypeAlias = Callable[..., ModelSpec]
Work: TypeAlias = Callable[..., TrainWork]

HAS_TORCHREC = all(importlib.util.find_spec(name) for name in ("torchrec", "fbgemm_gpu"))
needs_torchrec = pytest.mark.skipif(
    not HAS_TORCHREC, reason="torchrec 1.8.0 and fbgemm-gpu-cpu 1.8.0 are not installed"
)
BIGINT = DataType.parse("BIGINT")
WAYS = ("row_wise", "table_wise")

KILLED = """
import os, sys
from pathlib import Path
from sqlrec.jobs.harness import run, stop_on_sigterm
from sqlrec.models.deep.trainer import Trainer
from sqlrec.spec import codec
from sqlrec.spec.job import JobSpec

place, told = tuple(map(int, sys.argv[2:])), Trainer._tell

def tell(self, speed):
    told(self, speed)
    if (self.epoch, self.step) == place:
        os._exit(9)

Trainer._tell = tell
stop_on_sigterm()
run(codec.loads(JobSpec, Path(sys.argv[1]).read_bytes()))
"""


def _spec(work: TrainWork, output: Path) -> Path:
    spec = output.with_suffix(".spec.json")
    job = JobSpec(id=output.name, kind=JobKind.TRAIN, work=work, output_uri=str(output))
    spec.write_text(codec.dumps(job))
    return spec


def _started(command: Sequence[str], processes: int) -> list[subprocess.Popen[str]]:
    """The processes of a job, as torchrun starts them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": str(processes)}
    shared |= {"LOCAL_WORLD_SIZE": str(processes), "OMP_NUM_THREADS": "1"}
    return [
        subprocess.Popen(
            [sys.executable, *command],
            env={**os.environ, **shared, "RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(processes)
    ]


def _launched(work: TrainWork, output: Path, processes: int = 2, place: tuple[int, int] = (0, 0)) -> str:
    """What the root prints; its processes end at an epoch and step, if there is such a one."""
    started = _started(["-c", KILLED, str(_spec(work, output)), *map(str, place)], processes)
    told = [process.communicate(timeout=300)[0] for process in started]
    ended = [process.returncode for process in started]
    assert all(ended) if any(place) else not any(ended), told
    return told[0]


def _curve(result: JobResult, name: str) -> list[float]:
    return [point.value for point in result.curves if point.name == name]


OPTIONS = {
    "num_epochs": 2,
    "batch_size": 63,
    "max_grad_norm": 0.05,
    "lr_schedule": "linear",
    "warmup_ratio": 0.1,
    "dense_weight_decay": 0.01,
    "sparse_weight_decay": 0.02,
    "class_weights": "balanced",
}


@needs_torchrec
@pytest.mark.parametrize(("sharding", "processes"), [("row_wise", 2), ("table_wise", 2), ("row_wise", 3)])
def test_divided_rows_learn_what_whole_ones_learn(
    clicks: Clicks, make_work: Work, tmp_path: Path, sharding: str, processes: int
) -> None:
    table = clicks(1501)
    alone, divided = tmp_path / "alone", tmp_path / "divided"
    alone.mkdir()
    whole = train(make_work(table, **OPTIONS), alone, lambda message, done=None: None)
    _launched(make_work(table, embedding_sharding=sharding, **OPTIONS), divided, processes)
    result = read_result(divided)
    assert (result.params["embedding_sharding"], result.params["processes"]) == (sharding, str(processes))
    np.testing.assert_allclose(_curve(result, "loss"), _curve(whole, "loss"), rtol=1e-4)
    np.testing.assert_allclose(_curve(result, "auc"), _curve(whole, "auc"), atol=1e-4)
    one, other = checkpoint.load(alone), checkpoint.load(divided)
    torch.testing.assert_close(other.table, one.table, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(other.accumulator, one.accumulator, atol=1e-6, rtol=1e-3)
    assert {path.name for path in divided.iterdir()} >= {path.name for path in alone.iterdir()}


@needs_torchrec
@pytest.mark.parametrize("sharding", WAYS)
def test_a_killed_training_goes_on_from_the_states_of_all(
    clicks: Clicks, make_model: Make, make_work: Work, tmp_path: Path, sharding: str
) -> None:
    """Bit for bit, also with dropout and a best epoch that is kept."""
    work = make_work(
        clicks(560),
        model=make_model(dropout_ratio=0.2),
        num_epochs=3,
        feature_importance=False,
        checkpoint_steps=3,
        early_stopping_patience=2,
        sparse_lr=2.0,
        dense_lr=0.2,
        embedding_sharding=sharding,
    )
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    _launched(work, whole)
    _launched(work, killed, place=(3, 7))
    names = sorted(path.name for path in progress_folder(killed).iterdir())
    assert names == [f"000003-000000000{step}.pt{rank}" for step in (2, 5) for rank in ("", ".1")]
    assert "resumed at epoch 3, step 5 of 8" in _launched(work, killed)
    assert (killed / "weights.pt").read_bytes() == (whole / "weights.pt").read_bytes()
    assert read_result(killed).curves == read_result(whole).curves
    assert "best_epoch" in read_result(whole).params
    assert not progress_folder(killed).exists()


@needs_torchrec
def test_a_state_without_a_share_or_of_other_processes_is_told_and_ignored(
    clicks: Clicks, make_work: Work, tmp_path: Path
) -> None:
    work = make_work(
        clicks(560), num_epochs=2, feature_importance=False, checkpoint_steps=2, embedding_sharding="row_wise"
    )
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    _launched(work, whole)
    _launched(work, killed, place=(2, 7))
    (progress_folder(killed) / "000002-0000000006.pt.1").unlink()
    told = _launched(work, killed, place=(2, 5))
    assert "000002-0000000006.pt.1 is damaged and was ignored" in told
    assert "resumed at epoch 2, step 4 of 8" in told
    told = _launched(work, killed, processes=3)
    assert "is of 2 processes with row_wise shares, not of 3 processes with row_wise shares, and was" in told
    assert "resumed" not in told
    assert "processes" in read_result(killed).params


@needs_torchrec
def test_sigterm_ends_all_processes_with_a_state(clicks: Clicks, make_work: Work, tmp_path: Path) -> None:
    work = make_work(
        clicks(2000),
        num_epochs=3,
        batch_size=16,
        checkpoint_steps=50,
        eval_steps=20,
        feature_importance=False,
        embedding_sharding="table_wise",
    )
    whole, ended = tmp_path / "whole", tmp_path / "ended"
    _launched(work, whole)
    started = _started(["-c", KILLED, str(_spec(work, ended)), "0", "0"], 2)
    root = started[0].stdout
    assert root is not None
    while "epoch 2/3  step 30/" not in root.readline():
        assert started[0].poll() is None, "it ended by itself"
    started[1].send_signal(signal.SIGTERM)
    told = [process.communicate(timeout=120)[0] for process in started]
    assert "stopped at epoch 2, step" in told[0]
    assert all(process.returncode for process in started)
    assert "resumed at epoch 2, step" in _launched(work, ended)
    assert (ended / "weights.pt").read_bytes() == (whole / "weights.pt").read_bytes()


@needs_torchrec
def test_a_divided_training_continues_a_checkpoint_and_is_continued(
    clicks: Clicks, make_work: Work, tmp_path: Path
) -> None:
    """The table grows by new values; the files are those of any training."""
    first, paths = clicks(800), {}
    for sharding in ("none", "row_wise"):
        base, more = tmp_path / f"base-{sharding}", tmp_path / f"more-{sharding}"
        _launched(make_work(first, embedding_sharding=sharding), base)
        _launched(make_work(clicks(800, seed=3, users=60), base=base, embedding_sharding=sharding), more)
        paths[sharding] = more
    one, other = (checkpoint.load(path) for path in paths.values())
    assert len(one.table) == len(other.table) > len(checkpoint.load(tmp_path / "base-none").table)
    torch.testing.assert_close(other.table, one.table, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(other.accumulator, one.accumulator, atol=1e-6, rtol=1e-3)


@needs_torchrec
def test_towers_are_trained_with_divided_rows(clicks: Clicks, make_work: Work, tmp_path: Path) -> None:
    """Their measurement asks for rows of items besides those of the validation rows."""
    model = ModelSpec(
        name=ModelName.of("towers"),
        type=DSSM.type,
        columns=Schema((Field(name="user", type=BIGINT), Field(name="shop", type=DataType.parse("STRING")))),
        outputs=DSSM.answers,
        options={"item_features": "shop", "embedding_dim": 4, "user_tower": "8", "item_tower": "8"},
    )
    table, results = clicks(900).select(["user", "shop"]), []
    for sharding in ("none", "table_wise"):
        output = tmp_path / sharding
        _launched(make_work(table, model=model, num_epochs=2, embedding_sharding=sharding), output)
        results.append(read_result(output))
    whole, divided = results
    np.testing.assert_allclose(_curve(divided, "loss"), _curve(whole, "loss"), rtol=1e-4)
    assert divided.metrics["mrr"] == pytest.approx(whole.metrics["mrr"], abs=1e-3)


@pytest.mark.skipif(HAS_TORCHREC, reason="torchrec is installed")
def test_without_torchrec_the_job_says_what_to_install(
    clicks: Clicks, make_work: Work, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    spec = _spec(make_work(clicks(100), embedding_sharding="row_wise"), output)
    started = _started(["-m", "sqlrec.jobs", "--spec", str(spec)], 2)
    told = [process.communicate(timeout=120)[0] for process in started]
    assert [process.returncode for process in started] == [1, 1], told
    error = json.loads((tmp_path / "out.error.json").read_text())
    assert error["code"] == "SR576"
    assert "pip install 'sqlrec[sharding]' && pip install --no-deps torchrec" in error["hint"]


def test_one_process_holds_all_rows_and_says_so(clicks: Clicks, make_work: Work, tmp_path: Path) -> None:
    work = make_work(clicks(300), embedding_sharding="row_wise", feature_importance=False)
    result = train(work, tmp_path, lambda message, done=None: None)
    assert result.params["embedding_sharding"] == "none"
    assert [warning for warning in result.warnings if "the job has one process" in warning]
