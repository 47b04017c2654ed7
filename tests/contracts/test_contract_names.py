"""What every registry does with names: renamed models, dropped checkpoints, aliases, functions, APIs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sqlrec.errors import NameNotFoundError, OptionError, StateError
from sqlrec.registry.registry import DeployAction, Deployment, ModelRegistry
from sqlrec.spec.function import ApiSpec, FunctionInput, FunctionSpec, Program
from sqlrec.spec.model import Checkpoint, CheckpointKind
from sqlrec.spec.names import ModelName
from tests.fakes import FakeRegistry
from tests.registries import RANK, columns, model, open_registry, register

NEW = ModelName.of("Ranker")


@pytest.fixture(params=["fake", "mlflow"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> ModelRegistry:
    return FakeRegistry() if request.param == "fake" else open_registry(tmp_path)


def deploy(registry: ModelRegistry, checkpoint: Checkpoint, key: str = "k") -> Deployment:
    entry = registry.begin(
        service="rank", action=DeployAction.DEPLOY, checkpoint=checkpoint, key=key, options={}
    )
    return registry.finish(entry, url="u")


# Renaming


def test_a_renamed_model_keeps_all_it_has(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.put_model(model())
    first = register(registry, tmp_path, "v1", key="k1")
    export = register(registry, tmp_path, "v1_export", kind=CheckpointKind.EXPORT, parent=first)
    registry.put_model(model(embedding_dim=8), replace=True)
    registry.set_alias("prod", export)
    deploy(registry, export)
    registry.rename_model(RANK, NEW)
    assert registry.model(RANK) is None
    assert registry.models() == (replace(model(embedding_dim=8), name=NEW),)
    assert [str(m.name) for m in registry.models()] == ["Ranker"]
    assert registry.checkpoints(RANK) == ()
    moved = replace(export, model=NEW)
    assert registry.checkpoints(NEW) == (replace(first, model=NEW), moved)
    assert registry.checkpoint(NEW, "v1_export") == moved
    assert registry.version(NEW, 1) == registry.find(NEW, "k1") == replace(first, model=NEW)
    assert registry.definition(moved) == replace(model(), name=NEW)
    assert registry.aliases(NEW) == {"prod": moved}
    assert registry.service("rank") == moved
    (entry,) = registry.history("rank")
    assert (entry.model, entry.version) == (NEW, 2)


def test_work_goes_on_under_the_new_name(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.put_model(model())
    first = register(registry, tmp_path, "v1")
    deploy(registry, first)
    registry.rename_model(RANK, NEW)
    second = register(registry, tmp_path, "v2", of=NEW)
    assert second.version == 2
    deploy(registry, second, "k2")
    assert registry.service("rank") == second
    assert [(d.revision, d.model) for d in registry.history("rank")] == [(1, NEW), (2, NEW)]
    with pytest.raises(StateError, match=r"\[SR203\].*rank"):
        registry.drop_model(NEW)


def test_the_old_name_is_free(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.put_model(model())
    old = register(registry, tmp_path, "v1", key="old")
    deploy(registry, old)
    registry.rename_model(RANK, NEW)
    assert registry.put_model(model(embedding_dim=4)) is True
    made = register(registry, tmp_path, "v1", key="new")
    assert (made.version, registry.checkpoints(RANK)) == (1, (made,))
    assert Path(made.uri) != Path(old.uri)
    assert registry.service("rank") == replace(old, model=NEW)
    registry.drop_model(RANK)
    assert registry.checkpoints(NEW) == (replace(old, model=NEW),)
    assert (Path(old.uri) / "weights.bin").read_text() == "v1"
    later = register(registry, tmp_path, "v2", of=NEW)
    assert (Path(later.uri) / "weights.bin").read_text() == "v2"


def test_renaming_again_is_no_error(registry: ModelRegistry) -> None:
    registry.put_model(model())
    registry.rename_model(RANK, NEW)
    registry.rename_model(RANK, NEW)
    assert [m.name for m in registry.models()] == [NEW]
    registry.rename_model(NEW, RANK)
    registry.rename_model(NEW, RANK)
    assert [m.name for m in registry.models()] == [RANK]


def test_renaming_may_change_the_spelling_alone(registry: ModelRegistry) -> None:
    registry.put_model(model())
    registry.rename_model(RANK, ModelName.of("Rank_Model"))
    assert [str(m.name) for m in registry.models()] == ["Rank_Model"]


def test_a_name_that_is_taken_or_absent(registry: ModelRegistry) -> None:
    registry.put_model(model())
    with pytest.raises(NameNotFoundError, match=r"\[SR205\] model other does not exist"):
        registry.rename_model(ModelName.of("other"), NEW)
    with pytest.raises(NameNotFoundError, match=r"\[SR205\] model other does not exist"):
        registry.rename_model(ModelName.of("other"), RANK)
    registry.put_model(model(NEW))
    with pytest.raises(StateError, match=r"\[SR201\] model Ranker exists already"):
        registry.rename_model(RANK, NEW)
    assert [m.name for m in registry.models()] == [RANK, NEW]


# Dropping checkpoints


def test_a_dropped_checkpoint_is_gone_in_all_its_versions(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.put_model(model())
    first = register(registry, tmp_path, "v1", key="run1")
    kept = register(registry, tmp_path, "v2")
    second = register(registry, tmp_path, "V1", key="run2")
    registry.set_alias("prod", second)
    assert registry.drop_checkpoint(RANK, "v1") is True
    assert registry.checkpoints(RANK) == (kept,)
    assert registry.checkpoint(RANK, "v1") is None
    assert registry.find(RANK, "run1") is None
    assert registry.aliases(RANK) == {}
    with pytest.raises(NameNotFoundError, match=r"\[SR205\]"):
        registry.definition(first)
    with pytest.raises(NameNotFoundError, match=r"\[SR205\]"):
        registry.set_alias("prod", first)
    again = register(registry, tmp_path / "again", "v1", key="run1")
    assert again.version == 4
    assert (Path(again.uri) / "weights.bin").read_text() == "v1"


def test_a_checkpoint_in_use_is_not_dropped(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.put_model(model())
    served = register(registry, tmp_path, "v1", key="run1")
    register(registry, tmp_path, "v1", key="run2")
    deploy(registry, served)
    with pytest.raises(StateError, match=r"\[SR203\].*being used by.*rank"):
        registry.drop_checkpoint(RANK, "v1")
    assert [c.name for c in registry.checkpoints(RANK)] == ["v1", "v1"]


def test_a_checkpoint_that_is_not_there(registry: ModelRegistry) -> None:
    for known in (False, True):
        with pytest.raises(
            NameNotFoundError, match=r"\[SR207\] checkpoint not exists: v1 for model rank_model"
        ):
            registry.drop_checkpoint(RANK, "v1")
        assert registry.drop_checkpoint(RANK, "v1", if_exists=True) is False
        if not known:
            registry.put_model(model())


def test_a_deployment_of_a_dropped_checkpoint_is_told(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.put_model(model())
    made = register(registry, tmp_path)
    entry = registry.begin(service="rank", action=DeployAction.DEPLOY, checkpoint=made, key="k", options={})
    registry.drop_checkpoint(RANK, "v1")
    with pytest.raises(NameNotFoundError, match=r"\[SR205\].*v1"):
        registry.finish(entry, url="u")


# Aliases


def test_an_alias_moves(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.put_model(model())
    first, second = register(registry, tmp_path, "v1"), register(registry, tmp_path, "v2")
    assert registry.aliases(RANK) == {}
    registry.set_alias("Prod", first)
    registry.set_alias("canary", second)
    deploy(registry, first)
    assert registry.aliases(RANK) == {"canary": second, "prod": first}
    registry.set_alias("PROD", second)
    registry.set_alias("prod", second)
    assert registry.aliases(RANK) == {"canary": second, "prod": second}
    assert registry.drop_alias(RANK, "Prod") is True
    assert registry.aliases(RANK) == {"canary": second}
    assert registry.service("rank") == first


def test_an_alias_that_is_not_there(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.put_model(model())
    deploy(registry, register(registry, tmp_path))
    for name in ("prod", "svc-rank"):
        with pytest.raises(
            NameNotFoundError, match=rf"\[SR207\] alias not exists: {name} for model rank_model"
        ):
            registry.drop_alias(RANK, name)
        assert registry.drop_alias(RANK, name, if_exists=True) is False
    assert registry.service("rank") is not None
    assert registry.aliases(NEW) == {}


@pytest.mark.parametrize("name", ["", "v1.0", "a/b", "latest", "V12", "svc-rank", "SVC-x", "a b"])
def test_a_text_that_can_be_no_alias(registry: ModelRegistry, tmp_path: Path, name: str) -> None:
    registry.put_model(model())
    with pytest.raises(OptionError, match=r"\[SR211\] .* cannot name an alias"):
        registry.set_alias(name, register(registry, tmp_path))


# Metrics


def test_metrics_of_evaluations(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.put_model(model())
    made, other = register(registry, tmp_path, "v1"), register(registry, tmp_path, "v2")
    for _ in range(2):
        registry.record_metrics(made, {"AUC": 0.5, "auc": 0.625}, key="run1/evaluate")
    registry.record_metrics(made, {"AUC": 0.75}, key="run2/evaluate")
    registry.record_metrics(made, {"AUC": 0.5}, key="run1/evaluate")
    measured = registry.checkpoint(RANK, "v1")
    assert measured is not None
    assert measured.metrics == {"auc": 0.625, "recall@50": 0.25, "AUC": 0.75}
    assert registry.checkpoint(RANK, "v2") == other
    registry.drop_checkpoint(RANK, "v1")
    with pytest.raises(NameNotFoundError, match=r"\[SR205\]"):
        registry.record_metrics(made, {"AUC": 0.5}, key="k")


# Functions and APIs


def function(name: str = "Recall", returns: str = "result") -> FunctionSpec:
    return FunctionSpec(
        name=name,
        inputs=(FunctionInput(name="users", columns=columns(user_id="BIGINT")),),
        returns=returns,
        source=f"CREATE SQL FUNCTION {name};\n" + "-- as long as it likes\n" * 500 + f"RETURN {returns}",
    )


def api(name: str = "Shop", of: str = "recall") -> ApiSpec:
    program = Program(name=of, inputs=function().inputs, steps=(), returns="result")
    return ApiSpec(name=name, function=of, program=program)


def test_functions(registry: ModelRegistry) -> None:
    assert registry.functions() == ()
    assert registry.put_function(function()) is True
    assert registry.put_function(function()) is False
    assert registry.put_function(function("all_items")) is True
    assert registry.functions() == (function("all_items"), function())
    with pytest.raises(StateError, match=r"\[SR201\].*exists with another definition"):
        registry.put_function(function("RECALL"))
    assert registry.put_function(function(returns="other"), replace=True) is True
    assert registry.put_function(function(returns="other"), replace=True) is False
    assert registry.functions() == (function("all_items"), function(returns="other"))
    assert registry.drop_function("RECALL") is True
    assert registry.functions() == (function("all_items"),)
    assert registry.drop_function("recall", if_exists=True) is False
    with pytest.raises(NameNotFoundError, match=r"\[SR240\].*recall does not exist"):
        registry.drop_function("recall")
    assert registry.put_function(function()) is True


def test_apis(registry: ModelRegistry) -> None:
    assert registry.put_api(api()) is True
    assert registry.put_api(api()) is False
    assert registry.apis() == (api(),)
    assert registry.functions() == ()
    guarded = replace(api(), options={"auth_token_file": "/keys/t", "replicas": 2, "access_log": True})
    assert registry.put_api(guarded, replace=True) is True
    assert registry.put_api(guarded) is False
    assert registry.apis() == (guarded,)
    assert registry.put_api(api(), replace=True) is True
    with pytest.raises(StateError, match=r"\[SR201\]"):
        registry.put_api(api(of="other"))
    assert registry.put_api(api(of="other"), replace=True) is True
    assert registry.apis() == (api(of="other"),)
    assert registry.drop_api("SHOP") is True
    assert registry.drop_api("shop", if_exists=True) is False
    with pytest.raises(NameNotFoundError, match=r"\[SR241\].*shop does not exist"):
        registry.drop_api("shop")


def test_a_function_and_an_api_may_share_a_name(registry: ModelRegistry) -> None:
    registry.put_function(function("shop"))
    registry.put_api(api("shop", of="other"))
    registry.drop_function("shop")
    assert registry.apis() == (api("shop", of="other"),)


def test_a_function_in_use_is_not_dropped(registry: ModelRegistry) -> None:
    registry.put_function(function())
    registry.put_api(api(of="RECALL"))
    with pytest.raises(StateError, match=r"\[SR203\] sql function recall is used by api: Shop"):
        registry.drop_function("recall")
    registry.drop_api("Shop")
    assert registry.drop_function("recall") is True
