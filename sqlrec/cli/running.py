"""``sqlrec run``: a script's DAG in this process, and what it did."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlrec.cli.arguments import add_command, add_json, add_params
from sqlrec.cli.console import print_fact, print_json, print_table
from sqlrec.cli.project import settings
from sqlrec.errors import NameNotFoundError
from sqlrec.execution.key import registration_of
from sqlrec.execution.outcome import GONE_MODEL, GONE_SERVICE

if TYPE_CHECKING:
    from sqlrec.airflow.run import RunReport, TaskReport
    from sqlrec.cli.arguments import Commands
    from sqlrec.execution.outcome import Preview
    from sqlrec.settings import Settings

LATENCIES = (
    ("fp32.latency_ms", "{:.1f} ms a thousand rows"),
    ("int8.latency_ms", "INT8 {:.1f} ms"),
)
"""Speeds of a checkpoint worth a word, and how they read."""


def add_to(commands: Commands) -> None:
    """Declare ``run``."""
    parser = add_command(
        commands,
        "run",
        lambda a: run(
            a.script,
            params=dict(a.param),
            steps=(a.from_step, a.to_step),
            fresh=a.fresh,
            as_json=a.as_json,
        ),
        "run a script here: the DAG a scheduler would run, in this process; "
        "a run that was interrupted or failed is taken up where it stopped",
    )
    parser.add_argument("script", type=Path, help="the script")
    add_params(parser)
    parser.add_argument("--from", dest="from_step", default="", metavar="STEP", help="first step to run")
    parser.add_argument("--to", dest="to_step", default="", metavar="STEP", help="last step to run")
    parser.add_argument(
        "--fresh", action="store_true", help="start anew instead of taking up an unfinished run"
    )
    add_json(parser)


def run(
    script: Path, *, params: Mapping[str, str], steps: tuple[str, str], fresh: bool, as_json: bool
) -> None:
    """Run a script and show what it did; raises the error of the task that failed."""
    chosen = settings()
    if not script.is_file():
        raise NameNotFoundError("SR705", f"there is no script {script}")
    report = execute(script, chosen, params, steps, fresh=fresh)
    if as_json:
        from sqlrec.spec import codec

        print_json({"run": report.run_id, "tasks": [codec.encode(task) for task in report.tasks]})
    else:
        summarise(report, chosen)
    if report.error is not None:
        raise report.error


def execute(
    script: Path, chosen: Settings, params: Mapping[str, str], steps: tuple[str, str], *, fresh: bool
) -> RunReport:
    """Run with progress on the terminal."""
    from sqlrec.airflow.run import run_script
    from sqlrec.cli.progress import RunProgress

    with RunProgress() as progress:
        return run_script(
            script.resolve(),
            params=params,
            from_step=steps[0],
            to_step=steps[1],
            fresh=fresh,
            settings=chosen,
            on_event=progress.show,
        )


def summarise(report: RunReport, chosen: Settings) -> None:
    """What a run did: tasks with times, checkpoints, metrics, services, rows, and how to see more."""
    done = [task for task in report.tasks if task.outcome is not None]
    rows = [(t.id, t.state, f"{t.seconds:.1f}", t.outcome.message if t.outcome else "") for t in report.tasks]
    again = " (taken up again)" if report.resumed else ""
    print_table(f"Run {report.run_id}{again}", ("task", "state", "seconds", "what"), rows)
    _show_checkpoints(done)
    for task in done:
        if task.outcome and task.outcome.preview:
            _show_rows(task.id.removeprefix(registration_of("")), task.outcome.preview)
    _show_more(report, done, chosen)


def _show_rows(title: str, preview: Preview) -> None:
    """Rows of a result, all that were handed on; the title says so when those are not all there are."""
    if len(preview.rows) < preview.total:
        title += f": first {len(preview.rows)} of {preview.total:,} rows"
    elif not preview.rows:
        title += ": no rows"
    print_table(title, preview.columns, preview.rows)


def _show_checkpoints(done: list[TaskReport]) -> None:
    from sqlrec.models.measuring.measures import told

    rows = []
    for task in done:
        if task.outcome and "registered" in task.outcome.facts:
            facts, metrics = task.outcome.facts, task.outcome.metrics
            speeds = [text.format(metrics[name]) for name, text in LATENCIES if name in metrics]
            shown = ", ".join(filter(None, (told(metrics), *speeds)))
            rows.append((facts["checkpoint"], facts["model"], facts["version"], shown))
    if rows:
        print_table("Checkpoints registered", ("checkpoint", "model", "version", "metrics"), rows)


def _show_more(report: RunReport, done: list[TaskReport], chosen: Settings) -> None:
    services, models = _left([task.outcome.facts for task in done if task.outcome])
    where = _relative(chosen.project)
    sqlrec = _program("sqlrec") + ("" if where == "." else f" --project {shlex.quote(where)}")
    lines = [("total", f"{report.seconds:.1f} s"), ("log", _relative(report.log))]
    for facts in services:
        lines += [
            (f"service {facts['service']}", f"running at {facts['url']}"),
            ("stop it with", f"{sqlrec} services stop {facts['service']}"),
        ]
    lines += [("checkpoints", f"{sqlrec} checkpoints {model}") for model in models]
    uri = shlex.quote(chosen.tracking_uri)
    lines += [("metrics, plots", f"{_program('mlflow')} ui --backend-store-uri {uri}")]
    for name, text in lines:
        print_fact(name, text)


def _left(told: Sequence[Mapping[str, str]]) -> tuple[list[Mapping[str, str]], list[str]]:
    """Services, and models in order, of the tasks in their order, but for what later ones did away with."""
    services: dict[str, Mapping[str, str]] = {}
    models: dict[str, str] = {}
    for facts in told:
        services.pop(facts.get(GONE_SERVICE, "").casefold(), None)
        models.pop(facts.get(GONE_MODEL, "").casefold(), None)
        if "url" in facts:
            services[facts["service"].casefold()] = facts
        if "model" in facts:
            models[facts["model"].casefold()] = facts["model"]
    return list(services.values()), sorted(models.values())


def _program(name: str) -> str:
    """How to call a program of this environment from the current folder."""
    path = Path(sys.executable).parent / name
    found = shutil.which(name)
    return name if found and Path(found).samefile(path) else shlex.quote(_relative(path))


def _relative(path: Path) -> str:
    """A path as seen from the current folder, when that is shorter."""
    return min(str(path), os.path.relpath(path), key=len)
