"""Programs that tests run beside Python: those of ``make tools`` first, then those on ``PATH``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


def tool(name: str) -> str:
    """Path of a program; empty when it is not here."""
    return shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name) or ""
