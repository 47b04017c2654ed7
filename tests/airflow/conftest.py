"""Airflow writes files when it is imported, so its home is set here, before any test module is read."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

HOME = tempfile.mkdtemp(prefix="sqlrec-airflow-")
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
os.environ |= {
    "AIRFLOW_HOME": HOME,
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__DAGS_FOLDER": f"{HOME}/dags",
    "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
}
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Airflow's and FastAPI's own, at import
    import airflow.sdk  # noqa: F401

    from sqlrec.airflow.cluster import environment
    from sqlrec.airflow.session import Event, Session, opened
    from sqlrec.settings import Cluster
    from tests.airflow.cluster_project import ClusterProject, Told
    from tests.airflow.memory_api import Finished, run_dag
    from tests.fakes import FakeRegistry


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let pass the warnings that Airflow's own code raises while it runs."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.filterwarnings("ignore::DeprecationWarning:airflow"))
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning"))


@pytest.fixture(scope="module", autouse=True)
def tidy() -> Iterator[None]:
    """What Airflow leaves open is found here, where that is let pass, and in no test of other code."""
    often = gc.get_threshold()
    yield
    gc.set_threshold(*often)
    gc.collect()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with a ``dags`` folder in it."""
    (tmp_path / "dags").mkdir()
    (tmp_path / "sqlrec.toml").touch()
    return tmp_path


@pytest.fixture
def pods(project: Path, cluster: Cluster) -> ClusterProject:
    """A project whose jobs run in the cluster."""
    return ClusterProject(project, cluster)


@pytest.fixture
def events() -> list[Event]:
    """What was told of a run."""
    return []


@pytest.fixture
def told() -> Told:
    """What is to be done when a line of a job is told."""
    return {}


@pytest.fixture
def watched(pods: ClusterProject, events: list[Event], told: Told) -> Callable[..., Finished]:
    """Run a project's script as ``sqlrec run`` does."""

    def on_event(event: Event) -> None:
        events.append(event)
        told.pop(event.message, lambda: None)()

    def call(options: str = "", before: str = "") -> Finished:
        env = replace(environment(pods.settings), make_registry=lambda _: FakeRegistry())
        with opened(Session(env=env, on_event=on_event)):
            return run_dag(pods.dag(options, before))

    return call
