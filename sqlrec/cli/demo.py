"""``sqlrec demo`` and ``sqlrec generate``: the whole path on data from a known click model."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sqlrec.cli.console import stdout
from sqlrec.cli.running import execute, summarise
from sqlrec.settings import FILE, load

if TYPE_CHECKING:
    from sqlrec.airflow.run import RunReport

HOLDOUT = "2026-01-08"
"""Last day of the generated data: what ``rank.sql`` validates on by default."""


def generate(
    kind: Annotated[str, typer.Argument(help="What to make: behavior.")],
    folder: Annotated[Path, typer.Argument(help="Where to write it, as dt=…/part-0.parquet.")],
    rows: Annotated[int, typer.Option(min=1, help="Rows in all.")] = 600_000,
    days: Annotated[int, typer.Option(min=1, help="Days, one partition each.")] = 8,
    seed: Annotated[int, typer.Option(help="Seed; the same one makes the same bytes.")] = 7,
) -> None:
    """Make the demo's table: impressions and clicks with the true probability of each click."""
    from sqlrec.data.behavior import BehaviorConfig, write_behavior

    if kind != "behavior":
        raise typer.BadParameter(f"only 'behavior' can be generated, not {kind!r}", param_hint="kind")
    written = write_behavior(folder, BehaviorConfig(rows=rows, days=days, seed=seed))
    typer.echo(f"{written:,} rows in {folder}", err=True)


def demo(
    folder: Annotated[Path, typer.Argument(help="Folder of the demo's project.")] = Path("demo"),
) -> None:
    """Generate data, then train, export, register, deploy and score with the script it puts there."""
    script = prepare(folder)
    chosen = load(folder)
    report = execute(script, chosen, {}, ("", ""), fresh=False)
    summarise(report, chosen)
    if report.error is not None:
        raise report.error
    _compare(report, folder)


def prepare(folder: Path) -> Path:
    """Make the project: ``sqlrec.toml``, the data and the script, each unless it is there."""
    from sqlrec.data.behavior import BehaviorConfig, write_behavior

    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).touch()
    script = folder / "rank.sql"
    if not script.exists():
        script.write_text(files("sqlrec.cli").joinpath("templates/rank.sql").read_text(encoding="utf-8"))
    if not (folder / "data" / "behavior").is_dir():
        typer.echo("making 600,000 impressions from a known click model", err=True)
        write_behavior(folder / "data" / "behavior", BehaviorConfig())
    return script


def ceiling(folder: Path, day: str) -> float:
    """The best AUC any model can reach on one day: that of the true click probability."""
    import pyarrow.parquet as pq

    from sqlrec.models.metrics import auc

    table = pq.read_table(folder / "data" / "behavior" / f"dt={day}" / "part-0.parquet")
    return auc(table["is_click"].to_numpy(), table["click_probability"].to_numpy())


def _compare(report: RunReport, folder: Path) -> None:
    trained = [t.outcome.metrics["auc"] for t in report.tasks if t.outcome and "auc" in t.outcome.metrics]
    if trained:
        best = ceiling(folder, HOLDOUT)
        stdout().print(f"[bold]{'AUC':>16}[/]  {trained[0]:.4f} trained, {best:.4f} is the best reachable")
