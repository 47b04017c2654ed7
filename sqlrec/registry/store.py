"""An open MLflow: where it is, its experiments, and the calls that need MLflow's own types.

Together with :mod:`sqlrec.registry.client` the only place that imports MLflow.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import http.client
import logging
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mlflow.entities import LoggedModelStatus, Metric, Param, ViewType
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.utils.file_utils import local_file_uri_to_path

from sqlrec.artifacts import store
from sqlrec.artifacts.durable import locked, make_folder
from sqlrec.artifacts.store import Place
from sqlrec.errors import SetupError
from sqlrec.registry import sqlite
from sqlrec.registry.client import FAILURES, Client, Connect, Exists, client_of, translated
from sqlrec.spec.job import CurvePoint

PAGE = 1000
METRICS_AT_ONCE = 1000
PARAMS_AT_ONCE = 100
READY = "READY"
TRAINING = {"mlflow.experimentKind": "custom_model_development"}
"""Makes MLflow's pages show an experiment as model training, not as work on language models."""


class Store:
    """An open MLflow: a client, the root of the files, and the few calls that need MLflow's own types."""

    def __init__(self, tracking_uri: str, artifact_root: str, connect: Connect = client_of) -> None:
        """Raises ``SetupError``: SR703 unwritable place, SR711 broken database, SR712 server not there."""
        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self.uri = tracking_uri
        self.root = artifact_root.rstrip("/")
        if "://" not in self.root:
            self.root = str(make_folder(Path(self.root).absolute()))
        if tracking_uri.startswith(sqlite.PREFIX):
            path = Path(tracking_uri.removeprefix(sqlite.PREFIX)).absolute()
            self.uri = f"{sqlite.PREFIX}{path}"
            _load_sql_store()
            sqlite.ensure_database(path, self._create)
        elif tracking_uri.startswith("http"):
            _ping(tracking_uri)
        try:
            inner = connect(self.uri)
        except FAILURES as error:
            raise translated(self.uri, "opening", error) from error
        self.client = Client(inner, self.uri)
        self._experiments: dict[str, str] = {}

    def _create(self, path: Path) -> None:
        try:
            _load_sql_store()(f"{sqlite.PREFIX}{path}", self.root)._dispose_engine()
        except FAILURES as error:
            raise translated(f"{sqlite.PREFIX}{path}", "its first start", error) from error

    def experiment(self, name: str, folder: str) -> str:
        """Id of the experiment, made on first use with its files below ``folder`` of the root."""
        if name not in self._experiments:
            self._experiments[name] = self.find_experiment(name) or self._make_experiment(name, folder)
        return self._experiments[name]

    def find_experiment(self, name: str) -> str:
        """Id of an experiment, or an empty string."""
        found = self.client.get_experiment_by_name(name)
        return "" if found is None else self.active(found)

    def active(self, experiment: Any) -> str:
        """Id of an experiment, which is restored when it was deleted in MLflow."""
        if experiment.lifecycle_stage == "deleted":
            self.client.restore_experiment(experiment.experiment_id)
        return str(experiment.experiment_id)

    def _make_experiment(self, name: str, folder: str) -> str:
        try:
            made = self.client.create_experiment(
                name, artifact_location=f"{self.root}/{folder}", tags=TRAINING
            )
            return str(made)
        except Exists:
            return self.find_experiment(name)

    def exclusive(self) -> AbstractContextManager[None]:
        """Keep other processes of this machine out; with a server there may be others all the same."""
        if not self.uri.startswith(sqlite.PREFIX):
            return contextlib.nullcontext()
        return locked(Path(f"{self.uri.removeprefix(sqlite.PREFIX)}.services.lock"))

    def pages(self, search: str, **query: object) -> Iterator[Any]:
        """All results of a search call of the client."""
        token = None
        while True:
            page = getattr(self.client, search)(**query, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def log(
        self,
        run_id: str,
        *,
        at_ms: int,
        metrics: Mapping[str, float],
        curves: Iterable[CurvePoint],
        params: Mapping[str, str],
    ) -> None:
        """Write numbers and parameters to a run. The same again, with the same time, adds nothing.

        A final metric stands at the last step of the curve of its name, so that MLflow shows it as latest.
        """
        points = {(p.name, p.step): float(p.value) for p in curves}
        last: dict[str, int] = {}
        for name, step in points:
            last[name] = max(step, last.get(name, 0))
        points.update({(name, last.get(name, 0)): float(value) for name, value in metrics.items()})
        logged = [Metric(name, value, at_ms, step) for (name, step), value in points.items()]
        for start in range(0, len(logged), METRICS_AT_ONCE):
            self.client.log_batch(run_id, metrics=logged[start : start + METRICS_AT_ONCE])
        texts = [Param(name, value) for name, value in params.items()]
        for start in range(0, len(texts), PARAMS_AT_ONCE):
            self.client.log_batch(run_id, params=texts[start : start + PARAMS_AT_ONCE])

    def mark_ready(self, model_id: str) -> None:
        """Declare the files of a logged model complete."""
        self.client.finalize_logged_model(model_id, LoggedModelStatus.READY)

    def source_of(self, logged_model: Any) -> str:
        """What a model version names as its source.

        A server refuses paths; an embedded store would look a logged model up in the process's default
        store instead of this one.
        """
        remote = self.uri.startswith("http")
        return f"models:/{logged_model.model_id}" if remote else str(logged_model.artifact_location)

    def put_files(self, logged_model: Any, folder: Path, source: Place) -> None:
        """Add the files of a folder to a logged model; ``source`` is where they are too, a store maybe.

        Within one store they are copied there. Raises ``SetupError`` SR75x.
        """
        location = str(logged_model.artifact_location)
        if store.same_store(source, location):
            store.copy(source, location, store.files(folder))
            return
        with store.reaching(location):
            self.client.log_model_artifacts(logged_model.model_id, str(folder))

    def delete_files(self, location: str) -> None:
        """Remove the files at an artifact location; none there is no error. Raises ``SetupError`` SR75x."""
        if Path(local_path(location)).is_dir() or "://" in location:
            with store.reaching(location):
                get_artifact_repository(location).delete_artifacts()


@functools.cache
def _load_sql_store() -> Any:
    """MLflow's store on a database; its import trips over a deprecation of SQLAlchemy 2.1."""
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="The ``noload`` loader strategy", category=DeprecationWarning
        )
        from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as ModelStore
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    atexit.register(_close, SqlAlchemyStore._engine_map, ModelStore._engine_map)
    return SqlAlchemyStore


def _close(*engines: Mapping[str, Any]) -> None:
    """Close the connections that MLflow keeps; SQLite then has all of a database in its one file again."""
    for engine in (engine for known in engines for engine in known.values()):
        engine.dispose()


def any_stage() -> int:
    """For searches that find what was deleted too."""
    return int(ViewType.ALL)


def is_ready(logged_model: Any) -> bool:
    """Whether the files of a logged model are complete."""
    return str(getattr(logged_model.status, "value", logged_model.status)) == READY


def local_path(location: str) -> str:
    """A plain path for a location on this machine; any other location as it is."""
    return str(local_file_uri_to_path(location)) if location.startswith("file:") else location


def _ping(uri: str) -> None:
    """Ask the server for a sign of life, so that a dead one costs seconds. Raises SR712."""
    parts = urlsplit(uri)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        with contextlib.closing(connect(parts.netloc, timeout=10)) as connection:
            connection.request("GET", f"{parts.path.rstrip('/')}/health")
            connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        hint = "start it, or unset tracking_uri to use the project's own database"
        raise SetupError("SR712", f"no MLflow server at {uri}: {error}", hint=hint) from error
