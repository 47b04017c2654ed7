"""References to secrets become values here, when a job or server of this machine is started.

A plan holds ``secret:name``, and so do the registry and all else that is written down for people. The value
comes from the environment (``SQLREC_SECRET_NAME``), else from ``secrets.env`` in the work directory (lines
``NAME=value``, readable by its owner only), else from where the caller looks: the Airflow layer passes
connections and variables. Specs of services hold references, and so do those of jobs in a cluster: processes
and pods have the values in their environment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from sqlrec.errors import SetupError
from sqlrec.spec.secret import Lookup, variable

FILE = "secrets.env"


def secrets_of(work_dir: Path, more: Lookup, environ: Mapping[str, str] | None = None) -> Lookup:
    """A lookup over the environment, the secrets file and ``more``, in that order."""

    def lookup(name: str) -> str | None:
        value = (os.environ if environ is None else environ).get(variable(name))
        if value is None:
            value = _read_file(work_dir / FILE).get(name.casefold())
        return more(name) if value is None else value

    return lookup


def _read_file(path: Path) -> dict[str, str]:
    """Secrets of a file; raises SR721 when others may read it."""
    if not path.is_file():
        return {}
    if path.stat().st_mode & 0o077:
        raise SetupError("SR721", f"{path} can be read by others", hint=f"chmod 600 {path}")
    pairs = (line.partition("=") for line in path.read_text(encoding="utf-8").splitlines())
    return {k.strip().casefold(): v.strip() for k, eq, v in pairs if eq and not k.lstrip().startswith("#")}
