"""Plans and explanations as files; ``pytest --update-golden`` writes them anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sqlrec.plan.build import build_plan
from sqlrec.plan.catalog import OpenCatalog
from sqlrec.plan.explain import explain, render_explanation
from sqlrec.plan.plan import Plan
from sqlrec.plan.scope import GetController
from sqlrec.spec import codec

GOLDEN = Path(__file__).parent.parent / "golden" / "plans"
CASES = sorted(p.name for p in GOLDEN.iterdir())
SCRIPTS = sorted(p for folder in ("dags", "examples") for p in (GOLDEN.parents[2] / folder).rglob("*.sql"))


@pytest.mark.parametrize("case", CASES)
def test_plan_and_explanation_are_the_golden_ones(
    case: str, fake_types: GetController, catalog: Any, request: pytest.FixtureRequest
) -> None:
    folder = GOLDEN / case
    text = (folder / "script.sql").read_text()
    plan = build_plan(text, path=f"{case}.sql", name=case, controllers=fake_types)
    files = {
        "plan.json": codec.dumps(plan, indent=1) + "\n",
        "explain.txt": render_explanation(explain(plan, catalog, fake_types)),
    }
    for name, content in files.items():
        if request.config.getoption("--update-golden"):
            (folder / name).write_text(content)
        assert content == (folder / name).read_text(), f"{case}/{name} differs: update with --update-golden"
    assert codec.loads(Plan, files["plan.json"]) == plan


def test_the_golden_scripts_have_steps_of_every_kind(fake_types: GetController) -> None:
    found = set()
    for case in CASES:
        text = (GOLDEN / case / "script.sql").read_text()
        found |= {type(s) for s in build_plan(text, path="", name=case, controllers=fake_types).steps}
    assert {cls.__name__ for cls in found} == {
        "DefineModelStep",
        "AlterModelStep",
        "DropModelStep",
        "TrainStep",
        "ExportStep",
        "ImportStep",
        "EvaluateStep",
        "DeployStep",
        "AlterServiceStep",
        "RollbackStep",
        "DropServiceStep",
        "QueryStep",
        "ScoreStep",
        "AssertStep",
        "IfStep",
        "InspectStep",
        "ExplainStep",
        "DropFunctionStep",
        "DropApiStep",
    }


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_the_scripts_of_this_repository_compile_without_a_finding(script: Path) -> None:
    plan = build_plan(script.read_text(), path=script.name, name=script.stem)
    assert plan.warnings == ()
    assert codec.loads(Plan, codec.dumps(plan)) == plan
    assert render_explanation(explain(plan, OpenCatalog()))
