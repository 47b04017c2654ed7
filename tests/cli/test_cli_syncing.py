"""``sqlrec services sync``, with a real registry, real servers, and aliases that move in MLflow alone."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sqlrec.errors import EXIT_FAILED, EXIT_OK
from sqlrec.execution.environment import Environment
from sqlrec.execution.key import RunKey
from sqlrec.execution.run_step import run_step
from sqlrec.plan.changes import SetAlias
from sqlrec.plan.plan import AlterModelStep, DeployStep
from sqlrec.runtimes.local.services import LocalServiceRuntime
from sqlrec.settings import load
from sqlrec.spec.model import Checkpoint, CheckpointKind
from tests.cli.conftest import Command
from tests.registries import RANK, columns, export_output, model, open_registry

pytestmark = pytest.mark.ml
SAMPLE: tuple[dict[str, object], ...] = ({"user_id": 2, "price": 0.5},)


@pytest.fixture
def exports(project: Path) -> dict[int, Checkpoint]:
    """Versions 1 and 2 of a model, registered; version n answers n for the sample row."""
    state = project / ".sqlrec"
    state.mkdir()
    registry = open_registry(state)
    registry.put_model(
        replace(
            model(),
            columns=columns(user_id="BIGINT", price="DOUBLE", clicked="INT"),
            options={"model": "tzrec.wide_and_deep", "label_columns": "clicked"},
        )
    )
    made = {}
    for n in (1, 2):
        files, result = export_output(state / "jobs" / str(n), float(n), SAMPLE)
        made[n] = registry.register(
            model=RANK,
            name=f"v{n}_export",
            kind=CheckpointKind.EXPORT,
            folder=files,
            result=result,
            key=f"dag/r/{n}",
        )
    return made


@pytest.fixture
def env(project: Path, exports: dict[int, Checkpoint]) -> Iterator[Environment]:
    """``@prod`` is version 1, and the service ``rank`` follows it."""
    environment = Environment(settings=load(project, environ={}))
    environment.registry.set_alias("prod", exports[1])
    step = DeployStep(
        id="deploy", line=1, sql="", service="rank", model=RANK, checkpoint="", options={"follow": "@prod"}
    )
    key = RunKey(dag_id="d", run_id="r1", task_id="deploy")
    run_step(step, environment, key=key, report=lambda line: None)
    yield environment
    environment.services.remove("rank")


def answer(env: Environment) -> tuple[float, int]:
    """What the service answers, and from which process."""
    endpoint = env.services.endpoint("rank")
    assert endpoint is not None
    with urllib.request.urlopen(endpoint.url, json.dumps(SAMPLE).encode(), timeout=20) as reply:
        (value,) = json.load(reply)["probs"]
    with urllib.request.urlopen(endpoint.url.replace("/predict", "/healthz"), timeout=20) as reply:
        return float(value), int(json.load(reply)["pid"])


def test_a_service_catches_up_live_and_is_rolled_back_live(
    sqlrec: Command, env: Environment, exports: dict[int, Checkpoint]
) -> None:
    _, process = answer(env)
    told = sqlrec("services", "sync")
    assert (told.status, told.out) == (EXIT_OK, "rank: serves v1_export (version 1), @prod\n")

    env.registry.set_alias("prod", exports[2])
    assert answer(env) == (1.0, process), "nobody told the service"
    told = sqlrec("services", "sync", "rank", "--json")
    (moved,) = json.loads(told.out)
    assert (told.status, moved["state"], moved["alias"]) == (EXIT_OK, "moved", "@prod")
    assert answer(env) == (2.0, process), "the same process serves the new version"

    assert sqlrec("rollout", "undo", "rank").status == EXIT_OK
    assert answer(env) == (1.0, process), "so it does after a rollback"
    assert sqlrec("services", "sync").out == "", "which ends following"
    told = sqlrec("services", "sync", "rank")
    assert told.err.startswith("error[SR206]: no service rank follows an alias")
    history = [(d.checkpoint, d.action.value) for d in env.registry.history("rank")]
    assert history == [("v1_export", "deploy"), ("v2_export", "deploy"), ("v1_export", "rollback")]
    assert isinstance(env.services, LocalServiceRuntime)


def test_what_cannot_be_served_is_told_and_the_service_goes_on(
    sqlrec: Command, env: Environment, exports: dict[int, Checkpoint]
) -> None:
    (Path(exports[2].uri.removeprefix("file://")) / "model.onnx").write_bytes(b"damaged")
    env.registry.set_alias("prod", exports[2])
    told = sqlrec("services", "sync")
    assert told.status == EXIT_FAILED
    assert "rank: [SR506]" in told.out
    assert "changed after its export" in told.out
    assert answer(env)[0] == 1.0
    step = AlterModelStep(
        id="point", line=1, sql="", model=RANK, change=SetAlias(alias="prod", checkpoint="v1_export")
    )
    key = RunKey(dag_id="d", run_id="r2", task_id="point")
    assert run_step(step, env, key=key, report=lambda line: None).facts["checkpoint"] == "v1_export"
    assert sqlrec("services", "sync").status == EXIT_OK
