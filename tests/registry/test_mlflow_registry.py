"""What people and plain MLflow see of the registry, and how broken places are told."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient

from sqlrec.artifacts.folder import publish, staging
from sqlrec.errors import SetupError, StateError
from sqlrec.registry.mlflow import MlflowRegistry
from sqlrec.registry.registry import DeployAction
from sqlrec.registry.snapshot import SnapshotCatalog
from sqlrec.spec.job import CurvePoint, JobResult
from sqlrec.spec.model import Checkpoint, CheckpointKind
from sqlrec.spec.names import ModelName
from tests.http_server import Handler, listening
from tests.registries import RANK, columns, export_output, model, open_registry, register, template, uri

NAME = "sqlrec.default.rank_model"


def client(folder: Path) -> Any:
    return MlflowClient(uri(folder), uri(folder))


def export(registry: MlflowRegistry, folder: Path) -> Checkpoint:
    files, result = export_output(folder / "job")
    return registry.register(
        model=RANK, name="v1_export", kind=CheckpointKind.EXPORT, folder=files, result=result, key="export"
    )


ONE_MODEL = """
import sys
from pathlib import Path
from sqlrec.process import whole_process
from tests.registries import model, open_registry

sys.exit(whole_process(lambda: int(not open_registry(Path(sys.argv[1])).put_model(model()))))
"""


def test_a_process_that_ended_leaves_the_whole_registry_in_one_file(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", ONE_MODEL, str(tmp_path)], check=True, timeout=120)
    assert [path.name for path in tmp_path.glob("mlflow.db-*")] == []
    copied = (tmp_path / "mlflow.db").rename(tmp_path / "copied.db")
    assert SnapshotCatalog(copied).models() == (NAME,)


PLAIN = """
import sys
import mlflow, numpy, pandas
rows = pandas.DataFrame({"user_id": numpy.array([1, 2, 3]), "price": [0.5, 1.5, 2.0]})
for uri in sys.argv[1:]:
    model = mlflow.pyfunc.load_model(uri)
    names = [c.name for c in model.metadata.signature.inputs]
    print(model.predict(rows)["probs"].tolist(), names, model.metadata.flavors["sqlrec"]["checkpoint"])
assert "sqlrec" not in sys.modules
"""


def test_plain_mlflow_loads_and_runs_an_export(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    registry = open_registry(folder)
    registry.put_model(model())
    made = export(registry, folder)
    entry = registry.begin(
        service="Rank_Service", action=DeployAction.DEPLOY, checkpoint=made, key="k", options={}
    )
    registry.finish(entry, url="u")
    alias = next(iter(client(folder).get_registered_model(NAME).aliases))
    assert alias.startswith("svc-rank-service-")
    done = subprocess.run(
        [sys.executable, "-c", PLAIN, f"models:/{NAME}/1", f"models:/{NAME}@{alias}"],
        env={**os.environ, "MLFLOW_TRACKING_URI": uri(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = "[0.5, 3.0, 6.0] ['user_id', 'price'] v1_export"
    assert done.stdout.splitlines() == [said, said], done.stderr


def test_a_run_shows_numbers_curves_parameters_and_plots(tmp_path: Path) -> None:
    registry = open_registry(tmp_path)
    registry.put_model(model())
    made = register(registry, tmp_path, key="dag/run/train")
    mlflow = client(tmp_path)
    version = mlflow.get_model_version(NAME, "1")
    run = mlflow.get_run(version.run_id)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "origin v1"
    assert run.data.metrics == {"auc": 0.75, "recall_at_50": 0.25, "rows": 1000.0, "seconds": 2.5}
    history = mlflow.get_metric_history(version.run_id, "auc")
    assert [(m.step, round(m.value, 4)) for m in history] == [(1, 0.5833), (2, 0.6667), (3, 0.75)]
    assert run.data.params == {"batch_size": "8192"}
    assert run.data.tags["sqlrec.key"] == "dag/run/train"
    shown = [f.path for f in mlflow.list_artifacts(version.run_id)]
    assert shown == ["evaluation.json", "plots", "statement.sql"]
    assert [f.path for f in mlflow.list_artifacts(version.run_id, "plots")] == ["plots/roc.png"]
    assert Path(made.uri).is_relative_to(tmp_path / "models" / "sqlrec" / "default" / "rank_model")
    assert version.tags["sqlrec.checkpoint"] == "v1"


def test_a_run_shows_evaluations_each_in_its_own_folder(tmp_path: Path) -> None:
    registry = open_registry(tmp_path)
    registry.put_model(model())
    made = register(registry, tmp_path)
    output = tmp_path / "evaluated"
    (output / "plots").mkdir(parents=True)
    (output / "plots" / "roc.png").write_bytes(b"png")
    (output / "evaluation.json").write_text("{}")
    for key in ("dag/r1/evaluate", "dag/r1/evaluate", "dag/r2/evaluate"):
        registry.record_metrics(made, {"evaluation.auc": 0.5}, key=key, folder=output)
    mlflow = client(tmp_path)
    run = mlflow.get_model_version(NAME, "1").run_id
    first, second = (f.path for f in mlflow.list_artifacts(run, "evaluations"))
    assert first.startswith("evaluations/dag-r1-evaluate-")
    assert second.startswith("evaluations/dag-r2-evaluate-")
    assert [f.path for f in mlflow.list_artifacts(run, first)] == [
        f"{first}/evaluation.json",
        f"{first}/plots",
    ]
    assert [f.path for f in mlflow.list_artifacts(run, f"{first}/plots")] == [f"{first}/plots/roc.png"]


def test_thousands_of_points_and_parameters(tmp_path: Path) -> None:
    registry = open_registry(tmp_path)
    registry.put_model(model())
    draft = staging(tmp_path / "job")
    curves = tuple(CurvePoint(name="loss", step=step, value=1 / step) for step in range(1, 2501))
    result = JobResult(
        metrics={"loss": float("nan"), "worst": float("inf")},
        curves=curves,
        params={f"p{i}": "x" * 7000 for i in range(150)},
    )
    result = publish(draft, tmp_path / "job", result)
    made = registry.register(
        model=RANK, name="v1", kind=CheckpointKind.ORIGIN, folder=tmp_path / "job", result=result, key="k"
    )
    mlflow = client(tmp_path)
    run = mlflow.get_run(mlflow.get_model_version(NAME, "1").run_id)
    assert len(mlflow.get_metric_history(run.info.run_id, "loss")) == 2500
    assert len(run.data.params) == 150
    assert np.isnan(made.metrics["loss"])
    assert made.metrics["worst"] == float("inf")


def test_a_definition_of_any_length_is_kept(tmp_path: Path) -> None:
    types = {f"a_rather_long_column_name_{i}": "BIGINT" for i in range(500)}
    wide = replace(model(), columns=columns(**types, clicked="INT"))
    registry = open_registry(tmp_path)
    registry.put_model(wide)
    assert registry.model(RANK) == wide
    stored = client(tmp_path).get_registered_model(NAME).tags
    assert all(len(value) <= 5000 for value in stored.values())


def test_dropping_a_model_removes_its_files_and_runs(tmp_path: Path) -> None:
    registry = open_registry(tmp_path)
    registry.put_model(model())
    made = register(registry, tmp_path)
    experiment = client(tmp_path).get_experiment_by_name(f"sqlrec/{NAME}").experiment_id
    registry.drop_model(RANK)
    assert not Path(made.uri).exists()
    assert client(tmp_path).get_experiment_by_name(f"sqlrec/{NAME}") is None
    assert client(tmp_path).get_experiment(experiment).lifecycle_stage == "deleted"
    assert list(client(tmp_path).search_runs([experiment], run_view_type=1)) == []


def test_dropping_a_checkpoint_removes_its_files_and_runs(tmp_path: Path) -> None:
    registry = open_registry(tmp_path)
    registry.put_model(model())
    made, kept = register(registry, tmp_path, "v1"), register(registry, tmp_path, "v2")
    registry.drop_checkpoint(RANK, "v1")
    assert not Path(made.uri).exists()
    assert (Path(kept.uri) / "weights.bin").read_text() == "v2"
    experiment = client(tmp_path).get_experiment_by_name(f"sqlrec/{NAME}").experiment_id
    assert [r.info.run_name for r in client(tmp_path).search_runs([experiment])] == ["origin v2"]
    assert len(client(tmp_path).search_logged_models([experiment])) == 1


def test_a_renamed_model_is_shown_under_its_new_name(tmp_path: Path) -> None:
    registry = open_registry(tmp_path)
    registry.put_model(model())
    old = register(registry, tmp_path, "v1")
    registry.rename_model(RANK, ModelName.of("Ranker"))
    registry.put_model(model())
    new = register(registry, tmp_path, "v1", key="new")
    mlflow = client(tmp_path)
    shown = mlflow.get_experiment_by_name("sqlrec/sqlrec.default.ranker")
    assert [r.info.run_name for r in mlflow.search_runs([shown.experiment_id])] == ["origin v1"]
    assert mlflow.get_experiment_by_name(f"sqlrec/{NAME}").experiment_id != shown.experiment_id
    assert Path(old.uri).parents[2] != Path(new.uri).parents[2], "a folder of its own"


def test_an_alias_is_one_of_mlflow(tmp_path: Path) -> None:
    registry = open_registry(tmp_path)
    registry.put_model(model())
    registry.set_alias("Prod", register(registry, tmp_path))
    assert client(tmp_path).get_model_version_by_alias(NAME, "prod").version == 1


def test_a_model_from_before_identities_were_kept(tmp_path: Path) -> None:
    registry = open_registry(tmp_path)
    registry.put_model(model())
    mlflow = client(tmp_path)
    mlflow.delete_registered_model_tag(NAME, "sqlrec.uid")
    mlflow.create_experiment(f"sqlrec/{NAME}", artifact_location=str(tmp_path / "models" / "old"))
    made = register(registry, tmp_path)
    assert Path(made.uri).is_relative_to(tmp_path / "models" / "old")
    entry = registry.begin(service="rank", action=DeployAction.DEPLOY, checkpoint=made, key="k", options={})
    registry.finish(entry, url="u")
    registry.rename_model(RANK, ModelName.of("ranker"))
    registry.put_model(model())
    assert registry.service("rank") == replace(made, model=ModelName.of("ranker"))
    assert registry.checkpoints(RANK) == ()


def test_a_foreign_registered_model_is_left_alone(tmp_path: Path) -> None:
    registry = open_registry(tmp_path)
    client(tmp_path).create_registered_model(NAME)
    client(tmp_path).create_model_version(NAME, "s3://bucket/model")
    assert registry.models() == ()
    assert registry.checkpoints(RANK) == ()
    assert registry.version(RANK, 1) is None
    with pytest.raises(StateError, match="not of sqlrec's making"):
        registry.put_model(model(), replace=True)


def test_an_experiment_deleted_in_mlflow_is_restored(tmp_path: Path) -> None:
    registry = open_registry(tmp_path)
    registry.put_model(model())
    register(registry, tmp_path, "v1")
    mlflow = client(tmp_path)
    mlflow.delete_experiment(mlflow.get_experiment_by_name(f"sqlrec/{NAME}").experiment_id)
    assert register(open_registry(tmp_path), tmp_path, "v2").version == 2


def test_first_use_makes_the_database_and_is_quiet(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    place = tmp_path / "new" / "place"
    registry = MlflowRegistry(uri(place), str(place / "models"))
    registry.put_model(model())
    register(registry, tmp_path)
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")
    with closing(sqlite3.connect(place / "mlflow.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_first_start_that_was_killed_is_made_good(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").touch()
    (tmp_path / "mlflow.db.new").write_bytes(b"half a database")
    (tmp_path / "mlflow.db.new-journal").write_bytes(b"half a journal")
    registry = MlflowRegistry(uri(tmp_path), str(tmp_path / "models"))
    assert registry.put_model(model())
    assert not list(tmp_path.glob("mlflow.db.new*"))


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for database, files in ((tmp_path / "file", tmp_path), (tmp_path, tmp_path / "file" / "models")):
        with pytest.raises(SetupError, match="file") as caught:
            MlflowRegistry(uri(database), str(files))
        assert caught.value.code == "SR703"


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("hello " * 1000)
    with pytest.raises(SetupError, match=r"mlflow\.db cannot be used") as caught:
        MlflowRegistry(uri(tmp_path), str(tmp_path / "models"))
    assert caught.value.code == "SR711"
    assert "move it away" in caught.value.hint


def test_a_database_of_another_mlflow(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(template())
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '728d730b5ebd'")
        connection.commit()
    with pytest.raises(SetupError) as caught:
        MlflowRegistry(uri(tmp_path), str(tmp_path / "models"))
    assert caught.value.code == "SR711"
    assert "mlflow db upgrade" in caught.value.hint


def test_a_database_that_breaks_under_way(tmp_path: Path) -> None:
    registry = open_registry(tmp_path)
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        connection.execute("DROP TABLE registered_model_aliases")
        connection.execute("DROP TABLE registered_model_tags")
        connection.commit()
    with pytest.raises(SetupError, match="no such table") as caught:
        registry.put_model(model())
    assert caught.value.code == "SR711"


def test_a_server_that_is_not_there_costs_no_minutes(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(SetupError, match=r"no MLflow server at http://127\.0\.0\.1:9") as caught:
        MlflowRegistry("http://127.0.0.1:9", str(tmp_path))
    assert caught.value.code == "SR712"
    assert time.monotonic() - started < 5


def test_a_server_that_fails_is_told(tmp_path: Path) -> None:
    class Failing(Handler):
        def do_GET(self) -> None:
            self.answer(200 if self.path == "/health" else 400)

    with listening(Failing) as place, pytest.raises(SetupError) as caught:
        MlflowRegistry(place, str(tmp_path)).model(RANK)
    assert f"registry at {place} failed" in str(caught.value)
    assert caught.value.code == "SR711"
