"""Services that die, are stopped, and are deployed by two at once."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest

from tests.e2e.project_state import Finished, state_of
from tests.e2e.whole_project import CHECKPOINT, HOLDOUT, RANK, TABLES, Project, ask, candidates, wait_until

pytestmark = pytest.mark.e2e
FRAIL = f"""{TABLES}
CREATE OR REPLACE SERVICE frail ON MODEL rank_model CHECKPOINT = '{CHECKPOINT}_export';
CACHE TABLE some AS SELECT * FROM behavior WHERE dt = '{HOLDOUT}';
CACHE TABLE scored AS CALL call_service('frail', some);
INSERT OVERWRITE frail_scores SELECT user_id, item_id, probs FROM scored;
"""


def servers(project: Project, name: str) -> list[psutil.Process]:
    folder = str(project.state / "services" / name)
    return [p for p in project.family() if folder in " ".join(p.cmdline())]


@pytest.fixture
def frail(finished: Finished) -> Iterator[Project]:
    """The finished project, for a service that is not there afterwards: other tests ask its model."""
    yield finished.project
    finished.project.run("run", finished.project.script("DROP SERVICE IF EXISTS frail;", "frail_ends"))


def test_a_service_that_dies_while_it_is_asked(frail: Project) -> None:
    """The run fails with a word on what to do; run again, it starts the service and scores the rest."""
    project = frail
    process = project.start("run", project.script(FRAIL, "frail"))
    wait_until(
        lambda: next(project.state.glob("runs/frail/*/tables/.scored.score/shard*1.*"), None), "shards"
    )
    for server in servers(project, "frail"):
        server.kill()
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "Traceback" not in err
    message = err[err.index("error[") :]
    assert "service frail" in message
    assert "help:" in message
    assert not (project.folder / "data" / "frail_scores").exists()
    assert project.service("frail")["state"] == "dead"
    assert "frail" in project.run("services", "logs", "frail")
    assert project.run("services", "stop", "frail") == "stopped frail\n"
    assert project.service("frail")["state"] == "stopped"

    report = project.json("run", project.script(FRAIL, "frail"))
    assert {task["state"] for task in report["tasks"]} == {"success"}
    assert len(list(project.state.glob("runs/frail/*"))) == 1
    (scoring,) = [task["outcome"] for task in report["tasks"] if task["id"] == "score_scored"]
    assert scoring["rows"] == 2000
    assert scoring["metrics"]["rows"] < 2000
    assert project.service("frail")["state"] == "ready"
    assert (project.folder / "data" / "frail_scores").is_dir()


def test_two_runs_of_one_script_at_once(project: Project, finished: Finished) -> None:
    script = project.script(RANK)
    processes = [project.start("run", script) for _ in range(2)]
    for process in processes:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
    assert len(project.runs()) == 2
    state, alone = state_of(project), finished.state
    assert state["models"] == alone["models"]
    assert state["predictions"] == alone["predictions"]
    assert [c["version"] for c in state["checkpoints"]] == [1, 2, 3, 4]
    assert sorted(c["kind"] for c in state["checkpoints"]) == ["export", "export", "origin", "origin"]
    assert {c["status"] for c in state["checkpoints"]} == {"succeeded"}
    assert [(d[0], d[2]) for d in state["deployments"]] == [(1, "finished"), (2, "finished")]
    assert state["served"] == state["deployments"][-1][3:5]
    service, rows = project.service(), candidates(project)[:10]
    assert service["version"] == state["served"][0]
    assert ask(service["url"], rows) == ask(finished.project.service()["url"], rows)
