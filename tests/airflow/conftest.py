"""Airflow writes files when it is imported, so its home is set here, before any test module is read."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import warnings
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let pass the warnings that Airflow's own code raises while it runs."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.filterwarnings("ignore::DeprecationWarning:airflow"))
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with a ``dags`` folder in it."""
    (tmp_path / "dags").mkdir()
    (tmp_path / "sqlrec.toml").touch()
    return tmp_path
