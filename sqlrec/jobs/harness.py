"""Runs one job's program and publishes what it made: the frame around every program of a job container.

The output appears whole or not at all, whatever ends the process. A job whose output is there already is
done. Of a job with several processes (torchrun) each runs the program and the first one writes.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, assert_never, cast

from sqlrec.artifacts import store
from sqlrec.artifacts.durable import writing
from sqlrec.artifacts.failure import clear_failure, write_failure
from sqlrec.artifacts.folder import is_complete, publish, staging
from sqlrec.artifacts.scratch import discard_progress, workplace
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

    Raises what the program raises, :class:`Stopped` on SIGTERM, ``SetupError`` SR703 for an output that
    cannot be written and SR75x for a store that cannot be reached.
    """
    environ = os.environ if environ is None else environ
    is_root = environ.get("RANK", "0") == "0"
    output, log = job.output_uri, Log(silent=not is_root)
    if is_complete(output):
        log(f"{store.shown(output)} is already published", done=1.0)
        if is_root:
            discard_progress(output)
        return
    if not is_root:
        with workplace(output, is_root=False) as folder:
            _program(job.work)(job.work, folder, log)
        return
    with _recorded(output):
        with workplace(output, is_root=True) as folder:
            _publish(job.work, folder, output, log)
        clear_failure(output)


def _publish(work: Work, place: Path, output: str, log: Log) -> None:
    """Let the program write beside ``place``: the output itself where that is on this machine."""
    program = _program(work)
    with writing(place):
        folder = staging(place)
    try:
        result = program(work, folder, log)
        with writing(place):
            publish(folder, output, result)
        discard_progress(output)
    except OSError as error:
        if error.errno not in store.NO_ROOM:
            raise
        raise SetupError("SR703", f"cannot write {place}: {error.strerror}", hint="make room") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for warning in result.warnings:
        log(f"warning: {warning}")
    log(f"published {store.shown(output)}", done=1.0)


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


@contextmanager
def _recorded(output: str) -> Iterator[None]:
    """Leave the reason of a failure beside the output, for the runtime to read."""
    try:
        yield
    except SqlRecError as error:
        _record(output, error.code, error.message, error.hint)
        raise
    except Exception as error:
        _record(
            output, "SR525", f"unexpected {type(error).__name__}: {error}", "the job's log has the traceback"
        )
        raise


def _record(output: str, code: str, message: str, hint: str) -> None:
    try:
        write_failure(output, code=code, message=message, hint=hint)
    except SetupError as error:
        print(error, file=sys.stderr, flush=True)


def _stop(signum: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stopped


def stop_on_sigterm() -> None:
    """Turn SIGTERM into :class:`Stopped` in the main thread, once, so that clean-up is not interrupted."""
    signal.signal(signal.SIGTERM, _stop)
