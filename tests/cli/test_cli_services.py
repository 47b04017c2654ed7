"""``sqlrec services``: listed, read and stopped; the server is a small stand-in that really runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sqlrec.errors import EXIT_FAILED
from sqlrec.runtimes.local.services import LocalServiceRuntime
from sqlrec.spec.service import Endpoint, ServedModel, ServiceSpec, ServiceState
from tests.cli.conftest import Command
from tests.registries import model

SERVER = Path(__file__).parents[1] / "runtimes" / "program_server.py"


@pytest.fixture
def running(project: Path) -> Iterator[Endpoint]:
    """A service ``rank``."""
    local = LocalServiceRuntime(project / ".sqlrec" / "services", command=(sys.executable, str(SERVER)))
    spec = ServiceSpec(
        name="rank", models=(ServedModel(model=model(), checkpoint="v1_export", version=2, model_uri="/m"),)
    )
    try:
        yield local.apply(spec, lambda endpoint: None)
    finally:
        local.remove("rank")


def test_no_services(sqlrec: Command, project: Path) -> None:
    assert json.loads(sqlrec("services", "--json").out) == []
    told = sqlrec("services")
    assert (told.status, told.out) == (0, f"no services in the project {project}\n")
    assert sqlrec("services", "stop", "--all").status == 0


def test_a_service_is_listed(sqlrec: Command, running: Endpoint) -> None:
    (found,) = json.loads(sqlrec("services", "--json").out)
    assert (found["name"], found["state"], found["url"]) == ("rank", "ready", running.url)
    assert ["rank", "ready", "v1_export", "2", running.url] in map(
        str.split, sqlrec("services").out.splitlines()
    )


def test_its_log_is_shown(sqlrec: Command, running: Endpoint) -> None:
    assert "loading" in sqlrec("services", "logs", "rank").out
    assert len(sqlrec("services", "logs", "rank", "-n", "1").out.splitlines()) == 1


@pytest.mark.parametrize("arguments", [["rank"], ["--all"]])
def test_a_stopped_service_stays_listed(sqlrec: Command, running: Endpoint, arguments: list[str]) -> None:
    assert sqlrec("services", "stop", *arguments).out == "stopped rank\n"
    (found,) = json.loads(sqlrec("services", "--json").out)
    assert found["state"] == ServiceState.STOPPED


@pytest.mark.parametrize("action", ["stop", "logs"])
def test_a_service_that_does_not_exist(sqlrec: Command, running: Endpoint, action: str) -> None:
    told = sqlrec("services", action, "rnak")
    assert (told.status, told.out) == (EXIT_FAILED, "")
    assert told.err == "error[SR206]: service rnak does not run here\n  = help: Did you mean 'rank'?\n"


def test_none_is_stopped_when_one_name_is_wrong(sqlrec: Command, running: Endpoint) -> None:
    assert sqlrec("services", "stop", "rank", "other").status == EXIT_FAILED
    assert json.loads(sqlrec("services", "--json").out)[0]["state"] == "ready"
