"""The scripts that come with the product compile without a finding, and the demo's two copies agree."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from sqlrec.plan.build import build_plan

ROOT = Path(__file__).parents[2]
TEMPLATE = files("sqlrec.cli").joinpath("templates/rank.sql")


def test_the_demo_of_the_command_is_the_one_in_the_dag_folder() -> None:
    assert (ROOT / "dags" / "rank.sql").read_text(encoding="utf-8") == TEMPLATE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "script", ["dags/rank.sql", "examples/movielens/rank.sql", "examples/functions/recommend.sql"]
)
def test_shipped_scripts_have_no_findings(script: str) -> None:
    plan = build_plan((ROOT / script).read_text(encoding="utf-8"), path=script, name="rank")
    assert plan.warnings == ()
    assert len(plan.steps) >= 7
