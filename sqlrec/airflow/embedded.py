"""Airflow inside this process: its own home below the work directory, quiet, one database a process.

A fresh database takes a second to make, so it is made once and copied. Each process has its own copy and
its own folder of DAG files, so two runs at once share nothing they could lock; what lasts of a run is in
its own folder, not in Airflow's database.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

from sqlrec.airflow.quiet import import_airflow
from sqlrec.artifacts.durable import locked, make_folder, write_text
from sqlrec.plan.plan import Plan
from sqlrec.process import collect_seldom
from sqlrec.spec import codec
from sqlrec.spec.names import slug

BUNDLE = "sqlrec"
STUB = """# An Airflow DAG file
from pathlib import Path

from sqlrec.airflow.quiet import import_airflow
from sqlrec.airflow.loader import load_plan

dag = load_plan(Path(__file__).with_suffix(".json"), Path({project!r}), {runtime!r})
"""
OPTIONS = {
    "CORE__LOAD_EXAMPLES": "False",
    "CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",
    "CORE__EXECUTOR": "LocalExecutor",
    "LOGGING__LOGGING_LEVEL": "INFO",
    "LOGGING__COLORED_CONSOLE_LOG": "False",
    "USAGE_DATA_COLLECTION__ENABLED": "False",
    "CORE__DAGBAG_IMPORT_ERROR_TRACEBACKS": "True",
}


def start(work_dir: Path) -> None:
    """Get Airflow ready in this process; the first call decides where it lives."""
    if "airflow" in sys.modules:
        return
    collect_seldom()
    home = make_folder(work_dir / "airflow")
    sweep(home / "process")
    own = make_folder(home / "process" / str(os.getpid()))
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    for key in [k for k in os.environ if k.startswith("AIRFLOW__")]:
        del os.environ[key]
    database = own / "airflow.db"
    os.environ |= {f"AIRFLOW__{key}": value for key, value in OPTIONS.items()}
    os.environ |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(make_folder(own / "dags")),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{database}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
    }
    with locked(home / "lock"):
        _prepare(database, home / f"airflow-{version('apache-airflow')}.db")


def _prepare(database: Path, template: Path) -> None:
    """Copy the template database, or make it; Airflow's first import writes files, hence the lock outside."""
    if template.is_file():
        shutil.copyfile(template, database)
        import_airflow()
        return
    import_airflow()
    from airflow.utils.db import initdb

    initdb()
    draft = template.with_name(f".{template.name}.{os.getpid()}")
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(draft)) as copy:
        source.backup(copy)
    draft.replace(template)


def sweep(folder: Path) -> None:
    """Remove what killed processes left."""
    for left in folder.glob("*"):
        if left.name.isdigit() and not _is_alive(int(left.name)):
            shutil.rmtree(left, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def bundle(plan: Plan, project: Path, runtime: str) -> Iterator[None]:
    """Make the plan the one DAG file that Airflow knows while the block runs."""
    from airflow.configuration import conf

    own = make_folder(Path(conf.get("core", "dags_folder")) / slug(plan.name))
    write_text(own / "dag.json", codec.dumps(plan))
    write_text(own / "dag.py", STUB.format(project=str(project), runtime=runtime))
    config = [
        {
            "name": BUNDLE,
            "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
            "kwargs": {"path": str(own)},
        }
    ]
    key = "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"
    before = os.environ.get(key)
    os.environ[key] = json.dumps(config)
    try:
        yield
    finally:
        with suppress(KeyError):
            del os.environ[key]
        if before is not None:
            os.environ[key] = before
