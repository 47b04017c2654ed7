"""A world with things to look at, and what a statement shows of it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sqlrec.execution.outcome import Preview
from sqlrec.plan.build import build_plan
from sqlrec.registry.registry import DeployAction
from sqlrec.spec.names import ModelName
from sqlrec.spec.service import Endpoint, ServiceState
from tests.execution.steps import MODEL, World, make_world, steps_of

CTR = ModelName.of("ctr")
TRAINED = f"""{MODEL}
TRAIN MODEL ctr CHECKPOINT = 'v1' ON samples WHERE age > 1;
EXPORT MODEL ctr CHECKPOINT = 'v1' ON samples;
"""
MOMENT = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


def trained_world(folder: Path) -> World:
    """A model with a training checkpoint and an export; tables in the warehouse."""
    (folder / "data" / "shop" / "orders" / "dt=2026-01-01").mkdir(parents=True)
    samples = pa.table({"user_id": [1], "age": [2], "is_click": [0]})
    pq.write_table(samples, folder / "data" / "samples.parquet")
    pq.write_table(samples, folder / "data" / "shop" / "orders" / "dt=2026-01-01" / "a.parquet")
    made = make_world(folder)
    for step in steps_of(TRAINED).values():
        made.run(step)
    return made


def ask(world: World, text: str) -> Preview:
    """What the last statement of a script shows."""
    runs = len(list(world.env.runs.glob("s/*")))
    for step in build_plan(text, path="s.sql", name="s").steps:
        outcome = world.run(step, f"q{runs}")
    assert outcome.preview is not None
    assert outcome.rows == outcome.preview.total == len(outcome.preview.rows)
    return outcome.preview


def first(world: World, text: str) -> list[str]:
    """The first column."""
    return [row[0] for row in ask(world, text).rows]


def facts(shown: Preview) -> dict[str, str]:
    """Two columns as a dictionary."""
    assert len(shown.columns) == 2
    return {row[0]: row[1] for row in shown.rows}


def serve(world: World, url: str, **options: str) -> None:
    checkpoint = world.registry.checkpoint(CTR, "v1_export")
    assert checkpoint is not None
    entry = world.registry.begin(
        service="Rank", action=DeployAction.DEPLOY, checkpoint=checkpoint, key="k", options=options
    )
    world.registry.finish(entry, url=url)
    world.services.running["Rank"] = Endpoint(name="Rank", url=url, state=ServiceState.READY)
