"""Runs of a script on this machine: new ones, and unfinished ones that are taken up again.

A run has a folder with ``run.json``. Whoever works on it holds its lock file, which the kernel releases
when the process ends, however it ends. So a run without a holder that has not succeeded was killed or has
failed, and the next run of the same plan with the same parameters goes on where it stopped.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import cast

from sqlrec.artifacts.durable import make_folder, write_text, writing
from sqlrec.execution.key import RunKey
from sqlrec.plan.plan import Plan
from sqlrec.spec import codec
from sqlrec.spec.options import OptionValue

RECORD = "run.json"


class RunState(StrEnum):
    """How far a run is. ``running`` without a holder of its lock means that it was killed."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """``run.json``. ``logical_date`` (ISO 8601) gives the run its id and its ``ds``."""

    dag_id: str
    run_id: str
    logical_date: str
    digest: str
    params: Mapping[str, OptionValue]
    state: RunState = RunState.RUNNING
    resumed: int = 0

    @property
    def date(self) -> datetime:
        """The logical date."""
        return datetime.fromisoformat(self.logical_date)

    def folder(self, runs: Path) -> Path:
        """Where the run's files are."""
        return runs / RunKey(dag_id=self.dag_id, run_id=self.run_id, task_id="").run_folder


@contextmanager
def held_run(plan: Plan, params: Mapping[str, OptionValue], runs: Path, *, fresh: bool) -> Iterator[Run]:
    """A run to work on, held while the block runs: an unfinished one of the same work, else a new one."""
    last = None if fresh else _last(plan, params, runs)
    if last is not None and last.state is not RunState.SUCCEEDED:
        with _try_lock(last.folder(runs)) as held:
            if held and _read(last.folder(runs)) == last:
                again = replace(last, state=RunState.RUNNING, resumed=last.resumed + 1)
                save(again, runs)
                yield again
                return
    run = _new(plan, params)
    make_folder(run.folder(runs))
    with _try_lock(run.folder(runs)):
        save(run, runs)
        yield run


def save(run: Run, runs: Path) -> None:
    """Write ``run.json``."""
    write_text(run.folder(runs) / RECORD, codec.dumps(run, indent=2))


def _new(plan: Plan, params: Mapping[str, OptionValue]) -> Run:
    date = datetime.now(UTC).isoformat()
    return Run(
        dag_id=plan.name,
        run_id=f"manual__{date}",
        logical_date=date,
        digest=plan.digest,
        params=dict(params),
    )


def _last(plan: Plan, params: Mapping[str, OptionValue], runs: Path) -> Run | None:
    """The newest run of the same work."""
    folder = RunKey(dag_id=plan.name, run_id="", task_id="").run_folder.partition("/")[0]
    found = [run for path in (runs / folder).glob(f"*/{RECORD}") if (run := _read(path.parent))]
    same = [run for run in found if (run.dag_id, run.digest) == (plan.name, plan.digest)]
    return max((run for run in same if run.params == params), key=lambda run: run.date, default=None)


def _read(folder: Path) -> Run | None:
    with suppress(OSError, codec.CodecError):
        return cast(Run, codec.loads(Run, (folder / RECORD).read_bytes()))
    return None


@contextmanager
def _try_lock(folder: Path) -> Iterator[bool]:
    with writing(folder):
        file = (folder / "lock").open("a", encoding="utf-8")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
