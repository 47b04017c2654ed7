"""What tests of services in a cluster share."""

from __future__ import annotations

from pathlib import Path

PROGRAM = Path(__file__).parent / "program_pod.py"


def stand_in(folder: Path) -> Path:
    """A folder for ``PYTHONPATH`` in which ``sqlrec.serving`` is ``program_pod.py``; made once."""
    root = folder / "stand-in"
    package = root / "sqlrec" / "serving"
    if not package.exists():
        package.mkdir(parents=True)
        (package.parent / "__init__.py").touch()
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(PROGRAM.read_text())
    return root
