"""Checkpoints of a registry whose files are in an object store: copied within it, read and removed there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sqlrec.artifacts import store
from sqlrec.artifacts.cache import local_copy
from sqlrec.artifacts.folder import files_of, publish, read_result, staging
from sqlrec.errors import DataError, SetupError
from sqlrec.registry.mlflow import MlflowRegistry
from sqlrec.spec.job import JobResult
from sqlrec.spec.model import Checkpoint, CheckpointKind
from tests.registries import RANK, model, template, uri


@pytest.fixture
def registry(tmp_path: Path, bucket: str) -> MlflowRegistry:
    """A registry with a model and its files in the bucket."""
    (tmp_path / "mlflow.db").write_bytes(template())
    made = MlflowRegistry(uri(tmp_path), f"{bucket}/models")
    made.put_model(model())
    return made


def job_output(tmp_path: Path, place: str) -> JobResult:
    draft = staging(tmp_path / "job" / "output")
    (draft / "weights.bin").write_text("weights")
    (draft / "plots").mkdir()
    (draft / "plots" / "roc.png").write_bytes(b"\x89PNG")
    (draft / "evaluation.json").write_text("{}")
    return publish(draft, place, JobResult(rows=7, metrics={"auc": 0.75}))


def registered(registry: MlflowRegistry, place: str, result: JobResult, key: str = "k") -> Checkpoint:
    return registry.register(
        model=RANK,
        name="v1",
        kind=CheckpointKind.ORIGIN,
        folder=files_of(place),
        result=result,
        key=key,
        statement="TRAIN MODEL rank_model CHECKPOINT = 'v1' ON t",
    )


def test_a_staged_result_becomes_a_checkpoint_of_the_same_store(
    registry: MlflowRegistry, tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[tuple[str, str]] = []
    copy = store.copy

    def watched(place: str, target: str, names: Any) -> None:
        copied.append((place, target))
        copy(place, target, names)

    monkeypatch.setattr(store, "copy", watched)
    staged = f"{bucket}/staging/train"
    result = job_output(tmp_path, staged)
    made = registered(registry, staged, result)
    assert made.uri.startswith(f"{bucket}/models/sqlrec/default/rank_model/")
    assert copied == [(files_of(staged), made.uri)]
    assert read_result(made.uri) == result
    assert set(store.files(made.uri)) >= {"weights.bin", "plots/roc.png", "MLmodel"}
    assert registered(registry, staged, result) == made
    store.remove(staged)
    assert (local_copy(made.uri) / "weights.bin").read_text() == "weights"
    assert registry.drop_checkpoint(RANK, "v1")
    assert store.files(made.uri) == {}


def test_a_local_result_is_uploaded(registry: MlflowRegistry, tmp_path: Path) -> None:
    result = job_output(tmp_path, str(tmp_path / "out"))
    made = registered(registry, str(tmp_path / "out"), result)
    assert store.read(store.join(made.uri, "weights.bin")) == b"weights"


def test_a_staged_file_that_was_changed_is_not_registered(
    registry: MlflowRegistry, tmp_path: Path, bucket: str
) -> None:
    result = job_output(tmp_path, f"{bucket}/out")
    store.write(store.join(files_of(f"{bucket}/out"), "weights.bin"), b"other")
    with pytest.raises(DataError, match="SR754"):
        registered(registry, f"{bucket}/out", result)
    assert registry.checkpoints(RANK) == ()


def test_a_bucket_that_is_gone(registry: MlflowRegistry, tmp_path: Path, s3: Any, bucket: str) -> None:
    s3.delete_bucket(Bucket=bucket.removeprefix("s3://"))
    result = job_output(tmp_path, str(tmp_path / "out"))
    with pytest.raises(SetupError, match=f"SR751.*{bucket}"):
        registered(registry, str(tmp_path / "out"), result)
    assert registry.checkpoints(RANK) == ()
