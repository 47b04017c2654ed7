"""Runs one job's program and publishes what it made: the frame around every program of a job container.

The output appears whole or not at all, whatever ends the process. A job whose output is there already is
done. Of a job with several processes (torchrun) each runs the program and the first one writes.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, assert_never, cast

from sqlrec.artifacts.durable import write_text, writing
from sqlrec.artifacts.folder import is_complete, progress_folder, publish, staging
from sqlrec.errors import JobError, SetupError, SqlRecError
from sqlrec.models.controller import Progress
from sqlrec.models.lookup import get_controller, load
from sqlrec.spec.job import (
    EvaluateWork,
    ExportWork,
    ImportWork,
    JobResult,
    JobSpec,
    ScoreWork,
    TrainWork,
    Work,
)

SCORE = "sqlrec.jobs.score:score"

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""What a full or read-only disk says, wherever in a program it says it."""

Program = Callable[[Any, Path, Progress], JobResult]


class Stopped(BaseException):
    """SIGTERM arrived. Not an ``Exception``, so that no handler of a library swallows it."""


class Log:
    """Progress of a program as flushed lines of standard output: ``[ 42%] message``."""

    def __init__(self, *, silent: bool = False) -> None:
        self._silent = silent
        self._share = 0.0

    def __call__(self, message: str, *, done: float | None = None) -> None:
        """Print ``message`` with the share that is done, the last known one when not given."""
        self._share = self._share if done is None else min(max(done, 0.0), 1.0)
        if not self._silent:
            print(f"[{self._share:4.0%}] {message}", flush=True)


def run(job: JobSpec, environ: Mapping[str, str] | None = None) -> None:
    """Run a job to its published output, or raise and leave nothing but ``<output>.error.json``.

    Raises what the program raises, :class:`Stopped` on SIGTERM, ``SetupError`` SR522 for an output that is
    no local path and SR703 for one that cannot be written.
    """
    environ = os.environ if environ is None else environ
    is_root = environ.get("RANK", "0") == "0"
    output, log = local_path(job.output_uri), Log(silent=not is_root)
    if is_complete(output):
        log(f"{output} is already published", done=1.0)
        if is_root:
            shutil.rmtree(progress_folder(output), ignore_errors=True)
        return
    if not is_root:
        _program(job.work)(job.work, output, log)
        return
    failure = error_path(output)
    with _recorded(failure):
        _publish(job.work, output, log)
    failure.unlink(missing_ok=True)


def _publish(work: Work, output: Path, log: Log) -> None:
    program = _program(work)
    with writing(output):
        folder = staging(output)
    try:
        result = program(work, folder, log)
        with writing(output):
            publish(folder, output, result)
        shutil.rmtree(progress_folder(output), ignore_errors=True)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise SetupError("SR703", f"cannot write {output}: {error.strerror}", hint="make room") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for warning in result.warnings:
        log(f"warning: {warning}")
    log(f"published {output}", done=1.0)


def _program(work: Work) -> Program:
    """The program of a job; ``JobError`` SR524 when the model type has none for it."""
    match work:
        case ScoreWork():
            return cast(Program, load(SCORE))
        case TrainWork():
            path, verb = get_controller(work.model.type).programs.train, "trained"
        case ExportWork():
            path, verb = get_controller(work.model.type).programs.export, "exported"
        case ImportWork():
            path, verb = get_controller(work.model.type).programs.bring, "imported"
        case EvaluateWork():
            path, verb = get_controller(work.model.type).programs.evaluate, "evaluated"
        case _:
            assert_never(work)
    if not path:
        raise JobError("SR524", f"a model of type {work.model.type} is not {verb}")
    return cast(Program, load(path))


def local_path(uri: str) -> Path:
    """The folder of a path or ``file://`` URI; ``SetupError`` SR522 for any other scheme."""
    path = uri.removeprefix("file://")
    if "://" in path:
        raise SetupError("SR522", f"cannot write to {uri}", hint="a job's output is a path or a file:// URI")
    return Path(path)


def error_path(output: Path) -> Path:
    """Where the reason of a failure is written, beside the output."""
    return output.with_name(f"{output.name}.error.json")


@contextmanager
def _recorded(path: Path) -> Iterator[None]:
    """Write the reason of a failure to ``path`` for the runtime to read."""
    try:
        yield
    except SqlRecError as error:
        _record(path, error.code, error.message, error.hint)
        raise
    except Exception as error:
        _record(
            path, "SR525", f"unexpected {type(error).__name__}: {error}", "the job's log has the traceback"
        )
        raise


def _record(path: Path, code: str, message: str, hint: str) -> None:
    try:
        write_text(path, json.dumps({"code": code, "message": message, "hint": hint}, ensure_ascii=False))
    except SetupError as error:
        print(error, file=sys.stderr, flush=True)


def _stop(signum: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stopped


def stop_on_sigterm() -> None:
    """Turn SIGTERM into :class:`Stopped` in the main thread, once, so that clean-up is not interrupted."""
    signal.signal(signal.SIGTERM, _stop)
