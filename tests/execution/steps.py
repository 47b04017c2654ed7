"""A model, its steps and an environment over fakes, for the tests of execution."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlrec.artifacts.folder import publish, staging, write_signature
from sqlrec.errors import JobError
from sqlrec.execution.environment import Environment
from sqlrec.execution.key import RunKey
from sqlrec.execution.outcome import Outcome
from sqlrec.execution.run_step import run_step
from sqlrec.plan.build import build_plan
from sqlrec.plan.plan import Step
from sqlrec.runtimes.runtime import Change, Deployable, Verify
from sqlrec.settings import load
from sqlrec.spec.job import ExportWork, JobResult, JobSpec
from sqlrec.spec.schema import DataType
from sqlrec.spec.service import Endpoint, ExternalServiceSpec, ServiceSpec, ServiceState
from sqlrec.spec.signature import InputColumn, OutputColumn, Signature, Variant
from tests.fakes import FakeJobRuntime, FakeRegistry
from tests.http_server import Handler, listening

MODEL = """
CREATE MODEL ctr (user_id BIGINT, age INT, is_click INT)
  WITH (model = 'tzrec.wide_and_deep', label_columns = 'is_click');
"""


def steps_of(text: str) -> dict[str, Step]:
    """Steps of a script by id."""
    return {step.id: step for step in build_plan(text, path="s.sql", name="s").steps}


def work(job: JobSpec, say: Callable[[str], None]) -> None:
    """A job that publishes what a real one would, with next to nothing in it."""
    say(f"{job.kind} begins")
    output = Path(job.output_uri)
    output.parent.mkdir(parents=True, exist_ok=True)
    folder = staging(output)
    (folder / "model.bin").write_text(job.id)
    if isinstance(job.work, ExportWork):
        write_signature(folder, signature(job.work.checkpoint))
    publish(folder, output, JobResult(rows=3, seconds=0.5, metrics={"auc": 0.75}))


def signature(checkpoint: str) -> Signature:
    """What an export of the model takes and gives."""
    bigint, number = DataType.parse("BIGINT"), DataType.parse("FLOAT")
    return Signature(
        model="ctr",
        type="tzrec.wide_and_deep",
        checkpoint=checkpoint,
        inputs=(
            InputColumn(name="user_id", type=bigint, tensor="int64"),
            InputColumn(name="age", type=DataType.parse("INT"), tensor="int64"),
        ),
        outputs=(OutputColumn(name="probs", type=number),),
        variants={"fp32": Variant(file="model.onnx", bytes=1)},
        sample=({"user_id": 1, "age": 2}, {"user_id": 2, "age": None}),
    )


@contextmanager
def server(answer: Callable[[list[dict[str, Any]]], object]) -> Iterator[str]:
    """A predict server on a free port that answers rows with ``answer(rows)``; gives its URL."""

    class Predictions(Handler):
        def do_POST(self) -> None:
            is_json = self.headers["Content-Type"] == "application/json"
            rows = self.body()
            if is_json:
                self.answer(200, json.dumps(answer(json.loads(rows))).encode())
            else:
                self.answer(415)

    with listening(Predictions) as url:
        yield f"{url}/predict"


def probabilities(rows: list[dict[str, Any]]) -> object:
    """A probability a row."""
    return {"probs": [0.25] * len(rows)}


@dataclass
class Services:
    """``ServiceRuntime`` whose every service is the server at ``url``."""

    url: str
    running: dict[str, Endpoint] = field(default_factory=dict)
    applied: list[ServiceSpec] = field(default_factory=list)
    canaries: dict[str, tuple[ServiceSpec, float]] = field(default_factory=dict)

    def lock(self, name: str) -> AbstractContextManager[None]:
        return nullcontext()

    def canary(self, service: ServiceSpec, share: float, verify: Verify) -> Endpoint:
        stable = self.running[service.name]
        try:
            verify(stable)
        except Exception as error:
            raise JobError("SR506", f"the canary of {service.name} was not deployed: {error}") from error
        self.canaries[service.name] = service, share
        return replace(stable, checkpoint=service.checkpoint, version=service.version)

    def end_canary(self, name: str) -> None:
        self.canaries.pop(name, None)

    def drift(self, name: str) -> tuple[Change, ...]:
        return ()

    def stop(self, name: str) -> None:
        self.running[name] = replace(self.running[name], state=ServiceState.STOPPED)

    def apply(self, service: Deployable, verify: Verify) -> Endpoint:
        if isinstance(service, ServiceSpec):
            self.applied.append(service)
        endpoint = Endpoint(
            name=service.name,
            url=service.url if isinstance(service, ExternalServiceSpec) else self.url,
            state=ServiceState.READY,
            checkpoint=service.checkpoint,
            version=service.version,
        )
        try:
            verify(endpoint)
        except Exception as error:
            raise JobError("SR506", f"service {service.name} was not deployed: {error}") from error
        self.running[service.name] = endpoint
        return endpoint

    def endpoint(self, name: str) -> Endpoint | None:
        return self.running.get(name)

    def endpoints(self) -> tuple[Endpoint, ...]:
        return tuple(self.running.values())

    def logs(self, name: str, lines: int = 50) -> str:
        return ""

    def remove(self, name: str) -> None:
        self.running.pop(name, None)


@dataclass
class World:
    """An environment over fakes, and what tests look at."""

    env: Environment
    registry: FakeRegistry
    jobs: FakeJobRuntime
    services: Services
    said: list[str] = field(default_factory=list)

    def run(self, step: Step, run_id: str = "r1") -> Outcome:
        """Run a step of a run."""
        key = RunKey(dag_id="s", run_id=run_id, task_id=step.id)
        return run_step(step, self.env, key=key, report=self.said.append)


def make_world(folder: Path, url: str = "http://127.0.0.1:9/predict") -> World:
    """A world whose project is ``folder``."""
    registry, jobs, services = FakeRegistry(), FakeJobRuntime(work), Services(url)
    env = Environment(
        settings=load(folder, environ={}),
        make_registry=lambda settings: registry,
        make_jobs=lambda settings: jobs,
        make_services=lambda settings: services,
    )
    return World(env=env, registry=registry, jobs=jobs, services=services)
