"""DESCRIBE SERVICE: what is served, since when, what was before, and what the service tells of itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sqlrec.registry.registry import DeployAction
from sqlrec.spec.sensitive import MASK
from tests.certificates import authority
from tests.execution.looking import CTR, MOMENT, ask, facts, first, serve, trained_world
from tests.execution.steps import World
from tests.http_server import Handler, listening


@pytest.fixture
def world(tmp_path: Path) -> World:
    return trained_world(tmp_path)


@contextmanager
def answering(*, tls: Path | None = None, token: str = "", **pages: str) -> Iterator[str]:
    """A server that answers GET of some paths with a text, whoever has the token."""

    class Pages(Handler):
        def do_GET(self) -> None:
            body = pages.get(self.path.strip("/"), "").encode()
            known = not token or self.headers["Authorization"] == f"Bearer {token}"
            self.answer((200 if body else 404) if known else 401, body)

    with listening(Pages, tls=tls) as url:
        yield f"{url}/predict"


def test_describe_a_service(world: World) -> None:
    serve(world, "http://127.0.0.1:9/predict", replicas="2", kubernetes_env_token="secret:token")
    shown = ask(world, "DESCRIBE SERVICE rank")
    told = facts(shown)
    assert told["service"] == "Rank"
    assert (told["model"], told["checkpoint"], told["version"]) == ("ctr", "v1_export", "2")
    assert (told["state"], told["url"], told["revision"]) == ("ready", "http://127.0.0.1:9/predict", "1")
    assert re.fullmatch(MOMENT, told["deployed"])
    formatted = ask(world, "DESCRIBE FORMATTED SERVICE rank")
    told = facts(formatted)
    assert (told["replicas"], told["kubernetes_env_token"]) == ("2", MASK)
    assert re.fullmatch(rf"{MOMENT} deploy v1_export \(version 2 of ctr\), finished", told["1"])
    assert told["(none)"] == "the service does not answer"
    assert first(world, "SHOW CREATE SERVICE rank") == [
        "CREATE SERVICE `Rank`\nON MODEL ctr\nCHECKPOINT = 'v1_export'\n"
        f"WITH (\n  'replicas' = '2',\n  'kubernetes_env_token' = '{MASK}'\n)"
    ]


def test_the_history_says_why_a_deployment_failed(world: World) -> None:
    serve(world, "u")
    checkpoint = world.registry.checkpoints(CTR)[1]
    entry = world.registry.begin(
        service="Rank", action=DeployAction.DEPLOY, checkpoint=checkpoint, key="k2", options={}
    )
    world.registry.fail(entry, error="no memory, password=hunter2\nlast line")
    told = facts(ask(world, "DESCRIBE FORMATTED SERVICE Rank"))
    assert told["2"].endswith(f", failed: no memory, password={MASK}")


def test_a_service_that_does_not_run_here(world: World) -> None:
    serve(world, "http://old/predict")
    world.services.running.clear()
    told = facts(ask(world, "DESCRIBE FORMATTED SERVICE rank"))
    assert (told["State"], told["URL"]) == ("not running here", "http://old/predict")
    assert told["(none)"] == "the service does not run here"


METRICS = """\
# HELP sqlrec_requests_total Prediction requests answered
# TYPE sqlrec_requests_total counter
sqlrec_requests_total{code="200",model="ctr",protocol="sqlrec",service="Rank",version="2"} 9.0
sqlrec_requests_total{code="400",model="ctr",protocol="sqlrec",service="Rank",version="2"} 1.0
sqlrec_request_duration_seconds_bucket{le="0.001",service="Rank"} 4.0
sqlrec_request_duration_seconds_count{service="Rank"} 10.0
sqlrec_request_duration_seconds_sum{service="Rank"} 0.05
sqlrec_request_rows_sum{service="Rank"} 900.0
sqlrec_requests_in_flight{service="Rank"} 1.0
"""


def test_statistics_from_the_figures_of_the_service(world: World) -> None:
    with answering(metrics=METRICS) as url:
        serve(world, url)
        told = facts(ask(world, "DESCRIBE FORMATTED SERVICE rank"))
    assert (told["requests"], told["failed"], told["in flight"], told["rows"]) == ("10", "1", "1", "900")
    assert (told["seconds in all"], told["mean milliseconds"]) == ("0.05", "5.000")


@pytest.mark.parametrize(
    ("page", "pairs"),
    [
        (
            '{"models": [{"name": "m", "version": 2, "since": 1700000000.5, "usage": 3, "duration": 12.5, '
            '"min": null}]}',
            ("3", "12.5"),
        ),
        ("[1, 2]", None),
        ("not json", None),
    ],
)
def test_statistics_that_the_service_tells_itself(
    world: World, page: str, pairs: tuple[str, str] | None
) -> None:
    with answering(stats=page, metrics=METRICS) as url:
        serve(world, url)
        told = facts(ask(world, "DESCRIBE FORMATTED SERVICE rank"))
    if pairs is None:
        assert told["requests"] == "10"
    else:
        assert (told["models[m 2].usage"], told["models[m 2].duration"]) == pairs
        assert told["models[m 2].min"] == ""
        assert re.fullmatch(r"2023-11-1[45] \d\d:\d\d:20", told["models[m 2].since"])
        assert "requests" not in told


def test_a_service_behind_tls_is_asked_with_what_its_options_name(world: World, tmp_path: Path) -> None:
    ours, pem = authority(tmp_path, "ours", "127.0.0.1")
    (tmp_path / "token").write_text("hush")
    with answering(stats='{"usage": 3}', tls=pem, token="hush") as url:
        serve(world, url, tls_ca_file=str(ours), auth_token_file=str(tmp_path / "token"))
        assert facts(ask(world, "DESCRIBE FORMATTED SERVICE rank"))["usage"] == "3"
        (tmp_path / "token").write_text("other")
        told = facts(ask(world, "DESCRIBE FORMATTED SERVICE rank"))
        assert told["(none)"] == "the service does not answer"
        ours.unlink()
        told = facts(ask(world, "DESCRIBE FORMATTED SERVICE rank"))
        assert told["(none)"].endswith("ours-ca.pem, cannot be read: No such file or directory")


def test_figures_of_something_else_are_no_statistics(world: World) -> None:
    with answering(metrics="python_info 1.0\n") as url:
        serve(world, url)
        told = facts(ask(world, "DESCRIBE FORMATTED SERVICE rank"))
    assert told["(none)"] == "the service does not answer"
