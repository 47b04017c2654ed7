"""Configuration: the only reader of environment variables and of ``sqlrec.toml``.

Standard library instead of pydantic-settings: importing that costs 0.13 s of the 0.3 s a command has.
Precedence: environment (``SQLREC_WORK_DIR=…``) over ``sqlrec.toml`` in the project folder over defaults.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from sqlrec.errors import SetupError, suggest

PREFIX = "SQLREC_"
FILE = "sqlrec.toml"


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
    runtime: str
    """Where jobs and services run: ``local``."""

    @property
    def embedded(self) -> bool:
        """Whether the registry is the project's own SQLite file."""
        return self.tracking_uri.startswith("sqlite:///")


DEFAULTS = {
    "work_dir": ".sqlrec",
    "warehouse": "data",
    "model_base_path": "",
    "tracking_uri": "",
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
    values = {**DEFAULTS, **_read_file(project / FILE)}
    for key in DEFAULTS:
        if PREFIX + key.upper() in environ:
            values[key] = environ[PREFIX + key.upper()]
    work_dir = (project / Path(values["work_dir"]).expanduser()).resolve()
    base = values["model_base_path"] or str(work_dir / "models")
    return Settings(
        project=project,
        work_dir=work_dir,
        warehouse=(project / Path(values["warehouse"]).expanduser()).resolve(),
        model_base_path=base if "://" in base else str((project / Path(base).expanduser()).resolve()),
        tracking_uri=values["tracking_uri"] or f"sqlite:///{work_dir / 'mlflow.db'}",
        runtime=values["runtime"],
    )


def _read_file(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SetupError("SR701", f"cannot read {path}: {error}") from None
    known = {f.name for f in fields(Settings)} - {"project"}
    for key, value in table.items():
        if key not in known:
            hint = suggest(key, known) or f"known keys: {', '.join(sorted(known))}"
            raise SetupError("SR701", f"{path} has an unknown key {key!r}", hint=hint)
        if not isinstance(value, str):
            raise SetupError("SR701", f"{path}: {key} must be a string")
    return table
