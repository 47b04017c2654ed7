"""Configuration: the only reader of environment variables and of ``sqlrec.toml``.

Standard library instead of pydantic-settings: importing that costs 0.13 s of the 0.3 s a command has.
Precedence: environment (``SQLREC_WORK_DIR=…``) over ``sqlrec.toml`` in the project folder over defaults.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from sqlrec.errors import SetupError, suggest

PREFIX = "SQLREC_"
FILE = "sqlrec.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The Kubernetes cluster of the runtime ``kubernetes``: the table ``[kubernetes]`` of ``sqlrec.toml``."""

    namespace: str = "default"
    """Namespace of jobs and services whose statements name none."""
    config: str = ""
    """A kubeconfig file; unset: ``KUBECONFIG``, ``~/.kube/config``, or the pod's own account in a cluster."""
    context: str = ""
    """Context of the kubeconfig; unset: its current one."""
    env_from_secrets: str = ""
    """Names of Secrets, by commas, that are given whole to all pods as their environment (``envFrom``)."""
    job_image: str = ""
    """Image of jobs, with its tag; unset: that of the model's type."""
    server_image: str = ""
    """Image of services, with its tag; unset: that of the model's type."""
    api_image: str = ""
    """Image of the servers of CREATE API, with its tag; unset: ``server_image``."""
    image_pull_policy: str = ""
    """``Always``, ``IfNotPresent`` or ``Never``; unset: as Kubernetes decides by the tag."""
    image_pull_secrets: str = ""
    """Names of secrets for the registry of images, by commas."""
    service_account: str = ""
    """Service account of pods; they talk to no API server and are given no token of it."""
    secret: str = "sqlrec-secrets"  # noqa: S105  (the name of a Secret)
    """The Secret whose keys are what scripts call ``{{ secret.NAME }}``; only pods refer to it."""
    volume: str = ""
    """What holds the project's files for this process and for pods: ``pvc:CLAIM`` or ``host:/PATH``."""
    mount: str = ""
    """Where ``volume`` is mounted in pods; unset: the project's folder, as here."""
    run_as_user: str = "50000"
    """User (and group of shared files) of pods: the one that Airflow's images have."""
    service_url: str = "http://{name}.{namespace}.svc:{port}"
    """How services are reached from here: ``{name}``, ``{namespace}``, ``{port}``, ``{cluster_ip}``."""
    pending_timeout: str = ""
    """How long a pod of a job may wait for a machine with room (``30m``); unset: as long as it takes."""
    conn_id: str = ""
    """Airflow connection to the cluster, which tasks use in the place of ``config``; the CLI does not."""
    deferrable: str = "false"
    """Whether Airflow's triggerer waits for jobs (``true``), or the task's own process."""
    on_finish_action: str = "delete_pod"
    """What Airflow's tasks leave of a job: nothing, or pods that failed (``delete_succeeded_pod``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where things are. Relative paths are taken from ``project``."""

    project: Path
    """Folder of the project: that of the nearest ``sqlrec.toml`` upwards, else the current one."""
    work_dir: Path
    """State of the embedded mode: registry, runs, jobs, services (default ``.sqlrec``)."""
    warehouse: Path
    """Folder of tables that no CREATE TABLE declares (default ``data``)."""
    model_base_path: str
    """Root of checkpoint files, a path or an fsspec URI (default ``<work_dir>/models``)."""
    tracking_uri: str
    """MLflow tracking URI (default ``sqlite:///<work_dir>/mlflow.db``)."""
    staging: str
    """Root of what jobs write until it is registered, a path or a URI (default ``<work_dir>/runs``)."""
    runtime: str
    """Where jobs and services run: ``local`` or ``kubernetes``."""
    kubernetes: Cluster = field(default_factory=Cluster)
    """The cluster of the runtime ``kubernetes``."""

    @property
    def embedded(self) -> bool:
        """Whether the registry is the project's own SQLite file."""
        return self.tracking_uri.startswith("sqlite:///")


RUNTIMES = ("local", "kubernetes")
TABLE = "kubernetes"
"""The one table of the file; its keys stand in the environment as ``SQLREC_KUBERNETES_NAMESPACE``."""

DEFAULTS = {
    "work_dir": ".sqlrec",
    "warehouse": "data",
    "model_base_path": "",
    "tracking_uri": "",
    "staging": "",
    "runtime": "local",
}


def find_project(start: Path) -> Path:
    """The nearest folder upwards that holds ``sqlrec.toml``, else ``start``."""
    return next((p for p in (start, *start.parents) if (p / FILE).is_file()), start)


def load(start: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Settings for a project; raises ``SetupError`` SR701 for an unknown key or an unreadable file."""
    environ = os.environ if environ is None else environ
    folder = Path(environ.get(PREFIX + "PROJECT", "") or start or Path.cwd()).resolve()
    project = find_project(folder)
    written = _read_file(project / FILE)
    table = written.pop(TABLE, {})
    values = {**DEFAULTS, **_checked(project / FILE, written, DEFAULTS)}
    for key in DEFAULTS:
        if PREFIX + key.upper() in environ:
            values[key] = environ[PREFIX + key.upper()]
    work_dir = (project / Path(values["work_dir"]).expanduser()).resolve()
    return Settings(
        project=project,
        work_dir=work_dir,
        warehouse=(project / Path(values["warehouse"]).expanduser()).resolve(),
        model_base_path=_place(project, values["model_base_path"] or str(work_dir / "models")),
        tracking_uri=values["tracking_uri"] or f"sqlite:///{work_dir / 'mlflow.db'}",
        staging=_place(project, values["staging"] or str(work_dir / "runs")),
        runtime=values["runtime"],
        kubernetes=_cluster(project / FILE, table, environ),
    )


def _place(project: Path, written: str) -> str:
    """A URI, or an absolute path."""
    return written.rstrip("/") if "://" in written else str((project / Path(written).expanduser()).resolve())


def _cluster(path: Path, table: object, environ: Mapping[str, str]) -> Cluster:
    known = [f.name for f in fields(Cluster)]
    if not isinstance(table, dict):
        raise SetupError("SR701", f"{path}: {TABLE} must be a table", hint=f"write [{TABLE}]")
    given = _checked(path, table, known, where=f"{TABLE}.")
    named = {key: f"{PREFIX}{TABLE}_{key}".upper() for key in known}
    given |= {key: environ[name] for key, name in named.items() if name in environ}
    return replace(Cluster(mount=str(path.parent)), **given)


def _read_file(path: Path) -> dict[str, object]:
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SetupError("SR701", f"cannot read {path}: {error}") from None


def _checked(
    path: Path, table: Mapping[str, object], known: Collection[str], where: str = ""
) -> dict[str, str]:
    """A table's values, when all its keys are known and all its values are text."""
    checked = {}
    for key, value in table.items():
        if key not in known:
            hint = suggest(key, known) or f"known keys: {', '.join(sorted(known))}"
            raise SetupError("SR701", f"{path} has an unknown key {where + key!r}", hint=hint)
        if not isinstance(value, str):
            raise SetupError("SR701", f"{path}: {where}{key} must be a string")
        checked[key] = value
    return checked
