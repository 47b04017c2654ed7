"""A release by the command line: trained, measured, gated, deployed, changed, taken back and looked at."""

from __future__ import annotations

from typing import Any

import pytest

from sqlrec.errors import EXIT_FAILED, EXIT_REFUSED
from tests.e2e.whole_project import FEATURES, HOLDOUT, TABLES, Project, ask, candidates

pytestmark = pytest.mark.e2e
DAY = f"behavior WHERE dt = '{HOLDOUT}'"


def trained(name: str, seed: int) -> str:
    return f"""TRAIN MODEL rank_model CHECKPOINT = '{name}' ON behavior WHERE dt < '{HOLDOUT}'
      WITH (batch_size = 512, sparse_lr = 0.05, dense_lr = 0.003, seed = {seed});"""


MODEL = f"""{TABLES}
CREATE MODEL IF NOT EXISTS rank_model ({FEATURES}, is_click INT)
  WITH (model = 'tzrec.wide_and_deep', label_columns = 'is_click', hidden_units = '16,8');
{trained("v1", seed=1)}
"""
RELEASE = f"""{MODEL}
ASSERT SELECT count(*) > 100 AS enough FROM {DAY};
EVALUATE MODEL rank_model CHECKPOINT = 'v1' ON {DAY}
  WITH (metrics = 'auc,logloss', group_column = 'user_id', min_auc = 0.5, max_logloss = 0.7);
EXPORT MODEL rank_model CHECKPOINT = 'v1' ON {DAY};
EVALUATE MODEL rank_model CHECKPOINT = 'v1_export' ON (SELECT * FROM {DAY}) WITH (metrics = 'auc');
CREATE SERVICE rank ON MODEL rank_model CHECKPOINT = 'v1_export';
{trained("v2", seed=2)}
EXPORT MODEL rank_model CHECKPOINT = 'v2' ON {DAY};
ALTER MODEL rank_model SET ALIAS 'next' = 'v2_export';
ALTER SERVICE rank SET CHECKPOINT = '@next' WITH (replicas = 2);
ALTER SERVICE rank RESET (replicas);
IF (SELECT count(*) > 0 FROM {DAY}) THEN (CACHE TABLE picked AS SELECT user_id FROM {DAY} LIMIT 7);
SELECT count(*) AS n FROM picked;
ROLLBACK SERVICE rank TO CHECKPOINT = 'v1_export';
SHOW SERVICES;
DESCRIBE MODEL rank_model;
"""
GATED = f"""{MODEL}
EVALUATE MODEL rank_model CHECKPOINT = 'v1' ON {DAY} WITH (metrics = 'auc', min_auc = 0.99);
EXPORT MODEL rank_model CHECKPOINT = 'v1' ON {DAY};
CREATE SERVICE rank ON MODEL rank_model CHECKPOINT = 'v1_export';
"""


def checkpoints(project: Project) -> dict[str, dict[str, Any]]:
    return {c["name"]: c for c in project.json("checkpoints", "rank_model")}


def served(project: Project) -> list[tuple[str, str, str]]:
    entries = project.json("rollout", "history", "rank")
    return [(e["action"], e["checkpoint"], e["state"]) for e in entries]


def test_a_release_from_training_to_the_way_back(project: Project) -> None:
    report = project.json("run", project.script(RELEASE))
    tasks = {task["id"]: task for task in report["tasks"]}
    assert {task["state"] for task in tasks.values()} == {"success"}
    made = checkpoints(project)
    measured, again = (made[name]["metrics"] for name in ("v1", "v1_export"))
    assert 0.5 < measured["evaluation.auc"] < 1
    assert set(measured) > {"evaluation.auc", "evaluation.logloss", "evaluation.gauc", "auc"}
    assert again["evaluation.auc"] == pytest.approx(measured["evaluation.auc"], abs=1e-4)
    rows = [
        task["outcome"]["preview"]["rows"]
        for name, task in tasks.items()
        if name.startswith("register_evaluate")
    ]
    assert [row[0] for row in next(r for r in rows if len(r) == 3)] == ["AUC", "LogLoss", "GAUC"]
    assert tasks["select_picked"]["outcome"]["preview"]["rows"] == [["7"]]
    assert served(project) == [
        ("deploy", "v1_export", "finished"),
        ("deploy", "v2_export", "finished"),
        ("deploy", "v2_export", "finished"),
        ("rollback", "v1_export", "finished"),
    ]
    assert [row[0] for row in tasks["show_services"]["outcome"]["preview"]["rows"]] == ["rank"]
    names = [row[0] for row in tasks["describe_model_rank_model"]["outcome"]["preview"]["rows"]]
    assert {"user_id", "tags", "probs"} <= set(names)
    take_back(project)


def take_back(project: Project) -> None:
    """Change the running service from the command line, and ask it before and after."""
    rows, url = candidates(project)[:20], project.service()["url"]
    before = ask(url, rows)
    outcome = project.json("rollout", "undo", "rank", "--to", "v2_export")
    assert (outcome["facts"]["checkpoint"], outcome["facts"]["url"]) == ("v2_export", url)
    assert ask(url, rows) != before
    status = project.json("rollout", "status", "rank")
    assert (status["state"], status["revision"]["checkpoint"]) == ("ready", "v2_export")
    project.run("rollout", "undo", "rank")
    assert ask(url, rows) == before
    assert "no earlier revision" in project.run("rollout", "undo", "rank", status=EXIT_FAILED)


def test_a_gate_that_does_not_hold_stops_the_deployment(project: Project) -> None:
    told = project.run("run", project.script(GATED), status=EXIT_REFUSED)
    assert "error[SR260]: checkpoint v1 (version 1) of rank_model does not pass: AUC is 0." in told
    assert "below min_auc = 0.99" in told
    made = checkpoints(project)
    assert list(made) == ["v1"], "nothing was exported"
    assert made["v1"]["metrics"]["evaluation.auc"] < 0.99
    assert project.json("services") == []
    project.run("rollout", "status", "rank", status=EXIT_FAILED)
