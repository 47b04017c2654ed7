"""The values of the chart: every one is described, and what is no value is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.charts.rendering import CHART, RELEASE, Manifest, helm, needs_helm

SCHEMA: Manifest = json.loads((CHART / "values.schema.json").read_text())
DEFAULTS: Manifest = yaml.safe_load((CHART / "values.yaml").read_text())


def resolved(schema: Manifest) -> Manifest:
    name = schema.get("$ref", "").removeprefix("#/definitions/")
    return SCHEMA["definitions"][name] if name else schema


def objects(schema: Manifest, path: str = "") -> Iterator[tuple[str, Manifest]]:
    schema = resolved(schema)
    yield path, schema
    for name, each in schema.get("properties", {}).items():
        yield from objects(each, f"{path}.{name}".lstrip("."))


def leaves(values: Any, path: str = "") -> Iterator[str]:
    if isinstance(values, dict) and values:
        for key, each in values.items():
            yield from leaves(each, f"{path}.{key}".lstrip("."))
    else:
        yield path


def test_every_value_is_described() -> None:
    for path, schema in objects(SCHEMA):
        assert path == "" or schema["description"], path


def test_nothing_else_is_a_value() -> None:
    for path, schema in objects(SCHEMA):
        if schema["type"] == "object":
            assert "additionalProperties" in schema, path
            assert schema["additionalProperties"] is not True


def test_defaults_and_schema_name_the_same_values() -> None:
    described = dict(objects(SCHEMA))
    assert set(leaves(DEFAULTS)) <= described.keys()
    free = {path for path, schema in described.items() if schema["type"] != "object"}
    amounts = {path for path in free if ".requests." in path or ".limits." in path}
    assert free - amounts <= set(leaves(DEFAULTS))


@needs_helm
@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("networkPolicy.enabled=true", "networkPolicy"),
        ("airflow.scheduler.replica=2", "replica"),
        ("airflow.executor=CeleryExecutor", "executor"),
        ("airflow.scheduler.replicas=0", "replicas"),
        ("images.job.tag=latest", "tag"),
        ("images.job.pullPolicy=Sometimes", "pullPolicy"),
        ("project.size=lots", "size"),
        ("runAsUser=0", "runAsUser"),
        ("airflow.secret=", "secret"),
        ("airflow.users=ada:owner", "users"),
        ("airflow.config.AIRFLOW__CORE__FERNET_KEY=abc", "FERNET_KEY"),
        ("airflow.config.SQLREC_RUNTIME=local", "SQLREC_RUNTIME"),
        ("networkPolicies.egress.cidrs[0]=everywhere", "cidrs"),
        ("database.password=abc", "password"),
    ],
)
def test_what_is_no_value_is_refused(setting: str, complaint: str) -> None:
    done = helm("template", RELEASE, str(CHART), "--set", setting)
    assert done.returncode != 0
    assert complaint in done.stderr


@needs_helm
@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ("scripts.source=git", "scripts.git.repository"),
        ("mlflow.enabled=false", "mlflow.url"),
        ("workloads.createNamespace=true", "workloads.namespace"),
    ],
)
def test_what_is_missing_is_named(settings: str, complaint: str) -> None:
    done = helm("template", RELEASE, str(CHART), "--set", settings)
    assert done.returncode != 0
    assert complaint in done.stderr
