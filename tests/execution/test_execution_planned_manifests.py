"""What ``sqlrec plan --manifests`` shows is what a run gives to the cluster, save what a run decides."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from sqlrec.errors import OptionError, SetupError
from sqlrec.execution.planned_manifests import PlannedManifests, planned_manifests
from sqlrec.plan.build import build_plan
from sqlrec.plan.catalog import OpenCatalog
from sqlrec.plan.plan import Plan
from sqlrec.runtimes.kubernetes.job import job_manifests, pod_manifest
from sqlrec.runtimes.kubernetes.service import service_manifests
from sqlrec.settings import Cluster, Settings, load
from sqlrec.spec.service import Endpoint, ServiceSpec, ServiceState
from tests.execution.steps import MODEL, make_world, server
from tests.manifests import problems

SCRIPT = f"""{MODEL}
TRAIN MODEL ctr CHECKPOINT = 'v1' ON clicks
  WITH (nnodes = 2, pod_gpus = 1, kubernetes.label.team = 'ads', kubernetes.env.T = '{{{{ secret.hub }}}}');
EXPORT MODEL ctr CHECKPOINT = 'v1' ON clicks WITH (pod_memory = '512Mi');
CREATE SERVICE live_one ON MODEL ctr CHECKPOINT = 'v1_export' WITH (replicas = 2, NAMESPACE = 'live');
"""
GOLDEN = Path(__file__).parents[1] / "golden" / "manifests" / "planned.yaml"
CLUSTER = Cluster(job_image="sqlrec/job:1", server_image="sqlrec/server:1", volume="host:/", mount="/")


def plan_of(script: str) -> Plan:
    return build_plan(script, path="s.sql", name="s")


def shown(script: str, settings: Settings) -> PlannedManifests:
    return planned_manifests(plan_of(script), OpenCatalog(), settings)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    cluster = replace(CLUSTER, volume=f"host:{tmp_path}", mount=str(tmp_path))
    return replace(load(tmp_path, environ={}), runtime="kubernetes", kubernetes=cluster)


def decided(manifest: Any) -> Any:
    """A manifest of a run with what the run decided taken out."""
    text = json.dumps(manifest)
    text = re.sub(r'("sqlrec\.io/(run|job|version|revision|digest)"): "[^"]*"', r'\1: "<\2>"', text)
    text = re.sub(r"(ctr-v1(?:-export)?)-[0-9a-f]{10}", r"\1-<run>", text)
    return json.loads(re.sub(r"(live-one|api-dear-items-\w{10})-[0-9a-f]{10}", r"\1-<digest>", text))


def test_what_is_shown_is_what_a_run_renders(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "clicks.csv").write_text("user_id,age,is_click\n1,2,0\n")
    with server(lambda rows: {"probs": [0.5] * len(rows)}) as url:
        world = make_world(tmp_path, url)
        world = replace(world, env=replace(world.env, settings=settings))
        for step in plan_of(SCRIPT).steps:
            world.run(step, "manual__2026-11-21T20:18:52+00:00")
    rendered: list[Any] = []
    train, export = (known.spec for known in world.jobs.jobs.values())
    made = job_manifests(train, settings.kubernetes)
    rendered += [made.job, made.headless, pod_manifest(export, settings.kubernetes)]
    (service,) = world.services.applied
    assert isinstance(service, ServiceSpec)
    served = service_manifests(service, settings.kubernetes)
    rendered += (served.deployment, *served.others)
    planned = shown(SCRIPT, settings)
    assert planned.notes == ()
    assert [*planned.manifests] == [decided(manifest) for manifest in rendered]
    assert [m["kind"] for m in planned.manifests] == [
        "Job",
        "Service",
        "Pod",
        "Deployment",
        "Service",
        "PodDisruptionBudget",
    ]


def test_what_is_shown_is_valid_once_it_is_decided(settings: Settings) -> None:
    text = re.sub(r"<(\w+)>", r"\1", json.dumps(shown(SCRIPT, settings).manifests))
    assert problems(json.loads(text)) == []


def test_what_a_template_decides_has_a_placeholder(settings: Settings) -> None:
    script = SCRIPT.replace("'v1'", "'{{ ds_nodash }}'").replace("'v1_export'", "'{{ ds_nodash }}_export'")
    script = script.replace("'512Mi'", "'{{ var.value.memory }}'")
    planned = shown(script, settings)
    names = [m["metadata"]["name"] for m in planned.manifests]
    train, export = "ctr-<checkpoint>-<run>-job", "ctr-<checkpoint>-export-<run>"
    assert names[:3] == [train, f"{train}-headless", export]
    labels = [m["metadata"]["labels"]["sqlrec.io/checkpoint"] for m in planned.manifests]
    assert set(labels) == {"<checkpoint>"}
    assert planned.notes == ("export_ctr: option pod_memory is rendered by the run",)


def test_a_model_that_is_not_known_is_told(settings: Settings) -> None:
    planned = shown("TRAIN MODEL other CHECKPOINT = 'v1' ON clicks;", settings)
    assert planned == PlannedManifests(manifests=(), notes=("train_other: model other is not known here",))


def test_branches_and_evaluations_have_their_jobs(settings: Settings) -> None:
    script = f"""{MODEL}
TRAIN MODEL ctr CHECKPOINT = 'v1' ON clicks;
IF (SELECT TRUE) THEN (EVALUATE MODEL ctr CHECKPOINT = 'v1' ON clicks)
  ELSE (EXPORT MODEL ctr CHECKPOINT = 'v1');
"""
    found = [
        (m["kind"], m["metadata"]["labels"]["app.kubernetes.io/component"])
        for m in shown(script, settings).manifests
    ]
    assert found == [("Pod", "train"), ("Job", "evaluate"), ("Job", "export")], "IF follows Jobs itself"


def test_a_service_that_somebody_else_runs_has_no_objects(settings: Settings) -> None:
    script = """CREATE MODEL far (a BIGINT)
  WITH (model = 'external', output_columns = 'p:float', url = 'http://far/predict');
CREATE SERVICE there ON MODEL far;
"""
    assert shown(script, settings) == PlannedManifests(manifests=(), notes=())


def test_what_cannot_be_rendered_is_an_error(settings: Settings) -> None:
    script = (
        f"{MODEL}TRAIN MODEL ctr CHECKPOINT = 'v1' ON clicks WITH ('kubernetes.volume.a' = 'pvc:a:{{}}');"
    )
    with pytest.raises(OptionError) as caught:
        shown(script.format(settings.kubernetes.mount), settings)
    assert caught.value.code == "SR374"


def test_a_file_is_imported_and_served_whatever_its_checkpoint_is_called(settings: Settings) -> None:
    script = """CREATE MODEL file INPUT (user_id BIGINT) OUTPUT (probs FLOAT)
  WITH (type = 'import', format = 'ONNX', path = 'models/a.onnx', inference_threads = 3);
CREATE SERVICE rank ON MODEL file;
"""
    job, deployment, _ = shown(script, settings).manifests
    assert job["metadata"]["name"] == "file-imported-import-<run>"
    assert deployment["metadata"]["labels"]["sqlrec.io/checkpoint"] == "<checkpoint>"
    for pod in (job["spec"], deployment["spec"]["template"]["spec"]):
        (container,) = pod["containers"]
        assert container["resources"]["requests"]["cpu"] == "3"


API = """CREATE TABLE items (id BIGINT, price DOUBLE) WITH (connector = 'csv', path = 'data/items.csv');
CREATE SQL FUNCTION dear;
DEFINE INPUT TABLE wanted (least DOUBLE);
CACHE TABLE found AS SELECT id, price FROM items, wanted WHERE price >= least;
RETURN found;
CREATE API dear_items WITH dear WITH (replicas = 3, pod_cpu_cores = 2, kubernetes.label.team = 'ads',
  auth_token_env = 'T', 'kubernetes.env.T' = '{{ secret.token }}');
"""


def test_an_api_is_shown_as_it_will_be_made(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "items.csv").write_text("id,price\n1,2.5\n")
    world = make_world(tmp_path)
    world = replace(world, env=replace(world.env, settings=settings))
    applied: list[Any] = []

    def apply(service: Any, verify: object) -> Endpoint:
        applied.append(service)
        return Endpoint(name=service.name, url="http://api", state=ServiceState.READY)

    world.services.apply = apply  # type: ignore[method-assign]
    for step in plan_of(API).steps:
        world.run(step)
    (api,) = applied
    made = service_manifests(api, settings.kubernetes)
    planned = shown(API, settings)
    assert planned.notes == ()
    assert [*planned.manifests] == [decided(manifest) for manifest in (made.deployment, *made.others)]
    assert [m["kind"] for m in planned.manifests] == ["Deployment", "Service", "PodDisruptionBudget"]


def test_an_api_whose_tables_no_pod_sees_is_an_error(settings: Settings) -> None:
    with pytest.raises(SetupError) as caught:
        shown(API, replace(settings, kubernetes=replace(settings.kubernetes, volume="")))
    assert caught.value.code == "SR595"


def test_what_only_a_run_knows_of_a_service_is_told(settings: Settings) -> None:
    script = f"""{MODEL}
CREATE SERVICE live_one ON MODEL ctr CHECKPOINT = 'v1_export';
ALTER SERVICE live_one SET CHECKPOINT = 'v2_export' WITH (canary = '10%');
CREATE SQL FUNCTION f;
DEFINE INPUT TABLE users (user_id BIGINT, age INT);
CACHE TABLE r AS CALL call_service('live_one', users);
RETURN r;
CREATE API score WITH f;
"""
    assert shown(script, settings).notes == (
        "alter_service_live_one: what it changes of service live_one is decided by the run",
        "define_api_score: secrets that service live_one asks for are found by the run",
    )


def test_all_of_a_script_is_the_golden_one(settings: Settings, request: pytest.FixtureRequest) -> None:
    """A training on two machines, an export in a pod, one within IF, a service and an API."""
    place = Path("/srv/project")
    cluster = replace(settings.kubernetes, volume="pvc:files", mount=str(place))
    script = f"{SCRIPT}IF (SELECT TRUE) THEN (EXPORT MODEL ctr CHECKPOINT = 'v1');\n{API}"
    found = shown(script, replace(settings, project=place, kubernetes=cluster))
    text = yaml.safe_dump_all(found.manifests, sort_keys=False, allow_unicode=True, width=1000)
    if request.config.getoption("--update-golden"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text(), f"{GOLDEN.name} differs: update with --update-golden"
