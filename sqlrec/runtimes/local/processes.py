"""Processes of this machine: started apart from us, recognised again later, stopped as a family.

A process id alone proves nothing, since the kernel gives it out again; it is trusted only together with
the time its process was created. A family (everything that one job or service started, also what moved
to another process group) is found by a mark that children inherit in their environment.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from sqlrec.artifacts.durable import writing
from sqlrec.errors import JobError

MARK = "SQLREC_PROCESS"
CLOCK_TOLERANCE = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessId:
    """A process for good: its number and when it was created (seconds since the epoch)."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> ProcessId:
        """Identity of a process that runs; of one already gone, an identity that is never alive."""
        try:
            return cls(pid=pid, created=psutil.Process(pid).create_time())
        except psutil.Error:
            return cls(pid=pid, created=0.0)

    @property
    def alive(self) -> bool:
        """Whether that very process runs; another one under its number, or a zombie, does not count."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < CLOCK_TOLERANCE
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Launched:
    """A program and the small process that waits for it and writes its exit status to ``exit_file``."""

    supervisor: ProcessId
    program: ProcessId
    exit_file: str

    @property
    def running(self) -> bool:
        """Whether the program has not ended yet, or its end is about to be recorded."""
        return self.exit_code is None and (self.program.alive or self.supervisor.alive)

    @property
    def exit_code(self) -> int | None:
        """The recorded exit status (negative: the signal that ended it), or None."""
        try:
            return int(json.loads(Path(self.exit_file).read_bytes())["code"])
        except FileNotFoundError:
            return None


def launch(
    command: Sequence[str], *, log: Path, exit_file: Path, mark: str, env: Mapping[str, str]
) -> Launched:
    """Start ``command`` so that it outlives this process; its output is appended to ``log``.

    ``mark`` names the family it belongs to. Raises ``JobError`` SR503 when it cannot be started.
    """
    with writing(exit_file):
        exit_file.unlink(missing_ok=True)
    supervise = [sys.executable, "-m", "sqlrec.runtimes.local.supervise", str(log), str(exit_file)]
    started = subprocess.run(
        [*supervise, *command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **env, MARK: mark},
        check=False,
    )
    facts = json.loads(started.stdout or "{}")
    if "program" not in facts:
        reason = facts.get("error") or started.stderr.strip() or f"exit status {started.returncode}"
        raise JobError("SR503", f"cannot start a process: {reason}")
    supervisor, program = ProcessId.of(facts["supervisor"]), ProcessId.of(facts["program"])
    return Launched(supervisor=supervisor, program=program, exit_file=str(exit_file))


def family(mark: str, *, outside: Sequence[Launched] = ()) -> list[psutil.Process]:
    """Running processes that bear ``mark``, less those of ``outside`` and what they started."""
    spared = {id.pid for launched in outside for id in (launched.supervisor, launched.program) if id.alive}
    members = [p for p in psutil.process_iter() if _mark(p) == mark]
    return [p for p in members if not spared & {p.pid, *_ancestors(p)}]


def _mark(process: psutil.Process) -> str | None:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return process.environ().get(MARK)
    except (psutil.Error, OSError):
        return None


def _ancestors(process: psutil.Process) -> set[int]:
    try:
        return {parent.pid for parent in process.parents()}
    except psutil.Error:
        return set()


def stop(processes: Sequence[psutil.Process], *, grace: float) -> None:
    """Ask processes to end, and after ``grace`` seconds end them. Returns when all are gone."""
    remaining = list({p.pid: p for process in processes for p in _with_children(process)}.values())
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, 10.0)):
        for process in remaining:
            _send(process, number)
        remaining = _wait(remaining, seconds)


def _wait(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait until processes have ended; those that have not in time. A zombie has ended."""
    deadline = time.monotonic() + seconds
    while (left := [p for p in processes if not _ended(p)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def _ended(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _with_children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def last_lines(path: Path, count: int) -> str:
    """The end of a log file; empty when there is none."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 400 * count))
            text = file.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-count:])


def how_it_ended(code: int | None) -> str:
    """An exit status in words."""
    if code is None:
        return "was killed together with its supervisor"
    if code >= 0:
        return f"ended with exit status {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    memory = "; was the machine out of memory?" if -code == signal.SIGKILL else ""
    return f"was killed by {name}{memory}"
