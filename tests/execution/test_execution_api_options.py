"""Options of an API, held by real processes: who may ask, over which wire; and secrets for those it asks."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlrec.errors import JobError, NameNotFoundError, SetupError, StateError
from sqlrec.execution.environment import Environment
from sqlrec.execution.key import RunKey
from sqlrec.execution.options import api_image
from sqlrec.execution.outcome import Outcome
from sqlrec.execution.run_step import run_step
from sqlrec.models.api_options import API_OPTIONS
from sqlrec.settings import Cluster, load
from sqlrec.spec.options import Scope
from tests.certificates import authority, certificate
from tests.execution.steps import steps_of
from tests.fakes import FakeRegistry
from tests.predict_server import Reply, Service, ok, running

SERVED = """
CREATE MODEL far (user_id BIGINT, age INT, is_click INT)
  WITH (model = 'external', output_columns = 'probs:float', label_columns = 'is_click',
        url = '{url}', header.authorization = '{{{{ secret.far }}}}');
CREATE SERVICE rank ON MODEL far;
"""
FUNCTION = """
CREATE OR REPLACE SQL FUNCTION f;
DEFINE INPUT TABLE users (user_id BIGINT, age INT);
CACHE TABLE r AS CALL call_service('rank', users);
RETURN r;
"""
FAR, HUSH = "Bearer hush-hush", "tokens-are-secret"
USER = {"data": {"users": [{"user_id": 1, "age": 2}]}}


@dataclass(slots=True)
class Project:
    """A registry in memory, the services of the settings, and their secrets in the project's file."""

    env: Environment
    registry: FakeRegistry
    folder: Path

    def run(self, text: str, run_id: str = "r1") -> dict[str, Outcome]:
        """Outcomes of a script's steps, by id."""
        return {
            id_: run_step(
                step, self.env, key=RunKey(dag_id="s", run_id=run_id, task_id=id_), report=lambda _: None
            )
            for id_, step in steps_of(text).items()
        }

    @property
    def written(self) -> str:
        """All that services left on the disk."""
        files = (path for path in self.folder.rglob("*") if path.is_file() and path.name != "secrets.env")
        return "".join(path.read_text(errors="replace") for path in files)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "data").mkdir()
    table = pa.table({"user_id": [1, 2, 3], "age": pa.array([2, 3, 0], pa.int32())})
    pq.write_table(table, tmp_path / "data" / "users.parquet")
    secrets = tmp_path / ".sqlrec" / "secrets.env"
    secrets.parent.mkdir()
    secrets.touch(mode=0o600)
    secrets.write_text(f"far={FAR}\n")
    registry = FakeRegistry()
    env = Environment(settings=load(tmp_path, environ={}), make_registry=lambda settings: registry)
    yield Project(env, registry, secrets.parent)
    for endpoint in env.services.endpoints():
        env.services.remove(endpoint.name)


@contextmanager
def elsewhere(tls: Path | None = None) -> Iterator[Service]:
    """A service of somebody else, which wants a secret."""
    with running(tls=tls) as service:

        def answer(rows: list[dict[str, Any]]) -> Reply:
            known = service.headers[-1].get("authorization") == FAR
            return ok({"probs": [0.25] * len(rows)}) if known else Reply(status=401)

        service.answer = answer
        yield service


@pytest.fixture
def far() -> Iterator[Service]:
    with elsewhere() as service:
        yield service


def test_an_api_is_served_as_its_options_say(project: Project, far: Service, tmp_path: Path) -> None:
    pem, tokens = certificate(tmp_path, "own.pem"), tmp_path / "tokens"
    tokens.write_text(f"{HUSH}\n")
    guarded = (
        f"CREATE OR REPLACE API score WITH f WITH (auth_token_file = '{tokens}', tls_cert_file = '{pem}',"
        f" tls_key_file = '{pem}', access_log = TRUE, replicas = 2)"
    )
    url = project.run(SERVED.format(url=far.url) + FUNCTION + guarded)["define_api_score"].facts["url"]
    assert url.startswith("https://127.0.0.1:")
    trust = ssl.create_default_context(cafile=str(pem))
    trust.check_hostname = False
    with httpx.Client(verify=trust, trust_env=False, timeout=20) as client:
        assert client.post(url, json=USER).status_code == 401
        known = {"Authorization": f"Bearer {HUSH}"}
        answer = client.post(url, json=USER, headers=known)
        assert answer.json()["data"] == [{"user_id": 1, "age": 2, "probs": 0.25}], answer.text
        logs = sorted(project.folder.glob("services/api*/server.1.*.log"))
        assert len(logs) == 2, "a process for each replica"
        assert any('"path":"/api/v1/score"' in log.read_text() for log in logs)

        half = guarded.replace(f", tls_cert_file = '{pem}'", "").replace("= 2)", "= 1)")
        with pytest.raises(JobError, match=r"(?s)SR506.*\[SR675\] tls_cert_file is missing"):
            project.run(FUNCTION + half, "r2")
        assert client.post(url, json=USER, headers=known).status_code == 200
    (api,) = project.registry.apis()
    assert api.options["replicas"] == 2
    with pytest.raises(StateError, match=r"SR201.*runs function f, and differs in replicas"):
        project.run(FUNCTION + guarded.replace("OR REPLACE ", "").replace("= 2)", "= 3)"), "r3")
    open_to_all = project.run(FUNCTION + "CREATE OR REPLACE API score WITH f", "r4")["define_api_score"]
    assert open_to_all.facts["url"].startswith("http://"), "the wire changed, and the port with it"
    assert httpx.post(open_to_all.facts["url"], json=USER, trust_env=False).status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, verify=trust, trust_env=False)
    assert "hush" not in project.written
    assert HUSH not in project.written
    assert '"secret:far"' in project.written


def test_services_behind_a_companys_authority_are_asked(project: Project, tmp_path: Path) -> None:
    """When they are made, by a script, in chunks, by an API, whose own server it vouches for, too."""
    ours, pem = authority(tmp_path, "company", "127.0.0.1")
    tls = f"tls_cert_file = '{pem}', tls_key_file = '{pem}', tls_ca_file"
    with elsewhere(tls=pem) as far:
        script = SERVED.format(url=far.url).replace(
            "{{ secret.far }}'", "{{ secret.far }}', tls_ca_file = 'CA'"
        )
        with pytest.raises(SetupError, match=r"SR622.*gone\.pem, cannot be read: No such file"):
            project.run(script.replace("'CA'", "'gone.pem'"))
        assert project.env.services.endpoint("rank") is None
        script = script.replace("'CA'", f"'{ours}'").replace("CREATE MODEL", "CREATE OR REPLACE MODEL")
        done = project.run(
            f"{script} {FUNCTION} CACHE TABLE scored AS CALL call_service('rank', users);"
            " CALL f(users) PARTITION BY users SIZE 2;"
            f" CREATE API score WITH f WITH ({tls} = '{ours}')",
            "r2",
        )
        assert [outcome.rows for outcome in done.values()].count(3) == 2
        url = done["define_api_score"].facts["url"]
        assert url.startswith("https://127.0.0.1:")
        trust = ssl.create_default_context(cafile=str(ours))
        answer = httpx.post(url, json=USER, verify=trust, trust_env=False, timeout=20)
        assert answer.json()["data"] == [{"user_id": 1, "age": 2, "probs": 0.25}], answer.text
        other = certificate(tmp_path, "other.pem")
        with pytest.raises(JobError, match=r"SR506.*certificate verify failed"):
            project.run(FUNCTION + f"CREATE OR REPLACE API score WITH f WITH ({tls} = '{other}')", "r3")
        assert httpx.post(url, json=USER, verify=trust, trust_env=False).status_code == 200


def test_an_api_does_not_start_without_a_secret_it_needs(project: Project, far: Service) -> None:
    project.run(SERVED.format(url=far.url))
    (project.folder / "secrets.env").write_text("")
    with pytest.raises(NameNotFoundError, match=r"SR320.*'far' is not set"):
        project.run(FUNCTION + "CREATE API score WITH f", "r2")
    assert project.registry.apis() == ()


def test_a_call_in_chunks_sends_the_secret_of_a_service(project: Project, far: Service) -> None:
    script = SERVED.format(url=far.url) + FUNCTION + "CALL f(users) PARTITION BY users SIZE 2"
    done = list(project.run(script).values())[-1]
    assert done.rows == 3
    assert {headers["authorization"] for headers in far.headers} == {FAR}


@pytest.mark.parametrize(
    ("cluster", "written", "expected"),
    [
        (Cluster(api_image="api:1", server_image="server:1"), {}, "api:1"),
        (Cluster(server_image="server:1"), {}, "server:1"),
        (Cluster(api_image="api:1"), {"image": "mine", "version": "2"}, "mine:2"),
    ],
)
def test_the_image_is_that_of_the_statement_or_of_the_cluster(
    cluster: Cluster, written: dict[str, str], expected: str, tmp_path: Path
) -> None:
    settings = replace(load(tmp_path, environ={}), runtime="kubernetes", kubernetes=cluster)
    options = API_OPTIONS.effective(Scope.API, statement=written)
    assert api_image(options, settings) == expected
    assert api_image(options, replace(settings, runtime="local")).endswith(str(options["version"].value))
