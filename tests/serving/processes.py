"""Predict servers as processes of their own, and what they hold: memory, file descriptors, threads."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from sqlrec.spec import codec
from sqlrec.spec.service import ServiceSpec

PATIENCE = 60.0
"""Seconds after which something that must happen has not; far more than it takes on any machine."""


@dataclass(frozen=True)
class Footprint:
    """What a process holds."""

    megabytes: float
    files: int
    threads: int


class ServerProcess:
    """``python -m sqlrec.serving``; ``port`` is its service port, ``private`` the other one."""

    def __init__(self, spec: ServiceSpec, folder: Path, *arguments: str, **environment: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "service.json"
        path.write_text(codec.dumps(spec))
        self.log = folder / "log"
        command = [sys.executable, "-m", "sqlrec.serving", "--spec", str(path), "--activate", *arguments]
        with self.log.open("wb") as log:
            self.popen = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, **environment}
            )
        try:
            self.private = int(self._event()["private_port"])
            self.port = int(self._event()["url"].split(":")[2].split("/")[0])
        except BaseException:
            self.end()
            raise

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def _event(self) -> dict[str, Any]:
        assert self.popen.stdout
        line = self.popen.stdout.readline()
        assert line, self.log.read_text()
        event: dict[str, Any] = json.loads(line)
        return event

    def end(self) -> None:
        """Kill it if it runs."""
        self.popen.kill()
        self.popen.wait()
        assert self.popen.stdout
        self.popen.stdout.close()

    def footprint(self) -> Footprint:
        """What it holds now."""
        process = psutil.Process(self.popen.pid)
        files = len(list(Path(f"/proc/{self.popen.pid}/fd").iterdir()))
        return Footprint(process.memory_info().rss / 1e6, files, process.num_threads())

    def peak(self) -> float:
        """The most megabytes that it ever held."""
        status = Path(f"/proc/{self.popen.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1e3

    def call(
        self, method: str, path: str, body: bytes | str | None = None, **headers: str
    ) -> tuple[int, bytes]:
        """One request to the service port, on a connection of its own."""
        return call(self.port, method, path, body, **headers)

    def events(self) -> list[dict[str, Any]]:
        """The lines of its log."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


def call(
    port: int, method: str, path: str, body: bytes | str | None = None, **headers: str
) -> tuple[int, bytes]:
    """Status and body of one request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def until(reached: Callable[[], bool], told: Callable[[], object] = lambda: "") -> None:
    """Wait for something that must happen."""
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < deadline, told()
        time.sleep(0.02)
