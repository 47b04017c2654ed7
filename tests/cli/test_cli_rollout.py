"""``sqlrec rollout``: what a service serves and served; the way back itself is tried in ``tests/e2e``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sqlrec.errors import EXIT_FAILED, EXIT_OK, EXIT_USAGE
from sqlrec.registry.registry import DeployAction
from sqlrec.runtimes.local.services import LocalServiceRuntime
from sqlrec.spec.model import CheckpointKind
from sqlrec.spec.service import Endpoint, ServedModel, ServiceSpec
from tests.cli.conftest import Command
from tests.registries import RANK, model, open_registry, register

SERVER = Path(__file__).parents[1] / "runtimes" / "program_server.py"
URL = "http://127.0.0.1:1/predict"


@pytest.fixture
def changed(project: Path) -> Path:
    """A project whose service ``rank`` was deployed; another deployment of it failed."""
    state = project / ".sqlrec"
    state.mkdir()
    registry = open_registry(state)
    registry.put_model(model())
    exports = [register(registry, state, f"v{n}_export", kind=CheckpointKind.EXPORT) for n in (1, 2)]
    options = {"replicas": "2", "kubernetes.env.token": "secret:token"}
    for number, checkpoint in enumerate(exports):
        entry = registry.begin(
            service="rank",
            action=DeployAction.DEPLOY,
            checkpoint=checkpoint,
            key=f"dag/r{number}/deploy",
            options=options,
        )
        if number:
            registry.fail(entry, error="its server ended with exit status 1\nTrace\nback")
        else:
            registry.finish(entry, url=URL)
    return project


@pytest.fixture
def running(changed: Path) -> Iterator[Endpoint]:
    """The same service as a process."""
    local = LocalServiceRuntime(changed / ".sqlrec" / "services", command=(sys.executable, str(SERVER)))
    spec = ServiceSpec(
        name="rank", models=(ServedModel(model=model(), checkpoint="v1_export", version=1, model_uri="/m"),)
    )
    try:
        yield local.apply(spec, lambda endpoint: None)
    finally:
        local.remove("rank")


def test_status_of_a_service_that_runs(sqlrec: Command, running: Endpoint) -> None:
    told = sqlrec("rollout", "status", "rank")
    assert told.status == EXIT_OK
    lines = [line.split(maxsplit=1) for line in told.out.splitlines()]
    facts = {name: rest for name, rest in lines if name != "last"}
    assert facts["service"] == f"rank is ready at {running.url}"
    assert facts["serves"] == "rank_model v1_export, version 1"
    assert facts["revision"].startswith("1, deploy of 20")
    assert facts["options"] == "replicas = 2, kubernetes.env.token = ******"
    assert "last change  revision 2 failed: its server ended with exit status 1" in told.out
    assert "Trace" not in told.out


def test_status_of_a_service_that_does_not_run_is_a_failure(sqlrec: Command, changed: Path) -> None:
    told = sqlrec("rollout", "status", "rank", "--json")
    assert told.status == EXIT_FAILED
    found = json.loads(told.out)
    assert (found["state"], found["url"]) == ("stopped", "")
    assert (found["revision"]["revision"], found["latest"]["state"]) == (1, "failed")


def test_status_of_a_service_that_was_dropped(sqlrec: Command, changed: Path) -> None:
    registry = open_registry(changed / ".sqlrec")
    served = registry.service("rank")
    assert served is not None
    entry = registry.begin(
        service="rank", action=DeployAction.DROP, checkpoint=served, key="dag/r3/drop", options={}
    )
    registry.finish(entry, url="")
    told = sqlrec("rollout", "status", "rank")
    assert told.status == EXIT_FAILED
    assert "nothing: it was dropped" in told.out


def test_history_lists_every_change(sqlrec: Command, changed: Path) -> None:
    found = json.loads(sqlrec("rollout", "history", "rank", "--json").out)
    assert [(e["revision"], e["checkpoint"], e["state"]) for e in found] == [
        (1, "v1_export", "finished"),
        (2, "v2_export", "failed"),
    ]
    told = sqlrec("rollout", "history", "rank").out
    assert "replicas = 2" in told
    assert "secret:token" not in told + str(found)
    assert "exit status 1" in told


def test_there_is_nothing_to_undo(sqlrec: Command, changed: Path) -> None:
    told = sqlrec("rollout", "undo", "rank")
    assert (told.status, told.out) == (EXIT_FAILED, "")
    assert told.err.startswith("error[SR261]: service rank has no earlier revision to go back to")
    assert "it serves v1_export of model rank_model, as when it was created" in told.err
    told = sqlrec("rollout", "undo", "rank", "--to", "v2_export")
    assert told.err.startswith("error[SR262]: service rank has not served v2_export before")


@pytest.mark.parametrize("action", ["status", "history", "undo"])
def test_a_service_that_never_was(sqlrec: Command, changed: Path, action: str) -> None:
    told = sqlrec("rollout", action, "rnak")
    assert (told.status, told.out) == (EXIT_FAILED, "")
    assert told.err == "error[SR206]: service rnak does not exist\n  = help: Did you mean 'rank'?\n"


def test_a_command_is_needed(sqlrec: Command, project: Path) -> None:
    assert sqlrec("rollout").status == EXIT_USAGE


def test_a_canary_is_shown_and_aborted(sqlrec: Command, changed: Path) -> None:
    told = sqlrec("rollout", "abort", "rank")
    assert told.status == EXIT_FAILED
    assert "error[SR275]: service rank has no canary to abort" in told.err
    registry = open_registry(changed / ".sqlrec")
    checkpoint = registry.checkpoint(RANK, "v2_export")
    assert checkpoint is not None
    entry = registry.begin(
        service="rank",
        action=DeployAction.CANARY,
        checkpoint=checkpoint,
        key="dag/r/canary",
        options={"canary": "10%"},
    )
    registry.finish(entry, url=URL)
    assert "canary  rank_model v2_export, version 2, 10%" in sqlrec("rollout", "status", "rank").out
    told = sqlrec("rollout", "abort", "rank")
    assert told.status == EXIT_OK
    assert told.out == "removed the canary of rank: rank_model v2_export\n"
    found = json.loads(sqlrec("rollout", "status", "rank", "--json").out)
    assert (found["canary"], found["revision"]["checkpoint"], found["drift"]) == (None, "v1_export", [])


def test_a_scale_that_cannot_be(sqlrec: Command, changed: Path) -> None:
    assert sqlrec("rollout", "scale", "rank", "--replicas", "0").status == EXIT_USAGE
    assert sqlrec("rollout", "scale", "rank").status == EXIT_USAGE
    told = sqlrec("rollout", "scale", "rnak", "--replicas", "2")
    assert told.status == EXIT_FAILED
    assert "error[SR206]: service rnak does not exist" in told.err
