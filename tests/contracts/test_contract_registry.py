"""What every registry does, in memory or on MLflow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sqlrec import __version__
from sqlrec.artifacts.folder import read_result
from sqlrec.errors import DataError, NameNotFoundError, StateError
from sqlrec.registry.registry import DeployAction, Deployment, DeployState, ModelRegistry
from sqlrec.registry.tags import running_canary
from sqlrec.spec.model import Checkpoint, CheckpointKind, CheckpointStatus
from sqlrec.spec.names import ModelName
from tests.fakes import FakeRegistry
from tests.registries import RANK, model, open_registry, register

OTHER = ModelName.of("other_model")


@pytest.fixture(params=["fake", "mlflow"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> ModelRegistry:
    return FakeRegistry() if request.param == "fake" else open_registry(tmp_path)


def begin(registry: ModelRegistry, checkpoint: Checkpoint, key: str, service: str = "rank") -> Deployment:
    return registry.begin(
        service=service, action=DeployAction.DEPLOY, checkpoint=checkpoint, key=key, options={"replicas": "2"}
    )


def deploy(registry: ModelRegistry, checkpoint: Checkpoint, key: str, service: str = "rank") -> Deployment:
    return registry.finish(begin(registry, checkpoint, key, service), url="http://127.0.0.1:1/predict")


def test_a_model_is_stored_once(registry: ModelRegistry) -> None:
    assert registry.model(RANK) is None
    assert registry.models() == ()
    assert registry.put_model(model()) is True
    assert registry.put_model(model()) is False
    assert registry.model(ModelName.of("SQLREC", "Default", "RANK_model")) == model()
    assert registry.models() == (model(),)


def test_the_spelling_of_the_definition_is_kept(registry: ModelRegistry) -> None:
    registry.put_model(model(ModelName.of("Rank_Model")))
    stored = registry.model(RANK)
    assert stored is not None
    assert str(stored.name) == "Rank_Model"
    assert registry.put_model(model()) is False


def test_another_definition_under_the_name_is_refused(registry: ModelRegistry) -> None:
    registry.put_model(model())
    with pytest.raises(StateError, match="another definition") as caught:
        registry.put_model(model(embedding_dim=8))
    assert caught.value.code == "SR201"
    assert registry.put_model(model(embedding_dim=8), if_not_exists=True) is False
    assert registry.model(RANK) == model()


def test_replacing_a_definition(registry: ModelRegistry) -> None:
    registry.put_model(model())
    assert registry.put_model(model(embedding_dim=8), replace=True) is True
    assert registry.put_model(model(embedding_dim=8), replace=True) is False
    assert registry.model(RANK) == model(embedding_dim=8)
    commented = replace(model(embedding_dim=8), comment="new words")
    assert registry.put_model(commented, replace=True) is True
    assert registry.model(RANK) == commented


def test_replacing_never_breaks_checkpoints(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.put_model(model())
    checkpoint = register(registry, tmp_path)
    with pytest.raises(StateError, match="checkpoints") as caught:
        registry.put_model(model(user_id="STRING", clicked="INT"), replace=True)
    assert caught.value.code == "SR202"
    assert registry.put_model(model(embedding_dim=8), replace=True) is True
    assert registry.definition(checkpoint) == model()
    later = register(registry, tmp_path, "v2")
    assert registry.definition(later) == model(embedding_dim=8)


def test_a_checkpoint_is_registered(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.put_model(model())
    made = register(registry, tmp_path, key="dag/run/it's 100%/train")
    assert (made.model, made.name, made.version) == (RANK, "v1", 1)
    assert (made.kind, made.status) == (CheckpointKind.ORIGIN, CheckpointStatus.SUCCEEDED)
    assert (made.parent, made.parent_version) == ("", None)
    assert made.metrics == {"auc": 0.75, "recall@50": 0.25}
    assert (made.rows, made.seconds, made.statement) == (1000, 2.5, "TRAIN MODEL rank_model")
    assert made.facts == {"sqlrec": __version__, "image": "sqlrec/tzrec:1"}
    assert read_result(Path(made.uri)).rows == 1000
    assert registry.checkpoints(RANK) == (made,)
    assert registry.version(RANK, 1) == made
    assert registry.find(RANK, "dag/run/it's 100%/train") == made


def test_what_does_not_exist_is_none(registry: ModelRegistry, tmp_path: Path) -> None:
    assert registry.checkpoint(RANK, "v1") is None
    assert registry.checkpoints(RANK) == ()
    registry.put_model(model())
    register(registry, tmp_path)
    assert registry.checkpoint(RANK, "v2") is None
    assert registry.version(RANK, 2) is None
    assert registry.find(RANK, "no/such/key") is None
    assert registry.service("rank") is None
    assert registry.services() == ()
    assert registry.history("rank") == ()


def test_the_same_key_is_the_same_version(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.put_model(model())
    first = register(registry, tmp_path / "a", key="k")
    assert register(registry, tmp_path / "b", key="k") == first
    assert register(registry, tmp_path / "c", "renamed", key="k") == first
    assert registry.checkpoints(RANK) == (first,)


def test_a_name_moves_to_the_newest_version(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.put_model(model())
    first = register(registry, tmp_path, key="run1")
    second = register(registry, tmp_path, key="run2")
    assert [first.version, second.version] == [1, 2]
    assert registry.checkpoint(RANK, "V1") == second
    assert registry.version(RANK, 1) == first


def test_an_export_names_its_parent(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.put_model(model())
    origin = register(registry, tmp_path)
    export = register(registry, tmp_path, "v1_export/user", kind=CheckpointKind.EXPORT, parent=origin)
    assert (export.kind, export.parent, export.parent_version) == (CheckpointKind.EXPORT, "v1", 1)
    assert registry.checkpoint(RANK, "v1_export/user") == export
    assert registry.checkpoint(RANK, "v1") == origin


def test_files_that_changed_after_the_job_are_refused(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.put_model(model())
    made = register(registry, tmp_path, key="k1")
    folder = tmp_path / "jobs" / "k1"
    result = read_result(folder)
    (folder / "weights.bin").write_text("tampered")
    with pytest.raises(DataError, match="not as the job left it") as caught:
        registry.register(
            model=RANK, name="v2", kind=CheckpointKind.ORIGIN, folder=folder, result=result, key="k2"
        )
    assert caught.value.code == "SR510"
    assert registry.checkpoints(RANK) == (made,)


def test_registering_for_no_model_is_refused(registry: ModelRegistry, tmp_path: Path) -> None:
    with pytest.raises(NameNotFoundError, match="rank_model") as caught:
        register(registry, tmp_path)
    assert caught.value.code == "SR205"


def test_dropping_a_model(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.put_model(model())
    made = register(registry, tmp_path, key="k")
    assert registry.drop_model(RANK) is True
    assert registry.model(RANK) is None
    assert registry.checkpoints(RANK) == ()
    assert registry.drop_model(RANK, if_exists=True) is False
    with pytest.raises(NameNotFoundError, match="rank_model") as caught:
        registry.drop_model(RANK)
    assert caught.value.code == "SR205"
    with pytest.raises(NameNotFoundError) as caught:
        registry.definition(made)
    assert caught.value.code == "SR205"


def test_a_dropped_model_can_be_made_again(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.put_model(model())
    register(registry, tmp_path / "a", key="k")
    registry.drop_model(RANK)
    registry.put_model(model())
    again = register(registry, tmp_path / "b", key="k")
    assert again.version == 1
    assert read_result(Path(again.uri)).rows == 1000


def test_a_model_in_use_is_not_dropped(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.put_model(model())
    made = register(registry, tmp_path)
    deploy(registry, made, "k")
    with pytest.raises(StateError, match="rank") as caught:
        registry.drop_model(RANK)
    assert caught.value.code == "SR203"
    assert registry.checkpoints(RANK) == (made,)


def test_a_deployment(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.put_model(model())
    made = register(registry, tmp_path)
    intent = begin(registry, made, "k", "Rank")
    assert (intent.revision, intent.state, intent.previous) == (1, DeployState.INTENT, None)
    assert (intent.model, intent.version, intent.checkpoint) == (RANK, 1, "v1")
    assert intent.options == {"replicas": "2"}
    assert registry.service("rank") is None
    assert registry.services() == ()
    done = registry.finish(intent, url="http://x/predict")
    assert (done.state, done.url) == (DeployState.FINISHED, "http://x/predict")
    assert registry.service("RANK") == made
    assert registry.services() == ("Rank",)
    assert [d.state for d in registry.history("rank")] == [DeployState.FINISHED]


def test_a_failed_deployment_leaves_the_service(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.put_model(model())
    first, second = register(registry, tmp_path, "v1"), register(registry, tmp_path, "v2")
    deploy(registry, first, "k1")
    failed = registry.fail(begin(registry, second, "k2"), error="no memory\n" + "x" * 20000 + "\nlast line")
    assert failed.state is DeployState.FAILED
    assert registry.service("rank") == first
    entry = registry.history("rank")[-1]
    assert entry.error.startswith("no memory")
    assert entry.error.endswith("last line")
    retried = begin(registry, second, "k2")
    assert (retried.id, retried.revision, retried.state) == (failed.id, 2, DeployState.INTENT)
    assert registry.history("rank")[-1].error == ""
    registry.finish(retried, url="u")
    assert registry.service("rank") == second


def test_a_retried_deployment_is_the_same_entry(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.put_model(model())
    made = register(registry, tmp_path)
    intent = begin(registry, made, "k")
    assert begin(registry, made, "k").id == intent.id
    done = registry.finish(intent, url="u")
    again = begin(registry, made, "k")
    assert (again.id, again.state) == (done.id, DeployState.FINISHED)
    assert registry.fail(again, error="too late").state is DeployState.FINISHED
    assert registry.finish(again, url="u").state is DeployState.FINISHED
    assert len(registry.history("rank")) == 1
    assert registry.service("rank") == made


def test_history_is_only_added_to(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.put_model(model())
    first, second = register(registry, tmp_path, "v1"), register(registry, tmp_path, "v2")
    deploy(registry, first, "run1")
    deploy(registry, second, "run2")
    back = registry.finish(
        registry.begin(
            service="rank",
            action=DeployAction.ROLLBACK,
            checkpoint=first,
            key="undo",
            options={},
            reason="clicks fell",
        ),
        url="u",
    )
    assert (back.revision, back.previous, back.reason) == (3, 2, "clicks fell")
    assert registry.service("rank") == first
    again = deploy(registry, second, "run2")
    assert again.revision == 4, "run2 was overtaken: deploying it again is new"
    assert registry.service("rank") == second
    assert [(d.revision, d.checkpoint) for d in registry.history("rank")] == [
        (1, "v1"),
        (2, "v2"),
        (3, "v1"),
        (4, "v2"),
    ]


def test_dropping_a_service(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.put_model(model())
    made = register(registry, tmp_path)
    deploy(registry, made, "k")
    intent = registry.begin(service="rank", action=DeployAction.DROP, checkpoint=made, key="drop", options={})
    registry.finish(intent, url="")
    assert registry.service("rank") is None
    assert registry.services() == ()
    assert registry.drop_model(RANK) is True
    assert [d.action for d in registry.history("rank")] == [DeployAction.DEPLOY, DeployAction.DROP]


def test_a_service_may_move_to_another_model(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.put_model(model())
    registry.put_model(model(OTHER))
    first, second = register(registry, tmp_path), register(registry, tmp_path, of=OTHER)
    deploy(registry, first, "k1")
    deploy(registry, second, "k2")
    assert registry.service("rank") == second
    assert registry.drop_model(RANK) is True
    with pytest.raises(StateError):
        registry.drop_model(OTHER)


def test_services_are_kept_apart(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.put_model(model())
    first, second = register(registry, tmp_path, "v1"), register(registry, tmp_path, "v2")
    deploy(registry, first, "k", "rank_a")
    deploy(registry, second, "k", "rank-a")
    assert registry.services() == ("rank-a", "rank_a")
    assert (registry.service("rank_a"), registry.service("rank-a")) == (first, second)
    assert [d.revision for d in registry.history("rank_a")] == [1]


def test_a_canary_leaves_what_is_served_and_is_kept_from_being_dropped(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    def change(action: DeployAction, checkpoint: Checkpoint) -> Deployment:
        entry = registry.begin(
            service="rank", action=action, checkpoint=checkpoint, key=f"k/{action}", options={"canary": "10%"}
        )
        assert entry.previous == 1
        return registry.finish(entry, url="http://127.0.0.1:1/predict")

    registry.put_model(model())
    first = register(registry, tmp_path, "v1_export", kind=CheckpointKind.EXPORT)
    second = register(registry, tmp_path, "v2_export", kind=CheckpointKind.EXPORT)
    deploy(registry, first, "k/1")
    begun = change(DeployAction.CANARY, second)
    assert registry.service("rank") == first
    assert running_canary(registry.history("rank")) == registry.history("rank")[-1]
    assert (begun.action, registry.services()) == (DeployAction.CANARY, ("rank",))
    with pytest.raises(StateError, match="rank") as caught:
        registry.drop_checkpoint(RANK, "v2_export")
    assert caught.value.code == "SR203"
    change(DeployAction.ABORT, second)
    assert running_canary(registry.history("rank")) is None
    assert registry.service("rank") == first
    change(DeployAction.CANARY, second)
    change(DeployAction.PROMOTE, second)
    assert registry.service("rank") == second
    assert running_canary(registry.history("rank")) is None
    registry.drop_checkpoint(RANK, "v1_export")
