"""References to secrets become values here and nowhere else: when a job or service gets its options.

A plan holds ``secret:name``, and so do the registry and all else that is written down for people. The value
comes from the environment (``SQLREC_SECRET_NAME``), else from ``secrets.env`` in the work directory (lines
``NAME=value``, readable by its owner only), else from where the caller looks: the Airflow layer passes
connections and variables.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from sqlrec.errors import NameNotFoundError, SetupError
from sqlrec.spec.options import Parsed

Lookup = Callable[[str], str | None]
REFERENCE = re.compile(r"secret:([A-Za-z_][\w.-]*)")
FILE = "secrets.env"


def resolve(value: Parsed, lookup: Lookup) -> Parsed:
    """The value of a secret when ``value`` refers to one, else ``value``; raises SR320 for an unknown one."""
    found = REFERENCE.fullmatch(value) if isinstance(value, str) else None
    return _value(found[1], lookup) if found else value


def _value(name: str, lookup: Lookup) -> str:
    value = lookup(name)
    if value is None:
        raise NameNotFoundError(
            "SR320",
            f"secret {name!r} is not set",
            hint=f"set the environment variable {variable(name)}, or put {name}=… into {FILE}",
        )
    return value


def variable(name: str) -> str:
    """Name of a secret's environment variable."""
    return "SQLREC_SECRET_" + re.sub(r"\W", "_", name).upper()


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
