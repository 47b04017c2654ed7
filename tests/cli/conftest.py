"""Command lines in this process, in a project of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sqlrec.cli.main import main


@dataclass(frozen=True, slots=True)
class Told:
    """How a command line ended."""

    status: int
    out: str
    err: str


Command = Callable[..., Told]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project; the current folder is another one, so that nothing depends on it."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "sqlrec.toml").touch()
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def sqlrec(project: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """``sqlrec --project PROJECT …``. No command line ends with a traceback."""

    def call(*arguments: object) -> Told:
        try:
            status = main(["--project", str(project), *map(str, arguments)])
        except SystemExit as stop:
            status = int(str(stop.code))
        told = Told(status, *capsys.readouterr())
        assert "Traceback" not in told.out + told.err
        return told

    return call
