"""One execution of one task: where it runs, what it is called, whom it tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlrec.artifacts.store import join
from sqlrec.execution.environment import Environment
from sqlrec.execution.key import RunKey
from sqlrec.execution.outcome import Journal
from sqlrec.spec.job import JobResult, JobSpec

Report = Callable[[str], None]
"""Takes one line of progress or log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What every step function is given beside its step."""

    env: Environment
    key: RunKey
    report: Report
    job_runner: Callable[[JobSpec], JobResult] | None = None
    """Runs the step's job in place of the environment's runtime: an operator that is a job itself."""

    @property
    def folder(self) -> Path:
        """Folder of the run: outcomes, cached tables, results, outputs of jobs."""
        return self.env.runs / self.key.run_folder

    @property
    def journal(self) -> Journal:
        """Outcomes of the run's tasks."""
        return Journal(self.folder)

    @property
    def output(self) -> str:
        """Where jobs of this task put their files: what a path or a URI of each begins with."""
        return join(self.env.settings.staging, self.key.run_folder, "output", self.key.task_id)

    @property
    def own_output(self) -> Path:
        """Where this task itself puts files, which a job need not see."""
        return self.folder / "output" / self.key.task_id

    def table(self, name: str) -> str:
        """Where a cached table of the run lies, for jobs to read: a path or a URI."""
        return join(self.env.settings.staging, self.key.run_folder, "tables", name.casefold())
