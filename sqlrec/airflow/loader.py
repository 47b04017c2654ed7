"""A folder of scripts becomes DAGs.

Loading reads compiled plans only: no SQL is parsed, no catalog asked, and no library heavier than Airflow's
task SDK imported. When Airflow says which DAG it wants (a task's process does), only that one is built.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import cast

from airflow.sdk import DAG, get_parsing_context

from sqlrec.airflow.cache import plan_of
from sqlrec.airflow.compat import report_import_error
from sqlrec.airflow.dag import build_dag
from sqlrec.plan.plan import Plan
from sqlrec.settings import FILE, Settings, find_project, load
from sqlrec.spec import codec

log = logging.getLogger(__name__)


def load_folder(folder: Path, namespace: MutableMapping[str, object]) -> None:
    """Put a DAG into ``namespace`` for every ``*.sql`` of ``folder``.

    A script that cannot be compiled becomes an import error of its own, with its located diagnostics;
    the others are not touched by it.
    """
    settings = load(project_of(folder))
    for path in _wanted(folder):
        try:
            dag = load_script(path, settings)
        except Exception as error:
            message = str(error) or repr(error)
            if not report_import_error(path, message):
                log.error("%s cannot be loaded:\n%s", path, message)
        else:
            namespace[f"dag_{dag.dag_id}"] = dag


def load_script(path: Path, settings: Settings) -> DAG:
    """The DAG of one script; raises ``ScriptError`` with all problems, or what Airflow finds wrong."""
    plan = plan_of(path, settings.work_dir / "plans")
    dag = build_dag(plan, project=settings.project, runtime=settings.runtime)
    dag.validate()
    dag.check_cycle()
    return dag


def load_plan(path: Path, project: Path, runtime: str) -> DAG:
    """The DAG of a plan's JSON file."""
    return build_dag(cast(Plan, codec.loads(Plan, path.read_bytes())), project=project, runtime=runtime)


def project_of(folder: Path) -> Path:
    """Where a folder of scripts belongs: the nearest ``sqlrec.toml`` upwards, else the folder's parent."""
    found = find_project(folder.resolve())
    return found if (found / FILE).is_file() else folder.resolve().parent


def _wanted(folder: Path) -> Iterator[Path]:
    asked = get_parsing_context().dag_id
    for path in sorted(folder.glob("*.sql")):
        if asked is None or path.stem == asked:
            yield path
