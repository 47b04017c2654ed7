"""What sqlrec needs of Airflow beyond its public interface, in one place, for Airflow 3.3."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import IO


def report_import_error(path: Path, message: str) -> bool:
    """Record an import error for a file other than the DAG file that is being imported.

    A DAG file can only fail as a whole: an exception loses its good DAGs, and an error under its own
    name hides them in the UI. So the error goes to the result object of the import in progress, which
    Airflow keeps on the stack, under the script's own path. Returns False when no import is in progress.
    """
    from airflow.dag_processing.importers.base import DagImportError, DagImportResult

    frame: FrameType | None = sys._getframe()
    while frame is not None:
        result = frame.f_locals.get("result")
        if isinstance(result, DagImportResult):
            name = str(Path(result.file_path).with_name(path.name))
            result.errors.append(DagImportError(file_path=name, message=message, stacktrace=message))
            return True
        frame = frame.f_back
    return False


def log_to(file: IO[str]) -> None:
    """Send all of Airflow's own log lines of this process to a file instead of the terminal."""
    from airflow._shared.logging import configure_logging

    configure_logging(log_level="INFO", output=file, colors=False)


def serve_one_version() -> None:
    """Build no version of the Execution API in this process but the newest, which its only client speaks.

    Airflow builds every version that workers of other releases may speak, when the first task starts: most of
    the processor time of a small run.
    """
    try:
        from airflow.api_fastapi.execution_api import versions
        from airflow.api_fastapi.execution_api.routes import execution_api_router
        from airflow.sdk.api.datamodels._generated import API_VERSION
        from cadwyn import HeadVersion, Version, VersionBundle
        from cadwyn.route_generation import _DELETED_ROUTE_TAG
    except ImportError:  # names that no release promises: without them a run is slower, and the same
        return
    newest = versions.bundle.versions[0].value
    if newest != API_VERSION:
        return
    versions.bundle = VersionBundle(HeadVersion(*versions.bundle.head_version.changes), Version(newest))
    execution_api_router.routes[:] = [
        route for route in execution_api_router.routes if _DELETED_ROUTE_TAG not in getattr(route, "tags", ())
    ]
