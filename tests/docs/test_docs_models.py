"""What ``docs/models.md`` says: its scripts compile, its table has all types, its options exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sqlrec.models.lookup import BUILT_IN, PROVIDER, get_controller
from sqlrec.plan.build import build_plan
from sqlrec.plan.plan import DefineModelStep
from sqlrec.spec.options import canonical_key

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
SCRIPTS = re.findall(r"```sql\n(.*?)```", GUIDE, re.DOTALL)
EXAMPLES = sorted((ROOT / "examples" / "models").glob("*.sql"))
PROSE = re.sub(r"```.*?```", "", GUIDE, flags=re.DOTALL)
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PROSE.partition("## All types")[2].partition("Scalars are")[0].splitlines()
    if line.startswith("| `")
]
TYPES = {row[0].strip("`"): row for row in ROWS}


def options_of(name: str) -> dict[str, object]:
    """Defaults of a type's options, by every spelling."""
    return {
        canonical_key(key): option.default
        for option in get_controller(name).options.options
        for key in (option.key, *option.aliases)
    }


@pytest.mark.parametrize("script", SCRIPTS, ids=[f"block{n}" for n in range(len(SCRIPTS))])
def test_scripts_of_the_guide_have_no_findings(script: str) -> None:
    plan = build_plan(script, path="guide.sql", name="guide")
    assert plan.warnings == ()
    for step in plan.steps:
        if isinstance(step, DefineModelStep) and step.model.type in TYPES and len(step.model.outputs):
            answers = TYPES[step.model.type][3]
            told = "OUTPUT" in answers or "output_columns" in answers or "probs_LABEL" in answers
            assert told or all(f"`{name}`" in answers for name in step.model.outputs.names), answers


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_examples_have_no_findings(path: Path) -> None:
    plan = build_plan(path.read_text(encoding="utf-8"), path=path.name, name=path.stem)
    assert plan.warnings == ()
    assert len(plan.steps) >= 7


def test_the_table_has_every_type() -> None:
    assert set(TYPES) == {name for name in BUILT_IN if not name.startswith(PROVIDER)}


def test_options_that_are_named_exist() -> None:
    known = {key for name in TYPES for key in options_of(name)}
    settings = {
        found for code in re.findall(r"`([^`\n]+)`", PROSE) for found in re.findall(r"(\w+) = ", code)
    }
    assert settings
    assert settings - known == set()


def test_the_defaults_that_are_told() -> None:
    deep, forest, trees = (options_of(n) for n in ("tzrec.dcn_v2", "training.kmeans", "gbdt.catboost"))
    assert (deep["sparse_lr"], deep["batch_size"], deep["embedding_dim"]) == (0.001, 8192, 16)
    assert (deep["num_buckets"], deep["max_metric_loss"], forest["max_categories"]) == (1_000_000, 0.005, 100)
    assert trees["cb_iterations"] is None


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)[^)]*\)", PROSE))))
def test_links_lead_somewhere(link: str) -> None:
    assert (ROOT / "docs" / link).exists()
