"""Compiles sqlrec/serving/_rows.c while a wheel or an editable install is built.

The server works without it, so no failure here is one of the installation: without a C compiler or
Python's headers, or with SQLREC_PURE=1, the wheel holds Python only.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = Path("sqlrec/serving/_rows.c")
FLAGS = ("-O3", "-std=c11", "-fPIC", "-shared", "-fvisibility=hidden")


def target() -> Path:
    """Where Python looks for the module."""
    return SOURCE.with_name(f"_rows{sysconfig.get_config_var('EXT_SUFFIX')}")


def command(output: Path, *flags: str) -> list[str]:
    """The command that compiles the module."""
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    undefined = ("-undefined", "dynamic_lookup") if sys.platform == "darwin" else ()
    include = f"-I{sysconfig.get_path('include')}"
    return [*compiler, *FLAGS, *undefined, *flags, include, str(SOURCE), "-o", str(output)]


def compiled(root: Path) -> Path | None:
    """Compile under ``root``; the module's place there, or None when that is not possible here."""
    output = target()
    part = output.with_suffix(".part")
    if os.environ.get("SQLREC_PURE") == "1":
        (root / output).unlink(missing_ok=True)
        return None
    try:
        subprocess.run(command(part), cwd=root, check=True, capture_output=True)
        (root / part).replace(root / output)
    except (OSError, subprocess.CalledProcessError):
        (root / output).unlink(missing_ok=True)
        return None
    return output


class CompileRows(BuildHookInterface[Any]):
    """Adds the compiled module to the wheel, which then is of this Python and platform."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling."""
        output = compiled(Path(self.root))
        if output is None:
            self.app.display_warning("no C compiler: the predict server reads JSON in Python")
            return
        build_data["artifacts"].append(str(output))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
