"""The loader under a real Airflow: a DAG triggered over REST, an import error, one version a change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.airflow.live_stack import Stack, stack

LOADER = Path(__file__).parents[2] / "dags" / "sqlrec_dags.py"
SCRIPT = """
DECLARE day STRING DEFAULT 'monday';
CACHE TABLE a AS SELECT '{{ params.day }}' AS day, '{{ ds }}' AS ds;
INSERT INTO log SELECT day, ds FROM a;
"""
BROKEN = "CACHE TABLE a AS SELECT 1;\nCACHE TABEL b AS SELECT 2;\n"


@pytest.mark.airflow
def test_scripts_run_under_airflow(project: Path) -> None:
    dags = project / "dags"
    (dags / LOADER.name).write_text(LOADER.read_text())
    (dags / "hello.sql").write_text(SCRIPT)
    (dags / "broken.sql").write_text(BROKEN)
    with stack(project / "airflow", dags) as airflow:
        airflow.until("the DAG", lambda: airflow.call("GET", "/api/v2/dags/hello"))
        (error,) = airflow.until("the import error", lambda: errors(airflow))
        assert error["filename"] == "broken.sql"
        assert "--> broken.sql:2:" in error["stack_trace"]
        assert airflow.call("GET", "/api/v2/dags")["total_entries"] == 1
        assert "sqlrec" in [plugin["name"] for plugin in airflow.call("GET", "/api/v2/plugins")["plugins"]]
        assert finished(airflow, {"day": "friday"}) == "success"
        (row,) = pq.read_table(project / "data" / "log").to_pylist()
        assert row["day"] == "friday"
        assert len(row["ds"]) == len("2026-01-31"), "a run without logical date has a date all the same"
        assert versions(airflow) == [1]
        (dags / "broken.sql").unlink()
        (dags / "hello.sql").write_text(SCRIPT.replace("monday", "sunday"))
        airflow.until("the new version", lambda: versions(airflow) == [1, 2])
        airflow.until("the error's end", lambda: not errors(airflow))
        assert finished(airflow, {}) == "success"
        assert versions(airflow) == [1, 2]
        days = pq.read_table(project / "data" / "log")["day"].to_pylist()
        assert sorted(days) == ["friday", "sunday"]


def errors(airflow: Stack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = airflow.call("GET", "/api/v2/importErrors")["import_errors"]
    return found


def versions(airflow: Stack) -> list[int]:
    found = airflow.call("GET", "/api/v2/dags/hello/dagVersions")["dag_versions"]
    return sorted(version["version_number"] for version in found)


def finished(airflow: Stack, conf: dict[str, Any]) -> str:
    run = airflow.call("POST", "/api/v2/dags/hello/dagRuns", {"logical_date": None, "conf": conf})
    path = f"/api/v2/dags/hello/dagRuns/{run['dag_run_id']}"

    def state() -> str:
        now = str(airflow.call("GET", path)["state"])
        return now if now in ("success", "failed") else ""

    return str(airflow.until("the end of the run", state))
