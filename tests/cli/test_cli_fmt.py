"""``sqlrec fmt``: files in place, checked, compared; nothing lost when something is wrong."""

from __future__ import annotations

import io
import os
import stat
import sys
from pathlib import Path

import pytest

from sqlrec.errors import EXIT_FAILED, EXIT_FINDINGS, EXIT_OK, EXIT_SETUP
from tests.cli.conftest import Command

UGLY = "create model m (a int) -- the model\nwith (model='x')\n"
NICE = "CREATE MODEL m (\n  a INT\n) -- the model\nWITH (\n  'model' = 'x'\n);\n"


@pytest.fixture
def script(project: Path) -> Path:
    path = project / "s.sql"
    path.write_text(UGLY)
    return path


def test_files_are_formatted_in_place_once(sqlrec: Command, project: Path, script: Path) -> None:
    script.chmod(0o640)
    told = sqlrec("fmt", project)
    assert told.status == EXIT_OK
    assert told.out == ""
    assert told.err.splitlines() == [f"formatted {script}", "1 script(s): 1 formatted"]
    assert script.read_text() == NICE
    assert stat.S_IMODE(script.stat().st_mode) == 0o640
    before = script.stat().st_mtime_ns
    assert sqlrec("fmt", script).err == "1 script(s): 0 formatted\n"
    assert script.stat().st_mtime_ns == before
    assert sorted(p.name for p in project.iterdir()) == ["s.sql", "sqlrec.toml"]


def test_check_writes_nothing(sqlrec: Command, script: Path) -> None:
    told = sqlrec("fmt", "--check", script)
    assert told.status == EXIT_FINDINGS
    assert told.err.splitlines() == [f"would format {script}", "1 script(s): 1 would be formatted"]
    assert script.read_text() == UGLY
    script.write_text(NICE)
    assert sqlrec("fmt", "--check", script).status == EXIT_OK


def test_diff_shows_what_would_change(sqlrec: Command, script: Path) -> None:
    script.write_text("select 1")
    told = sqlrec("fmt", "--diff", script)
    assert told.status == EXIT_OK
    assert told.out.splitlines() == [
        f"--- {script}",
        f"+++ {script} (formatted)",
        "@@ -1 +1 @@",
        "-select 1",
        "\\ No newline at end of file",
        "+select 1;",
    ]
    assert script.read_text() == "select 1"
    assert sqlrec("fmt", "--diff", "--check", script).status == EXIT_FINDINGS


def test_a_script_with_errors_stays_and_the_others_do_not(
    sqlrec: Command, project: Path, script: Path
) -> None:
    bad = project / "a.sql"
    bad.write_text("selec 1;\n\ndrop   model m")
    told = sqlrec("fmt", project)
    assert told.status == EXIT_FINDINGS
    assert f"{bad}:1:1" in told.err
    assert "1 formatted, 1 with errors left as they are" in told.err
    assert bad.read_text() == "selec 1;\n\ndrop   model m"
    assert script.read_text() == NICE


def test_standard_input_goes_to_standard_output(sqlrec: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = "\ufeff" + UGLY.replace("\n", "\r\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw.encode()), encoding="utf-8"))
    told = sqlrec("fmt", "-")
    assert (told.status, told.err) == (EXIT_OK, "")
    assert told.out == NICE.replace("\n", "\r\n")


def test_a_byte_order_mark_is_dropped_and_line_breaks_are_kept(sqlrec: Command, script: Path) -> None:
    script.write_bytes(b"\xef\xbb\xbfselect 1;\r\nselect 2")
    assert sqlrec("fmt", script).status == EXIT_OK
    assert script.read_bytes() == b"select 1;\r\nselect 2;\r\n"


def test_a_link_stays_a_link(sqlrec: Command, project: Path, script: Path) -> None:
    link = project / "linked"
    link.symlink_to(script)
    assert sqlrec("fmt", link).status == EXIT_OK
    assert link.is_symlink()
    assert script.read_text() == NICE


def test_what_cannot_be_read_is_named(sqlrec: Command, project: Path, script: Path) -> None:
    told = sqlrec("fmt", project / "nope.sql")
    assert told.status == EXIT_FAILED
    assert "error[SR705]: cannot read" in told.err
    (project / "empty").mkdir()
    assert "there is no *.sql file in" in sqlrec("fmt", project / "empty").err
    script.write_bytes(b"select '\xe9'")
    told = sqlrec("fmt", script)
    assert told.status == EXIT_FAILED
    assert "is not UTF-8 text" in told.err
    assert script.read_bytes() == b"select '\xe9'"


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written(sqlrec: Command, project: Path, script: Path) -> None:
    project.chmod(0o500)
    try:
        told = sqlrec("fmt", script)
    finally:
        project.chmod(0o700)
    assert told.status == EXIT_SETUP
    assert "error[SR703]" in told.err
    assert script.read_text() == UGLY
