"""Two processes train the model that one process with the same batch size trains."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pytest

from sqlrec.artifacts.folder import is_complete, read_result
from sqlrec.jobs.harness import run
from sqlrec.models.deep import checkpoint
from sqlrec.models.deep.group import Group
from sqlrec.spec import codec
from sqlrec.spec.job import JobKind, JobResult, JobSpec, TrainWork

pytestmark = pytest.mark.ml

Clicks: TypeAlias = Callable[..., pa.Table]
Work: TypeAlias = Callable[..., TrainWork]


MACHINE = """
import sys
from pathlib import Path
from sqlrec.jobs.harness import run
from sqlrec.models.deep import sharing
from sqlrec.spec import codec
from sqlrec.spec.job import JobSpec

sharing.SENT_BYTES = 1 << 12
make = sharing.Spool.make
sharing.Spool.make = lambda shapes, count: print("wrote", count, flush=True) or make(shapes, count)
run(codec.loads(JobSpec, Path(sys.argv[1]).read_bytes()))
"""


def _job(work: TrainWork, output: Path) -> JobSpec:
    return JobSpec(id=output.name, kind=JobKind.TRAIN, work=work, output_uri=str(output))


def _launch(work: TrainWork, output: Path, processes: int) -> subprocess.CompletedProcess[str]:
    """Run the job the way a runtime does."""
    spec = output.with_suffix(".spec.json")
    spec.write_text(codec.dumps(_job(work, output)))
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [sys.executable, *(torchrun if processes > 1 else []), "-m", "sqlrec.jobs", "--spec", str(spec)]
    environ = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=environ, timeout=120)


def _curve(result: JobResult, name: str) -> list[float]:
    return [point.value for point in result.curves if point.name == name]


def test_two_processes_give_the_model_of_one(clicks: Clicks, make_work: Work, tmp_path: Path) -> None:
    """Also with everything that all of them must agree on: norms, rates, weights, states to go on from."""
    table = clicks(1501)
    weights = pa.array(np.linspace(0.5, 2.0, 1501))
    work = make_work(
        table.append_column("importance", weights),
        num_epochs=2,
        batch_size=63,
        max_grad_norm=0.05,
        lr_schedule="linear",
        warmup_ratio=0.1,
        dense_weight_decay=0.01,
        class_weights="balanced",
        sample_weight_column="importance",
        checkpoint_steps=10,
    )
    outputs = {processes: tmp_path / f"of-{processes}" for processes in (1, 2)}
    for processes, output in outputs.items():
        finished = _launch(work, output, processes)
        assert finished.returncode == 0, finished.stderr
        assert finished.stdout.count("validation auc") == 2, "one process talks"
    one, two = (read_result(output) for output in outputs.values())
    assert (one.params["processes"], two.params["processes"]) == ("1", "2")
    np.testing.assert_allclose(_curve(one, "loss"), _curve(two, "loss"), rtol=1e-4)
    np.testing.assert_allclose(_curve(one, "auc"), _curve(two, "auc"), atol=1e-4)
    alone, together = (checkpoint.load(output).predict(table)[0] for output in outputs.values())
    np.testing.assert_allclose(alone, together, atol=1e-3)
    assert sorted(one.files) == sorted(two.files)


def test_two_processes_read_the_rows_that_one_put_on_disk(
    clicks: Clicks, make_work: Work, tmp_path: Path
) -> None:
    work = make_work(clicks(20_000), num_epochs=1, batch_size=500, data_memory_mb=1)
    curves = {}
    for processes in (1, 2):
        output = tmp_path / f"of-{processes}"
        if processes == 1:
            run(_job(work, output))
        else:
            finished = _launch(work, output, processes)
            assert finished.returncode == 0, finished.stderr
        result = read_result(output)
        assert (result.params["rows_in"], result.params["processes"]) == ("disk", str(processes))
        curves[processes] = _curve(result, "loss")
    assert curves[1][-1] < curves[1][0] - 0.1
    np.testing.assert_allclose(curves[1], curves[2], rtol=1e-4)


def test_machines_have_their_own_part_of_the_rows_on_disk(
    clicks: Clicks, make_work: Work, tmp_path: Path
) -> None:
    work = make_work(clicks(20_000), num_epochs=1, batch_size=500, data_memory_mb=1)
    output, spec, places = tmp_path / "out", tmp_path / "spec.json", []
    spec.write_text(codec.dumps(_job(work, output)))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", MACHINE, str(spec)]
    for rank in range(2):
        places.append(tmp_path / f"machine-{rank}")
        places[rank].mkdir()
    shared = {
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "1",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    started = [
        subprocess.Popen(
            command,
            env={
                **os.environ,
                **shared,
                "OMP_NUM_THREADS": "1",
                "RANK": str(rank),
                "TMPDIR": str(places[rank]),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    told = [process.communicate(timeout=120)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0], told
    kept = [int(text.split("wrote ")[-1].split()[0]) for text in told]
    assert sum(kept) == 18_000
    assert abs(kept[0] - kept[1]) < 200
    result = read_result(output)
    assert (result.params["rows_in"], result.rows) == ("disk", 18_000)
    assert result.metrics["auc"] > 0.85
    alone = tmp_path / "alone"
    run(_job(work, alone))
    np.testing.assert_allclose(_curve(result, "loss"), _curve(read_result(alone), "loss"), rtol=1e-4)
    assert [path for place in places for path in place.glob("sqlrec-*")] == []


def test_an_error_of_the_data_ends_all_processes_with_one_message(
    clicks: Clicks, make_work: Work, tmp_path: Path
) -> None:
    table = clicks(50)
    ones = table.set_column(table.column_names.index("label"), "label", pa.array([1] * 50))
    output = tmp_path / "out"
    finished = _launch(make_work(ones), output, processes=2)
    assert finished.returncode == 1
    assert finished.stderr.count("[SR452] all 50 rows of clicks have label 1") == 1
    assert "/sqlrec/" not in finished.stderr, "no traceback of ours; torchrun prints its own"
    assert not is_complete(output)
    assert json.loads((tmp_path / "out.error.json").read_text())["code"] == "SR452"


@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_shares_part_a_batch_without_gap_or_overlap(size: int) -> None:
    for start, stop in ((0, 64), (64, 69), (5, 6)):
        shares = [Group(rank, size).share(start, stop) for rank in range(size)]
        rows = [row for share in shares for row in range(share.start, share.stop)]
        assert rows == list(range(start, stop))
