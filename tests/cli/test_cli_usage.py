"""Help, usage errors and places: what every command has in common."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlrec import __version__
from sqlrec.cli.main import main
from sqlrec.errors import EXIT_SETUP, EXIT_USAGE, SetupError
from tests.cli.conftest import Command

COMMANDS = ["check", "plan", "run", "models", "checkpoints", "services", "generate", "demo"]


def test_help_names_every_command(sqlrec: Command) -> None:
    told = sqlrec("--help")
    assert told.status == 0
    assert [name for name in COMMANDS if f"    {name} " not in told.out] == []


@pytest.mark.parametrize("name", [*COMMANDS, "services stop", "services logs"])
def test_every_command_has_help(sqlrec: Command, name: str) -> None:
    told = sqlrec(*name.split(), "--help")
    assert told.status == 0
    assert told.out.startswith(f"usage: sqlrec {name} ")


def test_version(sqlrec: Command) -> None:
    assert sqlrec("--version").out == f"sqlrec {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "usage: sqlrec"),
        (["nope"], "invalid choice: 'nope'"),
        (["check"], "required: PATH"),
        (["check", "--format", "xml", "a.sql"], "invalid choice: 'xml'"),
        (["plan", "a.sql", "--jsn"], "unrecognized arguments: --jsn"),
        (["run"], "required: script"),
        (["run", "a.sql", "--param", "day"], "write name=value, not 'day'"),
        (["services", "stop"], "name a service, or give --all"),
        (["services", "logs", "s", "-n", "0"], "0 is less than 1"),
        (["generate", "behaviour", "d"], "invalid choice: 'behaviour'"),
        (["generate", "behavior", "d", "--rows", "many"], "invalid positive value: 'many'"),
    ],
)
def test_wrong_usage_is_exit_2(sqlrec: Command, arguments: list[str], says: str) -> None:
    told = sqlrec(*arguments)
    assert told.status == EXIT_USAGE
    assert told.out == ""
    assert says in told.err


@pytest.mark.parametrize("command", [["models"], ["services"], ["check", "a.sql"]])
def test_a_project_that_is_no_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    status = main(["--project", str(tmp_path / "nope"), *command])
    assert status == EXIT_SETUP
    assert capsys.readouterr().err == f"error[SR704]: {tmp_path / 'nope'} is not a folder\n"


def test_settings_that_cannot_be_read(sqlrec: Command, project: Path) -> None:
    (project / "sqlrec.toml").write_text("work_dri = 'x'")
    told = sqlrec("models")
    assert told.status == EXIT_SETUP
    assert told.err.startswith("error[SR701]: ")
    assert "= help: Did you mean 'work_dir'?" in told.err


def test_the_option_goes_before_the_environment(
    sqlrec: Command, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "sqlrec.toml").write_text("broken")
    monkeypatch.setenv("SQLREC_PROJECT", str(other))
    assert sqlrec("models").status == 0
    assert main(["models"]) == EXIT_SETUP


def test_debug_shows_where_an_error_comes_from(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="SR704"):
        main(["--debug", "--project", str(tmp_path / "nope"), "models"])


def test_an_interrupt_is_exit_130(sqlrec: Command, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(path: Path) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "is_file", interrupted)
    told = sqlrec("run", project / "s.sql")
    assert (told.status, told.err) == (130, "interrupted\n")
