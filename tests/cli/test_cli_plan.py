"""``sqlrec plan``: the explanation, as text and as JSON, without touching anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sqlrec.errors import EXIT_FAILED, EXIT_FINDINGS, EXIT_SETUP
from tests.cli.conftest import Command

SCRIPT = """
DECLARE day STRING DEFAULT '2026-01-08';
CREATE TABLE samples (user_id BIGINT, y INT, dt STRING)
  PARTITIONED BY (dt) WITH (connector = 'parquet', path = 'data/samples');
CREATE MODEL m (user_id BIGINT, y INT)
  WITH (model = 'tzrec.wide_and_deep', label_columns = 'y', embedding_dim = 4);
TRAIN MODEL m CHECKPOINT = 'v1' ON samples WHERE dt < '{{ params.day }}' WITH (num_epochs = 2);
EXPORT MODEL m CHECKPOINT = 'v1' ON samples;
"""


@pytest.fixture
def script(project: Path) -> Path:
    path = project / "m.sql"
    path.write_text(SCRIPT)
    return path


def test_the_text_names_steps_and_options_in_force(sqlrec: Command, script: Path) -> None:
    told = sqlrec("plan", script)
    assert (told.status, told.err) == (0, "")
    assert "\ndefine_m: new\n" in told.out
    assert "num_epochs = 2  (statement)" in told.out
    assert "partitions where dt < '{{ params.day }}'" in told.out


def test_json_has_steps_with_options_and_their_origin(sqlrec: Command, script: Path) -> None:
    explained = json.loads(sqlrec("plan", script, "--json").out)
    assert [step["id"] for step in explained["steps"]] == ["define_m", "train_m", "export_m"]
    define, train, export = explained["steps"]
    origins = {option["key"]: (option["value"], option["origin"]) for option in train["options"]}
    assert origins["num_epochs"] == (2, "statement")
    assert origins["batch_size"] == (8192, "default")
    assert {o["key"]: o["origin"] for o in define["options"]}["embedding_dim"] == "model"
    assert export["upstream"] == ["train_m"]


def test_planning_changes_nothing(sqlrec: Command, script: Path, project: Path) -> None:
    before = sorted(project.rglob("*"))
    assert sqlrec("plan", script).out == sqlrec("plan", script).out
    assert sorted(project.rglob("*")) == before


def test_a_script_with_problems(sqlrec: Command, script: Path) -> None:
    script.write_text("SELEC 1; SELECT 1 FROM;")
    told = sqlrec("plan", script)
    assert (told.status, told.out) == (EXIT_FINDINGS, "")
    assert told.err.count("error[SR") == 2
    assert "^^^^^" in told.err


@pytest.mark.parametrize(("content", "says"), [(None, "No such file"), (b"SELECT '\xff'", "not UTF-8 text")])
def test_a_script_that_cannot_be_read(
    sqlrec: Command, script: Path, content: bytes | None, says: str
) -> None:
    script.unlink()
    if content:
        script.write_bytes(content)
    told = sqlrec("plan", script)
    assert told.status == EXIT_FAILED
    assert told.err.startswith("error[SR705]: ")
    assert says in told.err


def test_a_registry_that_is_no_database(sqlrec: Command, script: Path, project: Path) -> None:
    (project / ".sqlrec").mkdir()
    (project / ".sqlrec" / "mlflow.db").write_text("not a database at all")
    told = sqlrec("plan", script)
    assert told.status == EXIT_SETUP
    assert told.err.startswith("error[SR711]: ")


def test_manifests_are_a_list_for_kubectl(sqlrec: Command, script: Path) -> None:
    script.write_text(SCRIPT.replace("num_epochs = 2", "nnodes = 2, pod_memory = '{{ params.day }}Gi'"))
    told = sqlrec("plan", script, "--manifests")
    listed = json.loads(told.out)
    assert (told.status, listed["kind"]) == (0, "List")
    assert [item["kind"] for item in listed["items"]] == ["Job", "Service", "Pod"]
    assert told.err == "train_m: option pod_memory is rendered by the run\n"
