"""start.sh, run by a real shell with a python that tells how it was called."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sqlrec.runtimes.kubernetes.start import start_script
from sqlrec.spec.job import Topology

SPEC = ["-m", "sqlrec.jobs", "--spec", "/data/spec.json"]
TORCHRUN = ["-m", "torch.distributed.run"]


def run(tmp_path: Path, topology: Topology, **env: str) -> subprocess.CompletedProcess[str]:
    """The arguments of python, one a line."""
    python = tmp_path / "python"
    python.write_text('#!/bin/bash\nfor each in "$@"; do echo "$each"; done\n')
    python.chmod(0o755)
    script = tmp_path / "start.sh"
    script.write_text(start_script(topology, "job-0.job-headless"))
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", **env}
    return subprocess.run(["bash", str(script)], env=environ, capture_output=True, text=True, timeout=30)


def test_one_process_is_the_program(tmp_path: Path) -> None:
    assert run(tmp_path, Topology()).stdout.splitlines() == SPEC


def test_several_processes_of_one_machine_are_joined_by_torchrun(tmp_path: Path) -> None:
    told = run(tmp_path, Topology(processes_per_node=4)).stdout.splitlines()
    assert told == [*TORCHRUN, "--nproc-per-node=4", "--standalone", *SPEC]


def test_machines_meet_at_the_first_of_them(tmp_path: Path) -> None:
    topology = Topology(nodes=3, processes_per_node=2, master_port=4711)
    told = run(tmp_path, topology, JOB_COMPLETION_INDEX="2").stdout.splitlines()
    meeting = ["--nnodes=3", "--node-rank=2", "--master-addr=job-0.job-headless", "--master-port=4711"]
    assert told == [*TORCHRUN, "--nproc-per-node=2", *meeting, *SPEC]


def test_a_machine_that_does_not_know_its_rank_stops(tmp_path: Path) -> None:
    ended = run(tmp_path, Topology(nodes=2))
    assert ended.returncode != 0
    assert "JOB_COMPLETION_INDEX" in ended.stderr


@pytest.mark.parametrize("topology", [Topology(), Topology(processes_per_node=2), Topology(nodes=2)])
def test_the_program_takes_the_place_of_the_shell(tmp_path: Path, topology: Topology) -> None:
    """So that SIGTERM reaches it: the process of ``bash start.sh`` is the one that is python's."""
    script = tmp_path / "start.sh"
    python = tmp_path / "python"
    python.write_text("#!/bin/bash\necho $$\n")
    python.chmod(0o755)
    script.write_text(start_script(topology, "x"))
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "JOB_COMPLETION_INDEX": "0"}
    with subprocess.Popen(["bash", str(script)], env=environ, stdout=subprocess.PIPE, text=True) as process:
        told, _ = process.communicate(timeout=30)
    assert int(told) == process.pid
