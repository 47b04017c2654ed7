"""Services that follow an alias, in a script: what they serve, what waits for them."""

from __future__ import annotations

from typing import Any

import pytest

from sqlrec.plan.plan import DeployStep
from sqlrec.spec.following import as_alias, followed, told_to_serve, unbound
from sqlrec.spec.options import OptionValue

SCRIPT = """
CREATE MODEL m (u INT, y INT) WITH (model = 'test.rank', label_columns = 'y');
TRAIN MODEL m CHECKPOINT = 'v1' ON t; EXPORT MODEL m CHECKPOINT = 'v1';
TRAIN MODEL m CHECKPOINT = 'v2' ON t; EXPORT MODEL m CHECKPOINT = 'v2';
ALTER MODEL m SET ALIAS 'prod' = 'v1_export';
"""
FOLLOW = SCRIPT + "CREATE SERVICE s ON MODEL m WITH (follow = '@Prod');"
MOVE = "ALTER MODEL m SET ALIAS 'PROD' = 'v2_export';"


def test_names_of_aliases() -> None:
    assert [as_alias(text) for text in ("@Prod", "prod ", "", "@")] == ["@prod", "@prod", "", ""]
    options: dict[str, OptionValue] = {"follow": "Prod", "replicas": 2}
    assert followed(options) == "@prod"
    assert unbound(options) == {"replicas": 2}
    assert told_to_serve(options, "@PROD") == options
    assert told_to_serve(options, "v1_export") == told_to_serve(options, "@beta") == {"replicas": 2}
    assert told_to_serve({}, "") == {}


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("CREATE SERVICE s ON MODEL m WITH (follow = 'prod')", ""),
        ("CREATE SERVICE s ON MODEL m CHECKPOINT = '@PROD' WITH (follow = '@prod')", ""),
        ("CREATE SERVICE s ON MODEL m CHECKPOINT = '{{ ds }}' WITH (follow = '@prod')", ""),
        (
            "CREATE SERVICE s ON MODEL m CHECKPOINT = 'v1_export' WITH (follow = '@prod')",
            "SR368 `'v1_export'`",
        ),
        ("CREATE SERVICE s ON MODEL m WITH (follow = '@prdo')", "SR207 `'@prdo'` alias not exists: prdo"),
        ("CREATE SERVICE s ON MODEL m WITH (replicas = 2)", "SR210"),
        (
            "CREATE SERVICE s ON MODELS (m CHECKPOINT = '@prod', m CHECKPOINT = 'v2_export')"
            " WITH (follow = '@prod')",
            "SR368 `follow` a service of 2 models",
        ),
        (
            "ALTER MODEL m SET ALIAS 'raw' = 'v1'; CREATE SERVICE s ON MODEL m WITH (follow = '@raw')",
            "SR209",
        ),
    ],
)
def test_what_a_service_can_follow(findings: Any, catalog: Any, statement: str, code: str) -> None:
    found = findings(SCRIPT + statement, catalog)
    assert [text[: len(code)] for text in found] == ([code] if code else [])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("SET (follow = '@prod')", ""),
        ("SET (follow = '@prdo')", "SR207"),
        ("SET CHECKPOINT = '@prod' WITH (follow = '@prod')", ""),
        ("SET CHECKPOINT = 'v2_export' WITH (follow = '@prod')", "SR368"),
        ("RESET (follow)", ""),
    ],
)
def test_changes(findings: Any, catalog: Any, change: str, code: str) -> None:
    found = findings(f"{FOLLOW} ALTER SERVICE s {change}", catalog)
    assert [text[: len(code)] for text in found] == ([code] if code else [])


def dropped(findings: Any, catalog: Any, before: str, checkpoint: str) -> bool:
    """Whether a checkpoint may be dropped then: one that is served may not."""
    found = findings(f"{before} ALTER MODEL m DROP CHECKPOINT = '{checkpoint}'", catalog)
    assert [text[:5] for text in found] in ([], ["SR203"])
    return not found


def test_what_it_serves_is_what_the_alias_names(findings: Any, catalog: Any) -> None:
    assert not dropped(findings, catalog, FOLLOW, "v1_export")
    moved = FOLLOW + MOVE
    assert dropped(findings, catalog, moved, "v1_export")
    assert not dropped(findings, catalog, moved, "v2_export")
    kept = "ALTER SERVICE s SET CHECKPOINT = '@prod';"
    assert not dropped(findings, catalog, FOLLOW + kept + MOVE, "v2_export")
    for ended in (
        "ALTER SERVICE s SET CHECKPOINT = 'v1_export';",
        "ALTER SERVICE s RESET (follow);",
        "ALTER SERVICE s SET CHECKPOINT = 'v2_export'; ROLLBACK SERVICE s TO CHECKPOINT = 'v1_export';",
    ):
        assert not dropped(findings, catalog, FOLLOW + ended + MOVE, "v1_export")
    resumed = "ALTER SERVICE s RESET (follow); ALTER SERVICE s SET (follow = 'prod');"
    assert not dropped(findings, catalog, FOLLOW + resumed + MOVE, "v2_export")


def test_moving_the_alias_is_a_change_of_the_service(compiled: Any) -> None:
    plan = compiled(FOLLOW + MOVE + "ALTER SERVICE s SET (replicas = 2);")
    deployed, moved, altered = plan.steps[-3:]
    assert isinstance(deployed, DeployStep)
    assert deployed.checkpoint == "@prod"
    assert deployed.id in moved.upstream
    assert altered.upstream == (moved.id,)
