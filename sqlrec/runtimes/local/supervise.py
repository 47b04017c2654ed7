"""Runs one program apart from whoever started it and records how it ended.

    python -m sqlrec.runtimes.local.supervise LOG EXIT COMMAND…

The first process returns as soon as the program runs, so the starter has no child to wait for and may
die. The process left behind, in a session of its own, waits and writes ``EXIT`` as JSON. It is kept
small: standard library only.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def report(facts: dict[str, object]) -> None:
    """Tell the starter, once, and let go of its pipe."""
    os.write(1, json.dumps(facts).encode())
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)


def record(path: Path, code: int) -> None:
    """Write the exit status in one step."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    draft.write_text(json.dumps({"code": code, "ended_at": time.time()}), encoding="utf-8")
    draft.replace(path)


def supervise(log: Path, exit_file: Path, command: list[str]) -> None:
    """Start ``command``, wait for its end, record it. Signals are for the program: here they are ignored."""
    with log.open("ab") as output:
        try:
            program = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        except OSError as error:
            record(exit_file, 127)
            report({"error": f"cannot start {command[0]}: {error.strerror}"})
            return

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    report({"supervisor": os.getpid(), "program": program.pid})
    record(exit_file, program.wait())


def main(arguments: list[str]) -> None:
    """Detach, then supervise."""
    log, exit_file, *command = arguments
    if os.fork() == 0:
        os.setsid()
        supervise(Path(log), Path(exit_file), command)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
