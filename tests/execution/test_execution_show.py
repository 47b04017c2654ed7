"""SHOW: lists of what there is, complete, narrowed by FROM and LIKE."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sqlrec.errors import NameNotFoundError
from sqlrec.execution.inspect_show import is_like
from sqlrec.spec.sensitive import MASK
from tests.execution.looking import CTR, MOMENT, ask, first, serve, trained_world
from tests.execution.steps import MODEL, World, steps_of


@pytest.fixture
def world(tmp_path: Path) -> World:
    return trained_world(tmp_path)


def test_show_models(world: World) -> None:
    world.run(next(iter(steps_of(MODEL.replace("ctr", "Other")).values())), "r2")
    world.run(next(iter(steps_of(MODEL.replace("ctr", "shop.ads.x")).values())), "r3")
    assert ask(world, "SHOW MODELS").columns == ("model name",)
    assert first(world, "SHOW MODELS") == ["ctr", "Other"]
    assert first(world, "SHOW MODELS LIKE 'o%'") == ["Other"]
    assert first(world, "SHOW MODELS NOT LIKE 'O_her'") == ["ctr"]
    assert first(world, "SHOW MODELS FROM shop.ads") == ["x"]
    assert first(world, "SHOW MODELS IN `default`") == ["ctr", "Other"]
    assert first(world, "USE shop.ads; SHOW MODELS") == ["x"]
    assert first(world, "SHOW CATALOGS") == ["shop", "sqlrec"]
    assert first(world, "SHOW DATABASES") == ["default"]
    assert first(world, "SHOW DATABASES FROM shop") == ["ads"]
    assert first(world, "USE CATALOG shop; SHOW DATABASES LIKE 'A%'") == ["ads"]


def test_temporary_models_are_shown(world: World) -> None:
    script = MODEL.replace("MODEL ctr", "TEMPORARY MODEL draft") + MODEL.replace(
        "MODEL ctr", "TEMPORARY MODEL ctr"
    )
    assert first(world, f"{script} SHOW MODELS") == ["ctr", "draft"]
    assert ask(world, f"{script} SHOW CHECKPOINTS draft").rows == ()


@pytest.mark.parametrize(
    ("name", "pattern", "fits"),
    [
        ("rank", "RANK", True),
        ("rank", "r%", True),
        ("rank", "%", True),
        ("rank", "ran", False),
        ("rank", "r__k", True),
        ("rank", "r_k", False),
        ("a.b", "a_b", True),
        ("axb", "a.b", False),
        ("a\nb", "a%b", True),
        ("", "", True),
    ],
)
def test_patterns(name: str, pattern: str, fits: bool) -> None:
    assert is_like(name, pattern) is fits


def test_show_checkpoints(world: World) -> None:
    origin = world.registry.checkpoint(CTR, "v1")
    assert origin is not None
    world.registry.record_metrics(origin, {"LogLoss": 0.25}, key="k")
    world.registry.set_alias("best", origin)
    serve(world, "http://127.0.0.1:9/predict")
    shown = ask(world, "SHOW CHECKPOINTS FROM ctr")
    assert shown.columns[:9] == (
        *("name", "type", "status", "base", "rows", "metrics", "started", "finished", "used by"),
    )
    first_row, second = shown.rows
    assert first_row[:6] == ("v1", "origin", "succeeded", "", "3", "auc=0.75, LogLoss=0.25")
    assert (first_row[8:], second[8:]) == (("", "1", "@best"), ("Rank", "2", ""))
    assert second[:6] == ("v1_export", "export", "succeeded", "v1 (version 1)", "3", "auc=0.75")
    assert all(re.fullmatch(MOMENT, text) for text in first_row[6:8])
    assert first(world, "SHOW CHECKPOINTS ctr LIKE '%export'") == ["v1_export"]
    with pytest.raises(NameNotFoundError, match=r"SR205\] model ctrr does not exist .*mean 'ctr'"):
        ask(world, "SHOW CHECKPOINTS ctrr")


def test_show_services(world: World) -> None:
    assert ask(world, "SHOW SERVICES").rows == ()
    serve(world, "http://127.0.0.1:9/predict")
    shown = ask(world, "SHOW SERVICES")
    assert shown.columns == ("service name", "model", "checkpoint", "version", "state", "url")
    assert shown.rows == (("Rank", "ctr", "v1_export", "2", "ready", "http://127.0.0.1:9/predict"),)
    world.services.running.clear()
    assert ask(world, "SHOW SERVICES").rows[0][4:] == ("", "")


def test_a_service_of_several_models_shows_all_of_them(world: World) -> None:
    serve(world, "http://127.0.0.1:9/predict")
    (entry,) = world.registry.history("Rank")
    made = world.registry.checkpoint(CTR, "v1_export")
    assert made is not None
    again = world.registry.begin(
        service="Rank", action=entry.action, checkpoint=made, key="g", options={}, others=(made,)
    )
    world.registry.finish(again, url=entry.url)
    (row,) = ask(world, "SHOW SERVICES").rows
    assert row[:4] == ("Rank", "ctr, ctr", "v1_export, v1_export", "2, 2")


def test_show_tables(world: World) -> None:
    script = "CREATE TABLE declared (x INT) WITH (connector = 'csv', path = 'x.csv');"
    assert ask(world, "SHOW TABLES").columns == ("table name",)
    assert first(world, f"{script} SHOW TABLES") == ["declared", "samples", "shop.orders"]
    assert first(world, "SHOW TABLES FROM shop") == ["orders"]
    assert first(world, "SHOW TABLES FROM `default`") == ["samples"]
    assert ask(world, "SHOW VIEWS").columns == ("view name",)
    view = "CREATE TEMPORARY VIEW few AS SELECT user_id FROM samples;"
    assert first(world, f"{script} {view} SHOW VIEWS") == ["few"]


def test_settings(world: World) -> None:
    shown = ask(world, "SET 'dag.retries' = '3'; SET 'my.api_key' = ''; SET")
    assert shown.columns == ("key", "value", "origin")
    rows = {row[0]: row[1:] for row in shown.rows}
    assert rows["dag.retries"] == ("3", "script")
    assert rows["dag.catchup"] == ("false", "default")
    assert rows["my.api_key"] == (MASK, "script")
