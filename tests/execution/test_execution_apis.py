"""APIs: deployed as a transaction by real processes, found again when they are needed, dropped once."""

from __future__ import annotations

import http.client
import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlrec.errors import JobError, NameNotFoundError, StateError
from sqlrec.execution.environment import Environment
from sqlrec.execution.key import RunKey
from sqlrec.execution.outcome import Outcome
from sqlrec.execution.run_step import run_step
from sqlrec.runtimes.local.services import LocalServiceRuntime
from sqlrec.settings import load
from sqlrec.spec.service import ServiceState
from tests.asking import asking
from tests.execution.steps import steps_of
from tests.fakes import FakeRegistry

FUNCTION = """
DECLARE factor INT DEFAULT 2;
CREATE OR REPLACE SQL FUNCTION rank_items;
DEFINE INPUT TABLE users (id BIGINT);
CACHE TABLE joined AS SELECT u.id, i.item FROM users u JOIN items i ON i.owner = u.id;
CACHE TABLE ranked AS SELECT id, item, item * CAST('{{ params.factor }}' AS INT) AS score FROM joined
  ORDER BY score DESC;
RETURN ranked;
"""
API = FUNCTION + "CREATE API rank WITH rank_items;"
REPLACED = API.replace("CREATE API", "CREATE OR REPLACE API")


@dataclass(slots=True)
class Project:
    """A registry in memory and real processes."""

    env: Environment
    registry: FakeRegistry
    services: LocalServiceRuntime

    def run(self, text: str, run_id: str = "r1") -> dict[str, Outcome]:
        """Outcomes of a script's steps, by id."""
        return {
            id_: run_step(
                step, self.env, key=RunKey(dag_id="s", run_id=run_id, task_id=id_), report=lambda _: None
            )
            for id_, step in steps_of(text).items()
        }


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table({"owner": [1, 1, 2], "item": [10, 20, 30]}), tmp_path / "data" / "items.parquet")
    registry, services = FakeRegistry(), LocalServiceRuntime(tmp_path / ".sqlrec" / "services")
    env = Environment(
        settings=load(tmp_path, environ={}),
        make_registry=lambda settings: registry,
        make_services=lambda settings: services,
    )
    yield Project(env, registry, services)
    for endpoint in services.endpoints():
        services.remove(endpoint.name)


def ask(url: str, data: dict[str, Any], **params: Any) -> Any:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    try:
        connection.request("POST", parts.path, json.dumps({"data": data, "params": params}))
        answer = json.loads(connection.getresponse().read())
        return answer.get("data", answer)
    finally:
        connection.close()


USER = {"users": [{"id": 1}]}
RANKED = [{"id": 1, "item": 20, "score": 40}, {"id": 1, "item": 10, "score": 20}]


def test_from_script_to_answer_and_away(project: Project) -> None:
    outcome = project.run(API)["define_api_rank"]
    url = outcome.facts["url"]
    assert outcome.message == f"API rank runs function rank_items at {url}"
    assert ask(url, USER) == RANKED
    assert ask(url, USER, factor=3)[0]["score"] == 60
    assert [api.name for api in project.registry.apis()] == ["rank"]
    assert [(e.name, e.state, e.url) for e in project.services.endpoints()] == [
        ("api.rank", ServiceState.READY, url)
    ]

    again = project.run(API)["define_api_rank"]
    assert (again, project.services.endpoints()[0].url) == (outcome, url)
    assert project.run(API, "r2")["define_api_rank"].facts["url"] == url

    changed = project.run(REPLACED.replace("DESC", "ASC"), "r3")["define_api_rank"]
    assert changed.facts["url"] == url
    assert ask(url, USER) == RANKED[::-1]

    (dropped,) = project.run("DROP API rank", "r4").values()
    assert (dropped.message, dropped.facts) == ("dropped API rank", {"gone_service": "api.rank"})
    assert (project.services.endpoints(), project.registry.apis()) == ((), ())
    with pytest.raises(ConnectionRefusedError):
        ask(url, USER)
    (kept,) = project.run("DROP API rank", "r4").values()
    assert kept.message == dropped.message
    with pytest.raises(NameNotFoundError, match="SR241"):
        project.run("DROP API rank", "r5")
    (absent,) = project.run("DROP API IF EXISTS rank", "r6").values()
    assert absent.message == "no API rank to drop"


def test_a_failure_leaves_what_was(project: Project, tmp_path: Path) -> None:
    url = project.run(API)["define_api_rank"].facts["url"]
    with pytest.raises(StateError, match=r"SR201.*it runs function rank_items"):
        project.run(API.replace("DESC", "ASC"), "r2")
    wrong = REPLACED.replace("i.owner", "i.ownr")
    with pytest.raises(JobError, match=r"(?s)SR506.*api.rank was not deployed.*ownr.*CACHE TABLE joined"):
        project.run(wrong, "r3")
    with pytest.raises(NameNotFoundError, match=r"SR401.*nowhere"):
        project.run(REPLACED.replace("JOIN items", "JOIN nowhere"), "r4")
    assert ask(url, USER) == RANKED
    assert project.registry.apis()[0].program == project_program(API)


def project_program(text: str) -> Any:
    step: Any = steps_of(text)["define_api_rank"]
    return step.api.program


def test_an_api_that_died_is_started_again(project: Project) -> None:
    url = project.run(API)["define_api_rank"].facts["url"]
    port = urlsplit(url).port
    for connection in psutil.net_connections("tcp"):
        if connection.laddr and connection.laddr.port == port and connection.pid:
            os.kill(connection.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while project.services.endpoints()[0].state is not ServiceState.DEAD and time.monotonic() < deadline:
        time.sleep(0.05)  # between its last answer and its end it is neither ready nor gone
    assert project.services.endpoints()[0].state is ServiceState.DEAD
    assert project.run(API)["define_api_rank"].facts["url"] == url
    assert ask(url, USER) == RANKED


def test_a_run_that_is_taken_up_again_does_not_bring_back_what_it_dropped(project: Project) -> None:
    text = API + "DROP API rank;"
    project.run(text)
    project.run(text)
    assert project.services.endpoints() == ()


def test_an_assertion_about_the_tables_does_not_keep_an_api_from_running(project: Project) -> None:
    text = FUNCTION.replace(
        "CACHE TABLE joined", "ASSERT SELECT count(*) = 1 AS one FROM users;\nCACHE TABLE joined"
    )
    url = project.run(text + "CREATE API rank WITH rank_items;")["define_api_rank"].facts["url"]
    assert ask(url, USER) == RANKED
    assert ask(url, {"users": []})["error"]["code"] == "SR266"


def test_a_service_that_is_not_there(project: Project) -> None:
    text = FUNCTION.replace("RETURN ranked", "CACHE TABLE s AS CALL call_service('gone', ranked); RETURN s")
    with pytest.raises(NameNotFoundError, match=r"SR206.*gone"):
        project.run(text + "CREATE API rank WITH rank_items;")
    assert project.services.endpoints() == ()


def test_no_request_fails_while_an_api_is_replaced(project: Project) -> None:
    url = project.run(API)["define_api_rank"].facts["url"]
    with asking(lambda: ask(url, USER)[0]["score"], clients=3) as answers:
        for run, by in enumerate((3, 4)):
            project.run(REPLACED.replace("item * CAST", f"{by} * item * CAST"), f"again{run}")
    assert set(answers) == {40, 120, 160}
    assert ask(url, USER)[0]["score"] == 160
