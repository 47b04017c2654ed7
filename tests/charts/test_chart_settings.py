"""What the chart tells sqlrec and Airflow: settings that exist, and that mean what was meant."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import fields
from pathlib import Path

import pytest

from sqlrec.settings import PREFIX, TABLE, Cluster, Settings, load
from tests.charts.rendering import VALUES, named, needs_helm, of_kind, pods, rendered

pytestmark = needs_helm
every_example = pytest.mark.parametrize("values", VALUES)


def settings_of(values: str, folder: Path) -> Settings:
    return load(folder, named("ConfigMap", "-settings", rendered(values))["data"])


@every_example
def test_every_variable_is_a_setting(values: str) -> None:
    known = {f"{PREFIX}{field.name}".upper() for field in fields(Settings) if field.name != TABLE}
    known |= {f"{PREFIX}{TABLE}_{field.name}".upper() for field in fields(Cluster)}
    written = named("ConfigMap", "-settings", rendered(values))["data"].keys()
    assert written <= known


def test_jobs_run_where_the_chart_says(tmp_path: Path) -> None:
    settings = settings_of("full", tmp_path)
    assert settings.project == Path("/project")
    assert settings.runtime == "kubernetes"
    assert settings.tracking_uri == "http://prod-models-mlflow:5000"
    assert settings.kubernetes == Cluster(
        namespace="models",
        job_image="registry.example.com/sqlrec-job:0.1.0-cu130",
        server_image="registry.example.com/sqlrec-server:0.1.0",
        api_image="registry.example.com/sqlrec-api:0.1.0",
        image_pull_policy="IfNotPresent",
        image_pull_secrets="registry,mirror",
        service_account="prod-models-workload",
        volume="pvc:models-project",
        mount="/project",
        run_as_user="51000",
        deferrable="true",
    )


def test_with_object_storage_pods_elsewhere_need_no_volume(tmp_path: Path) -> None:
    settings = settings_of("external", tmp_path)
    assert settings.model_base_path == "s3://models/sqlrec"
    assert settings.staging == "s3://scratch/sqlrec"
    assert settings.kubernetes.volume == ""
    assert settings.kubernetes.env_from_secrets == "object-storage"
    assert settings.tracking_uri == "https://mlflow.example.com"


def test_keys_of_object_storage_are_given_to_those_who_read_it() -> None:
    given = {
        name
        for name, pod in pods(rendered("kubernetes-executor")).items()
        for source in pod["spec"]["containers"][0].get("envFrom", ())
        if source.get("secretRef") == {"name": "object-storage"}
    }
    assert given == {"worker", "triggerer", "mlflow"}


@every_example
def test_the_project_is_mounted_where_the_settings_say(values: str) -> None:
    objects = rendered(values)
    project = named("ConfigMap", "-settings", objects)["data"]["SQLREC_PROJECT"]
    for component in ("scheduler", "dag-processor", "triggerer", "api-server"):
        pod = named("Deployment", f"-{component}", objects)["spec"]["template"]["spec"]
        assert project in {mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}


@every_example
def test_every_setting_of_airflow_exists(values: str) -> None:
    written = named("ConfigMap", "-airflow", rendered(values))["data"]
    sections = airflow_options()
    for name in written.keys() - {"AIRFLOW_HOME"}:
        _, section, option = name.split("__")
        assert option.lower() in sections[section.lower()], name


def airflow_options() -> dict[str, set[str]]:
    """Options by section: those of Airflow itself, from its own list, read without importing it."""
    spec = importlib.util.find_spec("airflow")
    assert spec is not None
    assert spec.submodule_search_locations
    found: dict[str, set[str]] = {}
    root = Path(spec.submodule_search_locations[0])
    section = ""
    for line in (root / "config_templates" / "config.yml").read_text().splitlines():
        if match := re.fullmatch(r"(\w+):", line):
            section = match[1]
        elif match := re.fullmatch(r"    (\w+):", line):
            found.setdefault(section, set()).add(match[1])
    provider = (root / "providers" / "cncf" / "kubernetes" / "get_provider_info.py").read_text()
    options = provider.partition('"kubernetes_executor": {')[2]
    found["kubernetes_executor"] = set(re.findall(r'"(\w+)": \{', options))
    return found


@every_example
def test_the_loader_is_a_dag_file(values: str) -> None:
    """Airflow looks into files that hold the words only, and the folder is the one that is mounted."""
    (loader,) = (each for each in of_kind("ConfigMap", rendered(values)) if "sqlrec_dags.py" in each["data"])
    text = loader["data"]["sqlrec_dags.py"]
    compile(text, "sqlrec_dags.py", "exec")
    assert "airflow" in text
    assert "DAG" in text
    folder = "/scripts/current/" if values in {"full", "kubernetes-executor"} else "/project/"
    assert f'Path("{folder}' in text
