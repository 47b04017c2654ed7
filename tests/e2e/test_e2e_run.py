"""A whole script through the command line: what it leaves, and what it answers afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.asking import asking
from tests.e2e import bare_onnx
from tests.e2e.project_state import Finished
from tests.e2e.whole_project import CHECKPOINT, HOLDOUT, RANK, TABLES, TASKS, ask, candidates, rows_of

pytestmark = pytest.mark.e2e
EXACT = 1e-6
"""Float32 sums in another order."""


def onnx_scores(finished: Finished, rows: list[dict[str, Any]]) -> npt.NDArray[np.float32]:
    (export,) = [c for c in finished.checkpoints if c["kind"] == "export"]
    return bare_onnx.score(finished.project.folder / export["uri"] / "model.onnx", rows)


def test_the_report_names_every_task_and_what_it_did(finished: Finished) -> None:
    tasks = {task["id"]: task for task in finished.report["tasks"]}
    assert list(tasks) == TASKS
    assert {task["state"] for task in tasks.values()} == {"success"}
    assert all(task["outcome"]["message"] for task in tasks.values())
    assert 0.5 < tasks["train_rank_model"]["outcome"]["metrics"]["auc"] < 1
    assert tasks["score_scored"]["outcome"]["rows"] == 2000
    assert len(tasks["select_scored"]["outcome"]["preview"]["rows"]) == 3


def test_the_checkpoints_are_registered(finished: Finished) -> None:
    origin, export = finished.checkpoints
    assert (origin["name"], origin["kind"], origin["status"]) == (CHECKPOINT, "origin", "succeeded")
    assert (export["name"], export["kind"], export["status"]) == (
        f"{CHECKPOINT}_export",
        "export",
        "succeeded",
    )
    assert (export["parent"], export["parent_version"]) == (CHECKPOINT, origin["version"])
    assert export["metrics"]["fp32.auc"] == pytest.approx(origin["metrics"]["auc"], abs=1e-4)


def test_bare_onnxruntime_gives_what_the_service_answers(finished: Finished) -> None:
    rows = candidates(finished.project)
    expected = onnx_scores(finished, rows)
    url = finished.project.service()["url"]
    row_wise = ask(url, rows)["probs"]
    column_wise = ask(url, {name: [row[name] for row in rows] for name in rows[0]})["probs"]
    assert np.abs(np.array(row_wise) - expected).max() <= EXACT
    assert column_wise == row_wise


def test_the_predictions_table_holds_the_scores_of_the_bare_file(finished: Finished) -> None:
    rows = candidates(finished.project)
    expected = onnx_scores(finished, rows)
    written = rows_of(finished.project.folder / "data" / "predictions")
    assert written.num_rows == len(rows)
    order = sorted(zip([(row["user_id"], row["item_id"]) for row in rows], expected.tolist(), strict=True))
    keys = zip(written["user_id"].to_pylist(), written["item_id"].to_pylist(), strict=True)
    assert list(keys) == [key for key, _ in order]
    assert np.abs(written["probs"].to_numpy() - np.array([score for _, score in order])).max() <= EXACT
    assert pc.unique(written["dt"]).to_pylist() == [HOLDOUT]


def test_one_user_against_many_items(finished: Finished) -> None:
    """call_service_with_qv: the user's columns from one row, the items' from a table."""
    project = finished.project
    user = "user_id, country, age, gender, is_member, interests, device, hour"
    item = "item_id, category, price, tags"
    day = f"dt = '{HOLDOUT}'"
    script = f"""{TABLES}
    CACHE TABLE who AS
      SELECT {user} FROM behavior WHERE {day} AND gender IS NULL ORDER BY user_id, hour LIMIT 1;
    CACHE TABLE items AS SELECT DISTINCT {item} FROM behavior WHERE {day};
    CACHE TABLE recommended AS CALL call_service_with_qv('rank', who, items);
    INSERT OVERWRITE recommendations SELECT * FROM recommended;
    INSERT OVERWRITE asked_for SELECT * FROM who;
    """
    project.run("run", project.script(script, "recommend"))
    found = pq.read_table(project.folder / "data" / "recommendations").to_pylist()
    (who,) = pq.read_table(project.folder / "data" / "asked_for").to_pylist()
    expected = onnx_scores(finished, [who | row for row in found])
    assert len(found) > 50
    assert np.abs(np.array([row["probs"] for row in found]) - expected).max() <= EXACT


def test_again_is_a_new_run_and_the_service_goes_on_answering(finished: Finished) -> None:
    project = finished.project
    before, service = project.json("checkpoints", "rank_model"), project.service()
    rows = candidates(project)[:20]
    with asking(lambda: ask(service["url"], rows), clients=1, pause=0.02) as answers:
        report = project.json("run", project.script(RANK))
    after = project.json("checkpoints", "rank_model")
    assert report["run"] != finished.report["run"]
    assert {task["state"] for task in report["tasks"]} == {"success"}
    assert after[: len(before)] == before
    assert [c["kind"] for c in after[len(before) :]] == ["origin", "export"]
    now = project.service()
    assert (now["url"], now["version"]) == (service["url"], after[-1]["version"])
    assert len(answers) > 100
    assert all(answer == answers[0] for answer in answers)
    assert rows_of(project.folder / "data" / "predictions").num_rows == 2000
