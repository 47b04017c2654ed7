"""Terminating a task's process, as Airflow does, ends the job with all its processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SCRIPT = """
CREATE TABLE samples (user_id BIGINT, y INT) WITH (connector = 'csv', path = 'samples.csv');
CREATE MODEL m (user_id BIGINT, y INT) WITH (model = 'tzrec.wide_and_deep', label_columns = 'y');
TRAIN MODEL m CHECKPOINT = 'v1' ON samples;
"""
JOB = """
import os, subprocess, time
child = subprocess.Popen(["sleep", "300"])
print("pids", os.getpid(), child.pid, flush=True)
time.sleep(300)
"""
TASKS = """
import sys
from pathlib import Path
from sqlrec.airflow import session
from sqlrec.airflow.loader import load_script
from sqlrec.execution.environment import Environment
from sqlrec.runtimes.local.jobs import LocalJobRuntime
from sqlrec.settings import load
from tests.airflow.memory_api import run_dag
from tests.fakes import FakeRegistry

project = Path(sys.argv[1])
settings, registry = load(project, environ={}), FakeRegistry()
runtime = LocalJobRuntime(project / "jobs", program=(sys.executable, str(project / "job.py")), grace=2.0)
env = Environment(settings=settings, make_registry=lambda s: registry, make_jobs=lambda s: runtime)
said = lambda event: print(event.message, flush=True)
with session.opened(session.Session(env=env, on_event=said)):
    done = run_dag(load_script(project / "dags" / "m.sql", settings))
print("states", done.states, flush=True)
"""


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_sigterm_to_the_task_reaches_the_jobs_whole_process_group(project: Path) -> None:
    (project / "samples.csv").write_text("user_id,y\n1,0\n")
    (project / "dags" / "m.sql").write_text(SCRIPT)
    (project / "job.py").write_text(JOB)
    command = [sys.executable, "-W", "ignore", "-c", TASKS, str(project)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as task:
        assert task.stdout is not None
        line = next(line for line in task.stdout if line.startswith("pids"))
        pids = [int(pid) for pid in line.split()[1:]]
        assert all(map(is_running, pids))
        task.send_signal(signal.SIGTERM)
        rest = task.stdout.read()
    assert "'train_m': 'failed'" in rest
    assert "'register_train_m': 'upstream_failed'" in rest
    end = time.monotonic() + 10
    while any(map(is_running, pids)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(is_running, pids))
