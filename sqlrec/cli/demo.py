"""``sqlrec demo`` and ``sqlrec generate``: the whole path on data from a known click model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sqlrec.artifacts.durable import writing
from sqlrec.cli.arguments import add_command, positive
from sqlrec.cli.console import print_fact
from sqlrec.cli.project import choose_project, settings
from sqlrec.cli.running import execute, summarise
from sqlrec.settings import FILE

if TYPE_CHECKING:
    from sqlrec.airflow.run import RunReport
    from sqlrec.cli.arguments import Commands

HOLDOUT = "2026-01-08"
"""Last day of the generated data: what ``rank.sql`` validates on by default."""


def add_to(commands: Commands) -> None:
    """Declare ``generate`` and ``demo``."""
    parser = add_command(
        commands,
        "generate",
        lambda a: generate(a.folder, rows=a.rows, days=a.days, seed=a.seed),
        "make the demo's data from a known click model",
    )
    parser.add_argument("kind", choices=("behavior",), help="what to make: behavior")
    parser.add_argument("folder", type=Path, help="where to write it, as dt=…/part-0.parquet")
    parser.add_argument("--rows", type=positive, default=600_000, metavar="N", help="rows in all; 600000")
    parser.add_argument("--days", type=positive, default=8, metavar="N", help="days, one partition each; 8")
    parser.add_argument(
        "--seed", type=int, default=7, metavar="N", help="the same one makes the same bytes; 7"
    )
    parser = add_command(
        commands,
        "demo",
        lambda a: demo(a.folder),
        "generate data, then train, export, register, deploy and score with the script it puts there",
    )
    parser.add_argument("folder", type=Path, nargs="?", default=Path("demo"), help="the demo's project; demo")


def generate(folder: Path, *, rows: int, days: int, seed: int) -> None:
    """Make the demo's table: impressions and clicks with the true probability of each click."""
    from sqlrec.data.behavior import BehaviorConfig, write_behavior

    with writing(folder):
        written = write_behavior(folder, BehaviorConfig(rows=rows, days=days, seed=seed))
    print(f"{written:,} rows in {folder}", file=sys.stderr)


def demo(folder: Path) -> None:
    """Generate data, then train, export, register, deploy and score with the script it puts there."""
    script = prepare(folder)
    choose_project(folder)
    chosen = settings()
    report = execute(script, chosen, {}, ("", ""), fresh=False)
    summarise(report, chosen)
    if report.error is not None:
        raise report.error
    _compare(report, folder)


def prepare(folder: Path) -> Path:
    """Make the project: ``sqlrec.toml``, the data and the script, each unless it is there."""
    from importlib.resources import files

    from sqlrec.data.behavior import BehaviorConfig, write_behavior

    script, table = folder / "rank.sql", folder / "data" / "behavior"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).touch()
        if not script.exists():
            script.write_text(files("sqlrec.cli").joinpath("templates/rank.sql").read_text(encoding="utf-8"))
        if not table.is_dir():
            print("making 600,000 impressions from a known click model", file=sys.stderr)
            write_behavior(table, BehaviorConfig())
    return script


def ceiling(folder: Path, day: str) -> float:
    """The best AUC any model can reach on one day: that of the true click probability."""
    import pyarrow.parquet as pq

    from sqlrec.models.measuring.metrics import auc

    table = pq.read_table(folder / "data" / "behavior" / f"dt={day}" / "part-0.parquet")
    return auc(table["is_click"].to_numpy(), table["click_probability"].to_numpy())


def _compare(report: RunReport, folder: Path) -> None:
    trained = [t.outcome.metrics["auc"] for t in report.tasks if t.outcome and "auc" in t.outcome.metrics]
    if trained:
        best = ceiling(folder, HOLDOUT)
        print_fact("AUC", f"{trained[0]:.4f} trained, {best:.4f} is the best reachable")
