"""Whether a job ends with the process that follows it.

Airflow ends processes of tasks not only because somebody ended the task. A try makes room for the next one
when its scheduler died or its heartbeats were missed, and ends itself when the API server is away for a
while; a triggerer drops what another has taken over. Then the job goes on: whoever comes next follows it.
"""

from __future__ import annotations

import logging
from typing import Any

from sqlrec.airflow import session

log = logging.getLogger(__name__)
DELETED = "removed"
OVER = frozenset({"success", "failed", "skipped", "upstream_failed", "restarting", DELETED})
"""States of a task that somebody has ended, or cleared while it ran."""


def is_over(ti: Any) -> bool:
    """Whether a task was ended, and not just its process; False when nobody can tell."""
    return session.current() is not None or _state_of(ti) in OVER


def is_waiting(ti: Any) -> bool:
    """Whether a task is deferred, be it a later try of it; False when nobody can tell."""
    return _state_of(ti) == "deferred"


def _state_of(ti: Any) -> str:
    """The state of a task as Airflow knows it, whichever try it is at; empty when Airflow cannot be asked."""
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    try:
        found = RuntimeTaskInstance.get_task_states(
            dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[ti.run_id], map_index=ti.map_index
        )
    except Exception as error:  # of its channel, its API server or its answer: what to do is the same
        log.warning("Airflow does not say what became of this task: %r", error)
        return ""
    name = ti.task_id if ti.map_index < 0 else f"{ti.task_id}_{ti.map_index}"
    return str(found.get(ti.run_id, {}).get(name, DELETED) or "")
