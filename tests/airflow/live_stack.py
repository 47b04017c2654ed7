"""A real Airflow on loopback, for one test: api-server, scheduler, dag-processor; a triggerer if asked for.

``airflow standalone`` leaves its children behind when it is terminated and opens log servers to the world,
so the processes are started here, each in a group of its own, and stopped for sure.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.e2e.whole_project import airflow_template

COMMANDS = {
    "api-server": ["api-server"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
ALWAYS = ("api-server", "scheduler", "dag-processor")
START_SECONDS = 120
STOP_SECONDS = 15
NOTHING: Mapping[str, object] = {}


@dataclass(frozen=True)
class Stack:
    """A running Airflow. ``logs`` has one file a process."""

    url: str
    logs: Path
    env: Mapping[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    killed: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, name: str) -> None:
        """Start one of its processes, also one that was killed."""
        with (self.logs / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "airflow", *COMMANDS[name]],
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self, name: str, spared: int) -> None:
        """SIGKILL for a process and all that it has started, but the task ``spared`` and its supervisor."""
        process = self.processes.pop(name)
        self.killed.append(process)
        orphan = psutil.Process(spared)
        kept = {orphan, orphan.parent()}
        for each in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]:
            if each not in kept:
                each.kill()
        process.wait()

    def call(self, method: str, path: str, body: object = None) -> Any:
        """A request to the REST API; raises ``HTTPError`` for a refusal."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data=data, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read() or b"null")

    def until(self, what: str, check: Any, seconds: float = 60) -> Any:
        """What ``check()`` gives once it is true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if found := check():
                    return found
            except (urllib.error.URLError, OSError):
                pass
            time.sleep(0.2)
        tails = "\n".join(f"{f.name}:\n{f.read_text()[-2000:]}" for f in sorted(self.logs.glob("*.log")))
        raise AssertionError(f"{what} did not happen in {seconds} s\n{tails}")


@contextmanager
def stack(home: Path, dags: Path, *more: str, options: Mapping[str, object] = NOTHING) -> Iterator[Stack]:
    """Start Airflow on a folder of DAGs, with ``more`` processes than always and settings; and stop it."""
    home.mkdir()
    port = _free_port()
    env = _environment(home, dags, port, options)
    (home / "airflow.db").write_bytes(airflow_template()[1])
    running = Stack(f"http://127.0.0.1:{port}", home, env)
    try:
        for name in (*ALWAYS, *more):
            running.start(name)
        running.until("a healthy start", lambda: _healthy(running), START_SECONDS)
        yield running
    finally:
        _stop(list(running.processes.values()))
        for process in running.killed:
            _end_group(process)


def _healthy(running: Stack) -> bool:
    health = running.call("GET", "/api/v2/monitor/health")
    return all((health[name] or {}).get("status") == "healthy" for name in ("scheduler", "dag_processor"))


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in reversed(processes):
        process.send_signal(signal.SIGINT)
    end = time.monotonic() + STOP_SECONDS
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.1, end - time.monotonic()))
        _end_group(process)
        process.wait()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _environment(home: Path, dags: Path, port: int, more: Mapping[str, object]) -> dict[str, str]:
    options = {
        "CORE__DAGS_FOLDER": dags,
        "CORE__PLUGINS_FOLDER": Path(__file__).parents[2] / "plugins",
        "CORE__LOAD_EXAMPLES": False,
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": 2,
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": False,
        "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": True,
        "CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "API__HOST": "127.0.0.1",
        "API__PORT": port,
        "API__WORKERS": 1,
        "API__BASE_URL": f"http://127.0.0.1:{port}",
        "API__SECRET_KEY": "k" * 32,
        "API_AUTH__JWT_SECRET": "s" * 64,
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": 0.5,
        "DAG_PROCESSOR__REFRESH_INTERVAL": 2,
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": 2,
        "DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": 1,
        "LOGGING__LOGGING_LEVEL": "WARNING",
        "LOGGING__BASE_LOG_FOLDER": home / "logs",
        "USAGE_DATA_COLLECTION__ENABLED": False,
        **more,
    }
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "_AIRFLOW"))}
    return kept | {"AIRFLOW_HOME": str(home)} | {f"AIRFLOW__{k}": str(v) for k, v in options.items()}
