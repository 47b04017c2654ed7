"""``sqlrec shell``: given statements and files, and a real session on a terminal."""

from __future__ import annotations

import io
import signal
import stat
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from sqlrec.cli.shell_output import draw
from sqlrec.cli.shell_words import help_text
from sqlrec.errors import EXIT_FAILED, EXIT_FINDINGS, EXIT_OK, NameNotFoundError
from sqlrec.execution.session import Rows
from tests.cli.conftest import Command
from tests.cli.terminal import Terminal

MODEL = "CREATE TEMPORARY MODEL m (u INT, y INT) WITH (model = 'tzrec.wide_and_deep', label_columns = 'y')"


def test_statements_are_done_in_one_session(sqlrec: Command) -> None:
    told = sqlrec(
        "shell",
        "-e",
        "CACHE TABLE c AS SELECT 1 AS a UNION ALL SELECT NULL",
        "-e",
        "SELECT a FROM c ORDER BY a",
    )
    assert told.status == EXIT_OK
    assert [line.strip() for line in told.out.splitlines()] == ["a", "────", "1", "NULL"]
    lines = [line.rpartition("  (")[0] for line in told.err.splitlines()]
    assert lines == ["cached 2 rows as c", "2 rows"]


def test_a_statement_is_printed_so_that_it_can_be_copied(sqlrec: Command) -> None:
    told = sqlrec("shell", "-e", f"{MODEL}; SHOW CREATE MODEL m")
    assert told.status == EXIT_OK
    assert told.out.splitlines()[0].rstrip() == "CREATE TEMPORARY MODEL m ("
    assert "  'label_columns' = 'y'" in told.out.splitlines()


def test_a_file_stops_at_its_first_error(sqlrec: Command, project: Path) -> None:
    script = project / "s.sql"
    script.write_text("SELECT 1 AS one;\nSELECT * FROM nope;\nSELECT 2 AS two;\n")
    told = sqlrec("shell", "-f", script)
    assert told.status == EXIT_FAILED
    assert "one" in told.out
    assert "two" not in told.out
    assert "error[SR401]: table 'nope' does not exist" in told.err


def test_nothing_is_done_when_the_grammar_is_wrong_anywhere(sqlrec: Command, project: Path) -> None:
    script = project / "s.sql"
    script.write_text("SELECT 1 AS one;\n\nSELEC 2;\nTRIAN")
    told = sqlrec("shell", "-f", script)
    assert (told.status, told.out) == (EXIT_FINDINGS, "")
    assert f"--> {script}:3:1" in told.err
    assert f"--> {script}:4:1" in told.err


def test_problems_of_a_plan_are_located_in_the_file(sqlrec: Command, project: Path) -> None:
    script = project / "s.sql"
    script.write_text("SELECT 1 AS one;\n\n  EXPORT MODEL nope CHECKPOINT = 'v';")
    told = sqlrec("shell", "-f", script)
    assert told.status == EXIT_FINDINGS
    assert f"--> {script}:3:16" in told.err


def test_standard_input_is_a_script(sqlrec: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("SELECT 'é' AS a"))
    assert "é" in sqlrec("shell").out
    monkeypatch.setattr(sys, "stdin", io.StringIO("selec"))
    assert "--> <stdin>:1:1" in sqlrec("shell").err


def test_warnings_are_shown_and_do_not_stop(sqlrec: Command) -> None:
    told = sqlrec("shell", "-e", "SET 'dga.owner' = 'x'; SELECT 1 AS a")
    assert told.status == EXIT_OK
    assert "warning[SR312]" in told.err


def test_parameters(sqlrec: Command) -> None:
    script = "DECLARE day STRING; SELECT '{{ params.day }}' AS day"
    assert "monday" in sqlrec("shell", "-p", "day=monday", "-e", script).out
    told = sqlrec("shell", "-e", script)
    assert told.status == EXIT_FAILED
    assert "error[SR321]: parameter 'day' has no value" in told.err


def test_statements_and_a_file_exclude_each_other(sqlrec: Command, project: Path) -> None:
    assert "not allowed with" in sqlrec("shell", "-e", "SELECT 1", "-f", project / "s.sql").err
    assert "error[SR705]" in sqlrec("shell", "-f", project / "nope.sql").err


def test_no_session_leaves_a_folder(sqlrec: Command, project: Path) -> None:
    sqlrec("shell", "-e", "CACHE TABLE c AS SELECT 1 AS a; SELECT * FROM nope")
    assert list((project / ".sqlrec" / "runs" / "shell").iterdir()) == []


def drawn(rows: Rows, width: int, *, terminal: bool = True) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=terminal, color_system=None)
    draw(rows, console)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_wide_values_are_cut_to_the_terminal() -> None:
    rows = Rows(columns=("n", "text"), rows=((1.5, "x" * 200), (None, "[bold]a[/]\x1b[31m\nb\tc")), total=2)
    text = drawn(rows, 40)
    assert max(map(len, text.splitlines())) <= 40
    assert "…" in text
    assert "NULL" in text
    assert "[bold]a[/]" in text
    assert "\x1b[31m" not in text
    assert "⏎b c" in text


def test_many_columns_are_drawn_as_lines_on_a_terminal() -> None:
    columns = tuple(f"column_{i}" for i in range(10))
    rows = Rows(columns=columns, rows=(tuple(range(10)), (None,) * 10), total=2)
    lines = drawn(rows, 40).splitlines()
    assert lines[:2] == ["row 1", "column_0  0"]
    assert lines[11:13] == ["row 2", "column_0  NULL"]
    assert "column_0" in drawn(rows, 200, terminal=False).splitlines()[0]


@pytest.mark.parametrize(
    ("topic", "says"),
    [
        ("", "help NAME tells more"),
        ("train model", "TRAIN MODEL model CHECKPOINT"),
        ("create", "help CREATE MODEL\nhelp CREATE SERVICE"),
        ("sr301", "SR301: "),
        ("dag.retries", "dag.retries (int, between 0 and 100, default 0)"),
        ("tzrec.wide_and_deep", "num_epochs (int, at least 1, default 1)"),
    ],
)
def test_help(topic: str, says: str) -> None:
    assert says in help_text(topic)


def test_no_help_about_what_there_is_not() -> None:
    with pytest.raises(NameNotFoundError) as caught:
        help_text("TRAIN MODLE")
    assert (caught.value.code, caught.value.hint) == ("SR732", "Did you mean 'TRAIN MODEL'?")


@pytest.fixture
def terminal(project: Path) -> Terminal:
    return Terminal(project, "shell")


def test_a_session_on_a_terminal(terminal: Terminal, project: Path) -> None:
    with terminal:
        terminal.expect("sqlrec>")
        terminal.send("SELECT 40 + 2\r")
        terminal.expect("...>")
        terminal.send("AS answer;\r")
        assert "answer" in terminal.expect("1 row  (")
        terminal.expect("sqlrec>")
        terminal.send("selec 1;\r")
        assert "--> shell:1:1" in terminal.expect("Did you mean SELECT?")
        terminal.expect("sqlrec>")
        terminal.send(f"{MODEL};\r")
        terminal.expect("defined temporary model m")
        terminal.expect("sqlrec>")
        terminal.send("USE other;\r")
        terminal.expect("sqlrec.other>")
        terminal.send("help FLUSH\r")
        terminal.expect("FLUSH")
        terminal.expect("sqlrec.other>")
        terminal.send("help nothing like it\r")
        terminal.expect("error[SR732]")
        terminal.expect("sqlrec.other>")
        terminal.send("exit\r")
        assert terminal.leave() == EXIT_OK
    history = project / ".sqlrec" / "shell_history"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    assert "+SELECT 40 + 2\n+AS answer;" in history.read_text()


def test_completion_on_a_terminal(terminal: Terminal) -> None:
    with terminal:
        terminal.expect("sqlrec>")
        terminal.send(f"{MODEL.replace('TEMPORARY MODEL m', 'TEMPORARY MODEL completed')};\r")
        terminal.expect("defined temporary model completed")
        terminal.expect("sqlrec>")
        terminal.send("DESCRIBE MODEL comp")
        terminal.expect("completed")
        terminal.send("\t;\r")
        terminal.expect("label")
        terminal.expect("sqlrec>")
        terminal.send("\x04")
        assert terminal.leave() == EXIT_OK


def test_control_c_drops_a_line_and_stops_a_query_but_not_the_shell(terminal: Terminal) -> None:
    with terminal:
        terminal.expect("sqlrec>")
        terminal.send("SELECT 'half a line")
        terminal.expect("half a line")
        terminal.send("\x03")
        terminal.expect("sqlrec>")
        terminal.send("CACHE TABLE kept AS SELECT 1 AS a;\r")
        terminal.expect("cached 1 rows as kept")
        terminal.expect("sqlrec>")
        terminal.send("CACHE TABLE c AS SELECT count(*) FROM range(10000000000000) t(a) WHERE a % 7 = 3;\r")
        terminal.expect("⠋")
        time.sleep(0.5)
        began = time.monotonic()
        terminal.send("\x03")
        terminal.expect("stopped; the session is as it was before the statement")
        assert time.monotonic() - began < 10
        terminal.expect("sqlrec>")
        terminal.send("SELECT a AS left_over FROM kept;\r")
        terminal.expect("left_over")
        terminal.expect("1 row")
        terminal.expect("sqlrec>")
        terminal.send("\\q\r")
        assert terminal.leave() == EXIT_OK


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("busy", [True, False], ids=["at work", "waiting"])
def test_a_shell_that_is_ended_stops_its_work_and_cleans_up(
    terminal: Terminal, project: Path, number: int, busy: bool
) -> None:
    with terminal:
        terminal.expect("sqlrec>")
        if busy:
            terminal.send("SELECT count(*) FROM range(10000000000000) t(a) WHERE a % 7 = 3;\r")
            terminal.expect("⠋")
        assert list((project / ".sqlrec" / "runs" / "shell").iterdir())
        terminal.signal(number)
        assert terminal.leave() == 128 + number
    assert list((project / ".sqlrec" / "runs" / "shell").iterdir()) == []


def test_without_the_library_the_shell_says_what_to_install(project: Path, tmp_path: Path) -> None:
    (tmp_path / "hidden" / "prompt_toolkit").mkdir(parents=True)
    (tmp_path / "hidden" / "prompt_toolkit" / "__init__.py").write_text(
        "raise ModuleNotFoundError('no', name='prompt_toolkit')"
    )
    with Terminal(project, "shell", environment={"PYTHONPATH": str(tmp_path / "hidden")}) as terminal:
        told = terminal.expect("pip install 'sqlrec[shell]'")
        assert "error[SR731]: the shell needs the package prompt_toolkit" in told
        assert terminal.leave() == 5
