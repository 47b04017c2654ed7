"""Identity of a piece of work: which task of which run.

Jobs, checkpoints and deployments are keyed by it, so that a retried task finds what it has already made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlrec.spec.names import slug


@dataclass(frozen=True, slots=True, kw_only=True)
class RunKey:
    """One task of one run. ``map_index`` is -1 for a task that is not mapped."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1

    @property
    def text(self) -> str:
        """The key in the registry."""
        task = self.task_id if self.map_index < 0 else f"{self.task_id}/{self.map_index}"
        return f"{self.run}{task}"

    @property
    def run(self) -> str:
        """What the keys of all tasks of the run begin with."""
        return f"{self.dag_id}/{self.run_id}/"

    @property
    def job(self) -> str:
        """Name of the task's job: a label for pods and folders."""
        return slug(self.text)

    @property
    def run_folder(self) -> str:
        """Relative path of the run's folder."""
        return f"{slug(self.dag_id)}/{slug(self.run_id)}"

    def of(self, task_id: str) -> RunKey:
        """The same run's key of another task."""
        return replace(self, task_id=task_id)


def registration_of(task_id: str) -> str:
    """Id of the task that registers what the job of task ``task_id`` made."""
    return f"register_{task_id}"
