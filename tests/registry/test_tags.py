"""Tags: texts of any length and names of any spelling come back as they were."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.errors import DataError
from sqlrec.registry import tags
from sqlrec.registry.registry import DeployAction, Deployment, DeployState
from sqlrec.spec.model import Checkpoint, CheckpointKind, CheckpointStatus
from sqlrec.spec.names import ModelName
from tests.registries import RANK, model

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(text=st.one_of(TEXT, TEXT.map(lambda t: t * 500)))
def test_a_text_is_cut_and_joined(text: str) -> None:
    pieces = tags.split("k", text)
    assert all(len(piece) <= tags.VALUE_LIMIT for piece in pieces.values())
    assert tags.join("k", pieces) == text


@given(name=st.text(min_size=1))
def test_metric_names_are_what_mlflow_takes(name: str) -> None:
    made = tags.metric_name(name)
    assert re.fullmatch(r"[\w./: -]{1,250}", made)
    assert tags.metric_name(made) == made


@pytest.mark.parametrize(
    ("name", "made"), [("recall@50", "recall_at_50"), ("auc", "auc"), ("f1 (macro), %", "f1 _macro__ _")]
)
def test_metric_names(name: str, made: str) -> None:
    assert tags.metric_name(name) == made


def test_definitions_live_side_by_side() -> None:
    old, new = model(), model(embedding_dim=8)
    old_id, old_tags = tags.spec_tags(old)
    new_id, new_tags = tags.spec_tags(new)
    stored = {**old_tags, **new_tags, tags.SPEC: new_id}
    assert tags.spec_of(stored) == new
    assert tags.spec_of(stored, old_id) == old
    assert tags.spec_of({"mlflow.user": "me"}) is None


@given(
    key=TEXT, parent=st.none() | st.integers(1, 99), metrics=st.dictionaries(TEXT, st.floats(allow_nan=False))
)
def test_checkpoints_come_back(key: str, parent: int | None, metrics: dict[str, float]) -> None:
    made = Checkpoint(
        model=RANK,
        name="v1_export/User",
        kind=CheckpointKind.EXPORT,
        status=CheckpointStatus.SUCCEEDED,
        version=7,
        uri="/a b/c",
        digest="ab12",
        parent="v1" if parent else "",
        parent_version=parent,
        key=key,
        created_at=1.5,
        metrics=metrics,
    )
    assert tags.checkpoint_of(RANK, 7, 1500, tags.checkpoint_tags(made)) == made


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("RUNNING", DeployState.INTENT),
        ("FINISHED", DeployState.FINISHED),
        ("FAILED", DeployState.FAILED),
        ("KILLED", DeployState.FAILED),
    ],
)
@given(options=st.dictionaries(TEXT, TEXT.map(lambda t: t * 50)), previous=st.none() | st.integers(1, 99))
def test_deployments_come_back(
    status: str, state: DeployState, options: dict[str, str], previous: int | None
) -> None:
    made = Deployment(
        service="Rank_Service",
        revision=3,
        action=DeployAction.ROLLBACK,
        state=state,
        model=ModelName.of("a", "b", "C"),
        version=2,
        checkpoint="v1",
        key="k",
        options=options,
        previous=previous,
        created_at=1.0,
        finished_at=2.0,
        id="run",
    )
    read = tags.deployment_of("run", status, 1000, 2000, tags.deployment_tags(made), {})
    assert read == made
    assert str(read.model) == str(made.model)


def test_a_name_too_long_for_a_registry_is_refused() -> None:
    with pytest.raises(DataError, match="longer than 256") as caught:
        tags.registry_name(ModelName.of("m" * 300))
    assert caught.value.code == "SR211"
