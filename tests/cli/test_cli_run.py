"""``sqlrec run``: what is refused before it starts, and how a run that has ended is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sqlrec.airflow.run import RunReport, TaskReport
from sqlrec.airflow.session import Event, EventKind
from sqlrec.cli.progress import RunProgress
from sqlrec.cli.running import summarise
from sqlrec.errors import EXIT_FAILED, EXIT_FINDINGS
from sqlrec.execution.outcome import Outcome, Preview
from sqlrec.settings import load
from tests.cli.conftest import Command

SCRIPT = """
DECLARE day DATE;
DECLARE top INT DEFAULT 3;
CACHE TABLE a AS SELECT '{{ params.day }}' AS day;
SELECT day FROM a;
"""


@pytest.fixture
def script(project: Path) -> Path:
    path = project / "s.sql"
    path.write_text(SCRIPT)
    return path


@pytest.mark.parametrize(
    ("arguments", "code", "says", "hint"),
    [
        (["-p", "tops=3"], "SR321", "unknown parameter 'tops'", "Did you mean 'top'?"),
        ([], "SR321", "parameter 'day' has no value", "give --param day=…"),
        (["-p", "day=tomorrow"], "SR321", "parameter 'day' is DATE, not 'tomorrow'", ""),
        (["-p", "day=2026-01-01", "-p", "top=x"], "SR321", "parameter 'top' is INT, not 'x'", ""),
        (
            ["-p", "day=2026-01-01", "--from", "cache_b"],
            "SR720",
            "no step 'cache_b'",
            "Did you mean 'cache_a'?",
        ),
        (
            ["-p", "day=2026-01-01", "--from", "select_a", "--to", "cache_a"],
            "SR720",
            "step 'select_a' comes after step 'cache_a'",
            "",
        ),
    ],
)
def test_wrong_parameters_and_steps(
    sqlrec: Command, script: Path, project: Path, arguments: list[str], code: str, says: str, hint: str
) -> None:
    told = sqlrec("run", script, *arguments)
    assert (told.status, told.out) == (EXIT_FAILED, "")
    head, _, rest = told.err.partition("\n")
    assert head.startswith(f"error[{code}]: ")
    assert says in head
    assert hint in rest
    assert not (project / ".sqlrec" / "runs").exists()


def test_a_script_that_does_not_exist(sqlrec: Command, project: Path) -> None:
    told = sqlrec("run", project / "nope.sql")
    assert (told.status, told.err) == (
        EXIT_FAILED,
        f"error[SR705]: there is no script {project / 'nope.sql'}\n",
    )


def test_a_script_with_problems_shows_them_all(sqlrec: Command, script: Path) -> None:
    script.write_text("SELEC 1; SELECT 1 FROM;")
    told = sqlrec("run", script)
    assert told.status == EXIT_FINDINGS
    assert told.err.count("error[SR") == 2


@pytest.fixture
def report(project: Path) -> RunReport:
    shown = Preview(columns=("name", "[probs]"), rows=(("[/x] é", "0.5"), ("", "12")), total=7)
    complete = Preview(columns=("model",), rows=tuple((f"model_{n}",) for n in range(300)), total=300)
    registered = Outcome(
        message="registered v1 (version 1) of m",
        metrics={"auc": 0.75, "logloss": 0.5},
        facts={"registered": "m", "model": "m", "checkpoint": "v1", "version": "1"},
    )
    deployed = Outcome(message="deployed", facts={"url": "http://h/predict", "service": "s", "model": "m"})
    outcomes = {
        "register": registered,
        "deploy": deployed,
        "select": Outcome(message="7 rows", preview=shown),
        "show_models": Outcome(message="300 models", preview=complete),
        "nothing": Outcome(message="0 rows", preview=Preview(columns=("x",), rows=(), total=0)),
    }
    tasks = [TaskReport(id=n, state="success", seconds=1.25, outcome=o) for n, o in outcomes.items()]
    return RunReport(
        dag_id="d",
        run_id="manual__1",
        folder=project,
        resumed=True,
        seconds=61.0,
        tasks=(*tasks, TaskReport(id="late", state="upstream_failed", seconds=0.0)),
        log=project / "airflow.log",
    )


def test_a_summary_tells_tasks_checkpoints_rows_and_how_to_go_on(
    report: RunReport, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summarise(report, load(project, environ={}))
    out = capsys.readouterr().out
    assert "Run manual__1 (taken up again)" in out
    lines = [line.split() for line in out.splitlines()]
    assert ["late", "upstream_failed", "0.0"] in lines
    assert ["v1", "m", "1", "AUC", "0.75,", "LogLoss", "0.5"] in lines
    assert "select: first 2 of 7 rows" in out
    assert all(len([line for line in lines if line == [f"model_{n}"]]) == 1 for n in range(300))
    assert "nothing: no rows" in out
    assert ["name", "[probs]"] in lines
    assert ["[/x]", "é", "0.5"] in lines
    assert "running at http://h/predict" in out
    assert any("services stop s" in line and "--project" in line for line in out.splitlines())
    assert any(line.endswith("checkpoints m") for line in out.splitlines())


def test_what_a_later_step_did_away_with_is_no_more_to_go_on_with(
    report: RunReport, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    later = (
        Outcome(message="", facts={"url": "http://h/x", "service": "api.x"}),
        Outcome(message="dropped API X", facts={"gone_service": "api.X"}),
        Outcome(message="renamed model M to n", facts={"gone_model": "M", "model": "n"}),
        Outcome(message="dropped service s", facts={"gone_service": "s"}),
        Outcome(message="", facts={"url": "http://h/y", "service": "y", "model": "gone"}),
        Outcome(message="dropped model gone", facts={"gone_model": "gone"}),
    )
    done = (TaskReport(id=str(n), state="success", seconds=1, outcome=o) for n, o in enumerate(later))
    summarise(replace(report, tasks=(*report.tasks, *done)), load(project, environ={}))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines if "running at" in line] == ["http://h/y"]
    assert [line.split()[-1] for line in lines if "services stop" in line] == ["y"]
    assert [line.split()[-1] for line in lines if " checkpoints " in line] == ["n"]


def test_progress_without_a_terminal_is_plain_lines_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with RunProgress() as progress:
        progress.show(Event(kind=EventKind.STARTED, task="train"))
        progress.show(Event(kind=EventKind.PROGRESS, task="train", message="[ 40%] epoch [/1]"))
        progress.show(Event(kind=EventKind.FINISHED, task="train", seconds=2.0))
        progress.show(Event(kind=EventKind.FAILED, task="export", seconds=0.5))
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == ["  train: epoch [/1]", "✓ train  2.0 s", "✗ export  0.5 s"]


def test_progress_on_a_terminal_draws_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with RunProgress() as progress:
        progress.show(Event(kind=EventKind.STARTED, task="train"))
        progress.show(Event(kind=EventKind.PROGRESS, task="train", message="[ 40%] epoch [/1]"))
        progress.show(Event(kind=EventKind.FINISHED, task="train", seconds=2.0))
    assert "✓" in capsys.readouterr().err
