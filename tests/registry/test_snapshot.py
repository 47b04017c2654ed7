"""The light reader agrees with the registry, starts light, and says what is wrong."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from sqlrec.errors import SetupError
from sqlrec.plan.catalog import Catalog
from sqlrec.registry.mlflow import MlflowRegistry
from sqlrec.registry.registry import DeployAction
from sqlrec.registry.snapshot import SnapshotCatalog
from sqlrec.registry.view import RegistryCatalog
from sqlrec.spec.function import ApiSpec, FunctionSpec, Program
from sqlrec.spec.model import Checkpoint, CheckpointKind
from sqlrec.spec.names import ModelName
from tests.registries import RANK, model, open_registry, register, uri

OTHER = ModelName.of("shop", "ads", "Other_Model")


def apply(registry: MlflowRegistry, action: DeployAction, service: str, checkpoint: Checkpoint) -> None:
    key = f"{service}/{checkpoint.version}/{action}"
    entry = registry.begin(service=service, action=action, checkpoint=checkpoint, key=key, options={})
    registry.finish(entry, url="http://x")


def agree(registry: MlflowRegistry, catalog: Catalog) -> None:
    for light in (catalog, RegistryCatalog(registry)):
        _agrees(registry, light)


def _agrees(registry: MlflowRegistry, catalog: Catalog) -> None:
    assert catalog.closed
    assert catalog.models() == tuple(m.name.full for m in registry.models())
    for name in (RANK, OTHER, ModelName.of("RANK_MODEL"), ModelName.of("none")):
        assert catalog.model(name) == registry.model(name)
        assert catalog.checkpoints(name) == registry.checkpoints(name)
        assert catalog.aliases(name) == registry.aliases(name)
        for checkpoint in ("v1", "V1", "v1_export", "none"):
            assert catalog.checkpoint(name, checkpoint) == registry.checkpoint(name, checkpoint)
    assert catalog.services() == registry.services()
    for service in ("rank", "RANK", "gone", "moved", "none"):
        assert catalog.service(service) == registry.service(service)
        assert catalog.others(service) == others(registry, service)
    assert catalog.functions() == tuple(function.name for function in registry.functions())
    assert [catalog.function(name.upper()) for name in catalog.functions()] == list(registry.functions())
    assert catalog.apis() == tuple(api.name for api in registry.apis())
    assert [catalog.api(name.upper()) for name in catalog.apis()] == list(registry.apis())
    assert (catalog.function("none"), catalog.api("none")) == (None, None)


def others(registry: MlflowRegistry, service: str) -> tuple[Checkpoint | None, ...]:
    """The further checkpoints of the deployment in force: the last, where nothing failed."""
    if registry.service(service) is None:
        return ()
    return tuple(registry.version(pin.model, pin.version) for pin in registry.history(service)[-1].others)


def test_further_models_of_a_service(tmp_path: Path) -> None:
    registry = open_registry(tmp_path)
    for name in (RANK, OTHER):
        registry.put_model(model(name))
    first, second = register(registry, tmp_path), register(registry, tmp_path, of=OTHER)
    entry = registry.begin(
        service="Rank",
        action=DeployAction.DEPLOY,
        checkpoint=first,
        key="k",
        options={},
        others=(second, first),
    )
    catalog = SnapshotCatalog(tmp_path / "mlflow.db")
    assert catalog.others("rank") == ()
    registry.finish(entry, url="u")
    assert catalog.others("rank") == (second, first)
    agree(registry, catalog)
    moved = ModelName.of("moved")
    registry.rename_model(OTHER, moved)
    assert [made.model for made in catalog.others("rank")] == [moved, RANK]
    agree(registry, catalog)


def test_it_agrees_with_the_registry_at_every_stage(tmp_path: Path) -> None:
    registry = open_registry(tmp_path)
    catalog = SnapshotCatalog(tmp_path / "mlflow.db")
    agree(registry, catalog)
    registry.put_model(model())
    registry.put_model(model(OTHER))
    agree(registry, catalog)
    origin = register(registry, tmp_path, "v1")
    export = register(registry, tmp_path, "v1_export", kind=CheckpointKind.EXPORT, parent=origin)
    again = register(registry, tmp_path, "V1", key="later")
    other = register(registry, tmp_path, "v1", of=OTHER)
    agree(registry, catalog)
    assert catalog.checkpoint(RANK, "v1") == again
    for service in ("Rank", "gone", "moved"):
        apply(registry, DeployAction.DEPLOY, service, export)
    apply(registry, DeployAction.DROP, "gone", export)
    apply(registry, DeployAction.DEPLOY, "moved", other)
    agree(registry, catalog)
    assert catalog.services() == ("Rank", "moved")
    apply(registry, DeployAction.DROP, "moved", other)
    registry.put_model(model(embedding_dim=8), replace=True)
    registry.drop_model(OTHER)
    agree(registry, catalog)


def test_it_agrees_about_names(tmp_path: Path) -> None:
    registry = open_registry(tmp_path)
    catalog = SnapshotCatalog(tmp_path / "mlflow.db")
    registry.put_model(model(OTHER))
    made = register(registry, tmp_path, of=OTHER)
    apply(registry, DeployAction.DEPLOY, "rank", made)
    registry.set_alias("Prod", made)
    registry.record_metrics(made, {"AUC": 0.5}, key="k")
    registry.rename_model(OTHER, RANK)
    registry.put_model(model(OTHER))
    agree(registry, catalog)
    served = catalog.service("rank")
    assert served is not None
    assert (str(served.model), served.metrics["AUC"]) == ("rank_model", 0.5)
    assert list(catalog.aliases(RANK)) == ["prod"]
    recall = FunctionSpec(name="Recall", inputs=(), returns="t", source="RETURN t")
    registry.put_function(recall)
    registry.put_function(replace(recall, returns="u"), replace=True)
    program = Program(name="recall", inputs=(), steps=(), returns="t")
    registry.put_api(ApiSpec(name="Shop", function="recall", program=program))
    agree(registry, catalog)
    assert (catalog.functions(), catalog.apis()) == (("Recall",), ("Shop",))
    registry.drop_api("shop")
    registry.drop_function("recall")
    registry.drop_alias(RANK, "prod")
    registry.rename_model(RANK, ModelName.of("Rank_Model"))
    agree(registry, catalog)


def test_versions_deleted_in_mlflow_are_gone(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    registry = open_registry(tmp_path)
    registry.put_model(model())
    made = register(registry, tmp_path)
    MlflowClient(uri(tmp_path), uri(tmp_path)).delete_model_version("sqlrec.default.rank_model", "1")
    catalog = SnapshotCatalog(tmp_path / "mlflow.db")
    assert catalog.checkpoint(RANK, made.name) is None
    agree(registry, catalog)


def test_no_file_is_an_empty_registry(tmp_path: Path) -> None:
    catalog = SnapshotCatalog(tmp_path / "missing" / "mlflow.db")
    assert catalog.closed
    assert catalog.models() == ()
    assert catalog.model(RANK) is None
    assert catalog.checkpoints(RANK) == ()
    assert catalog.service("rank") is None
    assert catalog.services() == ()
    assert not (tmp_path / "missing").exists()


def test_a_file_that_is_no_registry_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "mlflow.db"
    broken.write_text("not a database, by any means " * 100)
    with pytest.raises(SetupError, match=r"mlflow\.db cannot be used") as caught:
        SnapshotCatalog(broken).models()
    assert caught.value.code == "SR711"
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(SetupError, match="no such table"):
        SnapshotCatalog(other).models()


def test_it_imports_nothing_heavy() -> None:
    program = (
        "import sys, sqlrec.registry.snapshot, sqlrec.registry.registry, sqlrec.runtimes.runtime;"
        "print([m for m in ('mlflow', 'sqlalchemy', 'numpy', 'psutil', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
