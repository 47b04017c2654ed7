"""Models that are ready when they are created: AS query, files, URLs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlrec.artifacts.folder import publish, staging, write_signature
from sqlrec.errors import NameNotFoundError, OptionError, SchemaError, StateError
from sqlrec.execution.outcome import Outcome
from sqlrec.plan.plan import DefineModelStep, DeployStep
from sqlrec.runtimes.local.services import LocalServiceRuntime
from sqlrec.spec.job import ImportWork, JobResult, JobSpec, TrainWork
from sqlrec.spec.model import CheckpointKind
from sqlrec.spec.names import ModelName
from sqlrec.spec.service import ExternalServiceSpec, ServiceState
from sqlrec.spec.signature import InputColumn
from tests.execution.steps import World, make_world, server, signature, steps_of, work
from tests.http_server import Handler, listening

AS = """
CREATE MODEL ctr WITH (model = 'tzrec.wide_and_deep', label_columns = 'is_click')
  AS SELECT user_id, age, is_click FROM samples WHERE age > 0;
CREATE SERVICE rank ON MODEL ctr;
"""
FILE = """
CREATE MODEL file INPUT (user_id BIGINT) OUTPUT (probs FLOAT)
  WITH (type = 'import', format = 'ONNX', path = 'models/a.onnx', batch_size = 7, inference_threads = 3);
CREATE SERVICE rank ON MODEL file;
"""
URL = """
CREATE MODEL far (user_id BIGINT, age INT, is_click INT)
  WITH (model = 'external', output_columns = 'probs:float', label_columns = 'is_click', batch_size = 1,
        url = 'http://127.0.0.1:9/predict', header.authorization = '{{ secret.token }}');
CREATE SERVICE rank ON MODEL far WITH (url = 'URL');
CACHE TABLE scored AS CALL call_service('rank', samples);
SELECT probs FROM ML_PREDICT(TABLE samples, MODEL far, DESCRIPTOR(user_id, age));
DROP SERVICE rank;
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    (tmp_path / "data").mkdir()
    table = pa.table({"user_id": [1, 2, 3], "age": pa.array([2, 3, 0], pa.int32()), "is_click": [0, 1, 1]})
    pq.write_table(table, tmp_path / "data" / "samples.parquet")
    with server(lambda rows: {"probs": [0.25] * len(rows)}) as url:
        yield make_world(tmp_path, url)


def run(world: World, script: str, run_id: str = "r1", *only: str) -> dict[str, Outcome]:
    steps = steps_of(script)
    return {name: world.run(step, run_id) for name, step in steps.items() if not only or name in only}


def test_as_query_gives_the_model_its_columns_and_a_checkpoint_to_serve(world: World) -> None:
    done = run(world, AS)
    model = world.registry.model(ModelName.of("ctr"))
    assert model is not None
    assert [(f.name, str(f.type)) for f in model.columns] == [
        ("user_id", "BIGINT"),
        ("age", "INT"),
        ("is_click", "BIGINT"),
    ]
    assert (model.features.names, model.outputs.names) == (("user_id", "age"), ("probs",))
    trained = next(job.spec.work for job in world.jobs.jobs.values() if isinstance(job.spec.work, TrainWork))
    assert trained.model == model
    assert [c.name for c in world.registry.checkpoints(model.name)] == ["initial", "initial_export"]
    assert done["deploy_rank"].facts["checkpoint"] == "initial_export"


def test_what_an_earlier_run_made_is_kept_even_when_its_table_is_gone(world: World, tmp_path: Path) -> None:
    run(world, AS, "r1", "define_ctr", "train_ctr", "export_ctr")
    script = AS.replace("MODEL ctr WITH", "MODEL IF NOT EXISTS ctr WITH")
    for number, text in enumerate((AS, script)):
        done = run(world, text, f"k{number}", "define_ctr", "train_ctr", "export_ctr")
        assert done["define_ctr"].message == "kept model ctr"
        assert done["train_ctr"].message == "kept initial (version 1) of ctr"
        assert done["export_ctr"].message == "kept initial_export (version 2) of ctr"
    (tmp_path / "data" / "samples.parquet").unlink()
    assert run(world, AS, "r3", "define_ctr")["define_ctr"].message == "kept model ctr"
    assert len(world.jobs.jobs) == 2


def test_or_replace_trains_again_and_the_newest_export_is_served(world: World) -> None:
    run(world, AS)
    again = AS.replace("CREATE", "CREATE OR REPLACE")
    done = run(world, again, "r2")
    assert [c.version for c in world.registry.checkpoints(ModelName.of("ctr"))] == [1, 2, 3, 4]
    assert done["deploy_rank"].facts["version"] == "4"


def test_an_export_of_an_older_training_is_not_kept(world: World) -> None:
    run(world, AS, "r1", "define_ctr", "train_ctr", "export_ctr")
    world.registry.drop_checkpoint(ModelName.of("ctr"), "initial")
    done = run(world, AS, "r2", "define_ctr", "train_ctr", "export_ctr")
    assert done["train_ctr"].message == "registered initial (version 3) of ctr"
    assert done["export_ctr"].message == "registered initial_export (version 4) of ctr"


def test_another_query_is_another_definition(world: World) -> None:
    run(world, AS, "r1", "define_ctr")
    with pytest.raises(StateError, match="SR201"):
        run(world, AS.replace("age > 0", "age > 1"), "r2", "define_ctr")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT user_id, age FROM samples", "SR450"),
        ("SELECT is_click FROM samples", "SR422"),
        ("SELECT MAP {'a': 1} AS m, is_click FROM samples", "SR423"),
        ("SELECT nothing FROM samples", "SR402"),
    ],
)
def test_a_query_that_the_type_cannot_take_registers_nothing(world: World, query: str, code: str) -> None:
    script = AS.replace("SELECT user_id, age, is_click FROM samples WHERE age > 0", query)
    with pytest.raises((SchemaError, NameNotFoundError)) as caught:
        run(world, script, "r1", "define_ctr")
    assert caught.value.code == code
    assert world.registry.models() == ()


def bring(job: JobSpec, say: Any) -> None:
    """An import as far as execution sees it."""
    assert isinstance(job.work, ImportWork)
    output = Path(job.output_uri)
    output.parent.mkdir(parents=True, exist_ok=True)
    folder = staging(output)
    write_signature(folder, replace(signature("imported"), inputs=INPUTS))
    publish(folder, output, JobResult())


INPUTS: tuple[InputColumn, ...] = signature("").inputs[:1]


def test_a_file_is_imported_once_and_served_without_naming_it(world: World, tmp_path: Path) -> None:
    world.jobs.program = bring
    done = run(world, FILE)
    (job,) = world.jobs.jobs.values()
    assert isinstance(job.spec.work, ImportWork)
    assert job.spec.work.source_uri == str(tmp_path / "models" / "a.onnx")
    (made,) = world.registry.checkpoints(ModelName.of("file"))
    assert (made.name, made.kind, made.facts["tables"]) == (
        "imported",
        CheckpointKind.EXPORT,
        str(tmp_path / "models" / "a.onnx"),
    )
    assert done["deploy_rank"].facts["checkpoint"] == "imported"
    (spec,) = world.services.applied
    assert spec.resources.cpu == "3"
    assert "kept imported" in run(world, FILE, "r2", "import_file")["import_file"].message
    assert len(world.jobs.jobs) == 1


@contextmanager
def guarded(asked: list[int]) -> Iterator[str]:
    """A server that wants a token, and notes the sizes of requests."""

    class Guarded(Handler):
        def do_POST(self) -> None:
            rows = json.loads(self.body())
            known = self.headers["Authorization"] == "Bearer hush"
            size = len(rows) if isinstance(rows, list) else 0
            asked.append(size)
            answer = {"probs": [0.5] * size} if known else {}
            self.answer(200 if known else 401, json.dumps(answer).encode())

    with listening(Guarded) as url:
        yield f"{url}/predict"


def test_an_external_service_is_asked_with_its_secret(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQLREC_SECRET_TOKEN", "Bearer hush")
    asked: list[int] = []
    with guarded(asked) as url:
        done = run(world, URL.replace("URL", url))
    assert done["deploy_rank"].facts == {
        "service": "rank",
        "url": url,
        "model": "far",
        "checkpoint": "external",
        "version": "1",
    }
    assert f"{url} answers" in world.said
    assert done["score_scored"].rows == 3
    assert [size for size in asked if size] == [1] * 7
    assert world.registry.service("rank") is None
    assert world.services.applied == [], "nothing is started"
    assert "hush" not in str(done) + str(world.said) + str(world.registry.history("rank"))


def test_an_external_service_that_does_not_answer_is_registered_with_a_warning(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQLREC_SECRET_TOKEN", "x")
    run(world, URL.replace("URL", "http://127.0.0.1:9/predict"), "r1", "define_far", "deploy_rank")
    assert any(line.startswith("warning: service rank at http://127.0.0.1:9") for line in world.said)
    assert world.registry.service("rank") is not None


def test_a_changed_definition_of_an_external_model_is_another_version(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQLREC_SECRET_TOKEN", "x")
    script = URL.replace("URL", "http://127.0.0.1:9/predict").replace("CREATE", "CREATE OR REPLACE")
    for number, text in enumerate((script, script, script.replace("batch_size = 1", "batch_size = 2"))):
        run(world, text, f"r{number}", "define_far", "deploy_rank")
    assert [c.version for c in world.registry.checkpoints(ModelName.of("far"))] == [1, 2]


def test_an_external_service_needs_a_url_when_it_runs(world: World) -> None:
    step = steps_of(
        URL.replace("URL", "http://h/p").replace("header.authorization = '{{ secret.token }}'", "tag = 'a'")
    )
    define, deploy = step["define_far"], step["deploy_rank"]
    world.run(define)
    assert isinstance(deploy, DeployStep)
    with pytest.raises(OptionError, match="SR465"):
        world.run(replace(deploy, options={"url": "ftp://h"}))
    assert world.registry.service("rank") is None


def test_the_local_runtime_notes_a_service_that_runs_elsewhere(tmp_path: Path, world: World) -> None:
    runtime = LocalServiceRuntime(tmp_path / "services")
    define, *_ = steps_of(URL.replace("URL", "http://h/p")).values()
    assert isinstance(define, DefineModelStep)
    spec = ExternalServiceSpec(
        name="far", url="http://h/p", model=define.model, checkpoint="external", version=1
    )
    seen: list[str] = []
    for wanted in (spec, spec, replace(spec, url="http://h/q", version=2)):
        runtime.apply(wanted, lambda endpoint: seen.append(endpoint.url))
    assert seen == ["http://h/p", "http://h/q"]
    (found,) = runtime.endpoints()
    assert (found.url, found.state, found.version) == ("http://h/q", ServiceState.READY, 2)
    assert found.detail == "runs elsewhere"
    runtime.stop("far")
    stopped = runtime.endpoint("far")
    assert stopped is not None
    assert stopped.state is ServiceState.STOPPED
    runtime.remove("far")
    assert runtime.endpoints() == ()


def test_one_tower_is_asked_for_its_own_columns(world: World) -> None:
    def half(job: JobSpec, say: Any) -> None:
        work(job, say)
        path = Path(job.output_uri)
        if (path / "signature.json").exists():
            (path / "result.json").unlink()
            write_signature(path, replace(signature("initial_export"), inputs=INPUTS))
            folder = staging(path)
            write_signature(folder, replace(signature("initial_export"), inputs=INPUTS))
            publish(folder, path, JobResult())

    world.jobs.program = half
    script = AS + "SELECT probs FROM ML_PREDICT(TABLE samples, MODEL ctr, DESCRIPTOR(user_id));"
    done = run(world, script)
    assert done["select_samples"].rows == 3
