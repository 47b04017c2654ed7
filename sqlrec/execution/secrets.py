"""References to secrets become values here and nowhere else, right before a step uses them.

A plan holds ``secret:name``. The value comes from the environment (``SQLREC_SECRET_NAME``), else from
``secrets.env`` in the work directory (lines ``NAME=value``, readable by its owner only), else from where
the caller looks: the Airflow layer passes connections and variables.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

from sqlrec.errors import NameNotFoundError, SetupError
from sqlrec.plan.plan import Step
from sqlrec.spec import codec

Lookup = Callable[[str], str | None]
REFERENCE = re.compile(r"secret:([A-Za-z_][\w.-]*)")
FILE = "secrets.env"


def resolve_secrets(step: Step, lookup: Lookup) -> Step:
    """The step with the values of the secrets its options name; raises SR320 for an unknown one."""
    data = codec.encode(step)
    resolved = _walk(data, lookup, inside_options=False)
    return step if resolved == data else cast(Step, codec.decode(Step, resolved))


def _walk(data: object, lookup: Lookup, *, inside_options: bool) -> object:
    if isinstance(data, dict):
        return {k: _walk(v, lookup, inside_options=inside_options or k == "options") for k, v in data.items()}
    if isinstance(data, list):
        return [_walk(v, lookup, inside_options=inside_options) for v in data]
    if inside_options and isinstance(data, str) and (found := REFERENCE.fullmatch(data)):
        return _value(found[1], lookup)
    return data


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
