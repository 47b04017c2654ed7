"""Jobs as processes of this machine.

Every job has a folder: ``spec.json`` (what was asked), ``job.json`` (which processes do it), ``log.txt``,
``exit.json`` (how they ended). All of it is on disk, so any process may watch or cancel any job, and the
death of the submitter costs nothing. A job has succeeded exactly when its output is published; jobs that do
other work have other outputs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from sqlrec.artifacts.durable import locked, make_folder, write_text, writing
from sqlrec.artifacts.failure import clear_failure, read_failure
from sqlrec.artifacts.folder import is_complete, sweep
from sqlrec.errors import JobError, NameNotFoundError
from sqlrec.runtimes.changes import changed
from sqlrec.runtimes.local.processes import Launched, family, how_it_ended, last_lines, launch, stop
from sqlrec.spec import codec
from sqlrec.spec.job import JobHandle, JobSpec, JobState
from sqlrec.spec.names import slug

RUNTIME = "local"
POLL_SECONDS = 0.1
PROGRAM = (sys.executable, "-m", "sqlrec.jobs")
LOG_LINES = 20
STOPPED = "a job of other settings, as the script or the project had them before, was stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """``job.json``. ``attempt`` counts the starts, from 1; 0 when the output was there already."""

    id: str
    output_uri: str
    attempt: int = 0
    cancelled: bool = False
    launched: Launched | None = None


class LocalJobRuntime:
    """Runs jobs below ``root``; the machine is one node, so nodes × processes all start on it."""

    def __init__(self, root: Path, *, program: Sequence[str] = PROGRAM, grace: float = 10.0) -> None:
        """``program`` is started with ``--spec FILE``; ``grace`` seconds pass between asking and killing."""
        self._root = root
        self._program = tuple(program)
        self._grace = grace

    def submit(self, job: JobSpec) -> JobHandle:
        """Start a job unless it runs, or its output is there. Raises SR503, SR703.

        One that runs and was told otherwise is stopped first.
        """
        folder = make_folder(self._folder(job.id))
        with locked(folder / "lock"):
            record = self._record(job.id) or JobRecord(id=job.id, output_uri=job.output_uri)
            if not _running(record):
                self._start(job, folder, record)
            elif what := _told_otherwise(folder, job):
                stop(family(str(folder)), grace=self._grace)
                self._start(job, folder, record, f"{STOPPED} ({what})")
        return JobHandle(id=job.id, runtime=RUNTIME)

    def state(self, handle: JobHandle) -> JobState:
        """Where the job is; ``UNKNOWN`` when it was never submitted here."""
        record = self._record(handle.id)
        if record is None:
            return JobState.UNKNOWN
        if _running(record):
            return JobState.RUNNING
        if is_complete(record.output_uri):
            return JobState.SUCCEEDED
        return JobState.CANCELLED if record.cancelled else JobState.FAILED

    def logs(self, handle: JobHandle) -> Iterator[str]:
        """Lines of the log, following it until the job is finished."""
        path = self._folder(handle.id) / "log.txt"
        if not path.is_file():
            return
        with path.open(encoding="utf-8", errors="replace") as file:
            pending = ""
            while True:
                finished = self.state(handle) is not JobState.RUNNING
                pending += file.read()
                *lines, pending = pending.split("\n")
                yield from lines
                if finished:
                    break
                time.sleep(POLL_SECONDS)
            if pending:
                yield pending

    def cancel(self, handle: JobHandle) -> None:
        """Stop every process of the job, children too; a finished job is left as it is."""
        folder = self._folder(handle.id)
        if not folder.is_dir():
            return
        with locked(folder / "lock"):
            record = self._record(handle.id)
            if record is None or not _running(record):
                return
            self._write(folder, replace(record, cancelled=True))
            stop(family(str(folder)), grace=self._grace)

    def error(self, handle: JobHandle) -> JobError:
        """Why a job did not succeed: what its program said, else how it ended and the log's end."""
        record = self._record(handle.id)
        if record is None:
            raise NameNotFoundError("SR509", f"no job {handle.id!r} below {self._root}")
        told = read_failure(record.output_uri)
        reason = told.get("message") or _ending(record)
        tail = "" if told else last_lines(self._folder(record.id) / "log.txt", LOG_LINES)
        message = f"job {record.id} failed: {reason}" + (f"\n{tail}" if tail else "")
        return JobError(told.get("code", "SR505"), message, hint=told.get("hint", ""))

    def forget(self, handle: JobHandle) -> None:
        """Nothing: the folder of a finished job is small, and people look at its log."""

    def _start(self, job: JobSpec, folder: Path, before: JobRecord, instead: str = "") -> None:
        """Start the processes, if there is no output yet; ``instead`` is the first line of their log."""
        record = replace(before, output_uri=job.output_uri, cancelled=False, launched=None)
        if is_complete(job.output_uri):
            self._write(folder, record)
            return
        stop(family(str(folder)), grace=0.0)
        for output in {before.output_uri, job.output_uri}:
            sweep(output)
        attempt = before.attempt + 1
        log, spec = folder / "log.txt", folder / "spec.json"
        with writing(folder):
            clear_failure(job.output_uri)
            if log.exists():
                log.rename(folder / f"log.{before.attempt}.txt")
            log.touch(mode=0o600)
            log.write_text(f"{instead}\n" if instead else "")
        write_text(spec, codec.dumps(job, indent=2))
        launched = launch(
            self._command(job, spec),
            log=log,
            exit_file=folder / f"exit.{attempt}.json",
            mark=str(folder),
            env=job.env,
        )
        self._write(folder, replace(record, attempt=attempt, launched=launched))

    def _command(self, job: JobSpec, spec: Path) -> list[str]:
        count = job.topology.nodes * job.topology.processes_per_node
        if count == 1:
            return [*self._program, "--spec", str(spec)]
        python, *program = self._program
        torchrun = [python, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
        return [*torchrun, *program, "--spec", str(spec)]

    def _folder(self, job_id: str) -> Path:
        return self._root.absolute() / slug(job_id, 120)

    def _record(self, job_id: str) -> JobRecord | None:
        try:
            text = (self._folder(job_id) / "job.json").read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return cast(JobRecord, codec.loads(JobRecord, text))

    @staticmethod
    def _write(folder: Path, record: JobRecord) -> None:
        write_text(folder / "job.json", codec.dumps(record, indent=2))


def _told_otherwise(folder: Path, job: JobSpec) -> str:
    """What a job that runs was told otherwise; empty when nothing was."""
    return changed((folder / "spec.json").read_text(encoding="utf-8"), codec.dumps(job))


def _running(record: JobRecord) -> bool:
    return record.launched is not None and record.launched.running


def _ending(record: JobRecord) -> str:
    if record.cancelled:
        return "it was cancelled"
    code = record.launched.exit_code if record.launched else None
    if code == 0:
        return f"its program ended without publishing {record.output_uri}"
    return f"its program {how_it_ended(code)}"
