"""Checkpoints side by side: values, differences, verdicts, and what each was made with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sqlrec.artifacts.folder import publish, staging
from sqlrec.errors import NameNotFoundError
from sqlrec.execution.compare import Row, compared, direction, find_compared
from sqlrec.registry.view import RegistryCatalog
from sqlrec.spec.job import JobResult
from sqlrec.spec.model import Checkpoint, CheckpointKind
from sqlrec.spec.names import ModelName
from tests.fake_registry import FakeRegistry
from tests.registries import RANK, model


class Project:
    """A registry whose checkpoints are what TRAIN MODEL … leaves."""

    def __init__(self, folder: Path) -> None:
        self.registry = FakeRegistry()
        self.folder = folder
        self.registry.put_model(model())

    def train(self, name: str, options: str = "", of: ModelName = RANK, **metrics: float) -> Checkpoint:
        folder = self.folder / f"{of.name}.{name}"
        draft = staging(folder)
        (draft / "weights.bin").write_text("w" * int(name[1:]))
        result = publish(draft, folder, JobResult(rows=1000, seconds=2.5, metrics=metrics))
        return self.registry.register(
            model=of,
            name=name,
            kind=CheckpointKind.ORIGIN,
            folder=folder,
            result=result,
            key=f"{of}/{name}",
            statement=f"TRAIN MODEL {of.name} CHECKPOINT = '{name}' ON t{options}",
        )

    def rows(self, *names: str, of: ModelName = RANK) -> dict[str, Row]:
        catalog = RegistryCatalog(self.registry)
        return {r.name: r for r in compared(catalog, self.registry, find_compared(catalog, of, names))}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.train("v1", auc=0.75, logloss=0.5)
    made.train("v2", " WITH (num_epochs = 3, seed = 0)", auc=0.8, logloss=0.5, extra=7.0)
    return made


def test_metrics_have_a_difference_and_a_verdict(project: Project) -> None:
    found = project.rows("v1", "v2")
    assert found["auc"].values == (0.75, 0.8)
    assert found["auc"].changes[1] == pytest.approx(0.05)
    assert found["auc"].verdicts == (None, True)
    assert project.rows("v2", "v1")["auc"].verdicts == (None, False)
    assert (found["logloss"].changes[1], found["logloss"].verdicts[1]) == (0, None)
    assert (found["extra"].values, found["extra"].changes) == ((None, 7.0), (None, None))


def test_known_metrics_come_first_and_files_are_weighed(project: Project) -> None:
    found = project.rows("v1", "v2")
    assert [name for name, row in found.items() if row.section == "metric"] == ["auc", "logloss", "extra"]
    sizes = found["bytes"]
    assert isinstance(sizes.values[0], float)
    assert sizes.changes[1] == pytest.approx(1, abs=60)  # result.json says more of v2
    assert found["rows"].values == (1000.0, 1000.0)


def test_only_options_that_differ_are_shown_with_defaults(project: Project) -> None:
    found = project.rows("v1", "v2")
    assert (found["num_epochs"].section, found["num_epochs"].values) == ("option", ("1", "3"))
    assert not {"seed", "embedding_dim", "batch_size"} & set(found)


def test_options_of_the_model_as_it_was_count_too(project: Project) -> None:
    project.registry.put_model(model(embedding_dim=32), replace=True)
    project.train("v3", auc=0.7)
    assert project.rows("v1", "v3")["embedding_dim"].values == ("16", "32")


def test_names_aliases_and_versions_name_checkpoints(project: Project) -> None:
    second = project.registry.checkpoint(RANK, "v2")
    assert second is not None
    project.registry.set_alias("Best", second)
    found = project.rows("V1", "@best", "2")
    assert found["version"].values == ("1", "2", "2")
    assert found["aliases"].values == (None, "@best", "@best")
    assert found["auc"].verdicts == (None, True, True)


def test_a_type_that_is_not_installed_shows_what_was_written(project: Project) -> None:
    shop = ModelName.of("shop_model")
    project.registry.put_model(replace(model(shop), type="shop.rank"))
    project.train("v4", " WITH (depth = 3, api_key = 'sk-0123456789abcdefghij')", of=shop)
    project.train("v5", " WITH (depth = 4, api_key = 'sk-abcdefghij0123456789')", of=shop)
    found = project.rows("v4", "v5", of=shop)
    assert found["depth"].values == ("3", "4")
    assert "api_key" not in found


@pytest.mark.parametrize(
    ("name", "says"),
    [("v22", r"SR207.*v22.*Did you mean 'v2'"), ("@prod", "SR207.*alias.*prod"), ("9", "SR207")],
)
def test_what_does_not_exist(project: Project, name: str, says: str) -> None:
    with pytest.raises(NameNotFoundError, match=says):
        project.rows("v1", name)


@pytest.mark.parametrize(
    ("metric", "better"),
    [
        ("auc", 1),
        ("logloss", -1),
        ("train_logloss", -1),
        ("evaluation.auc.click", 1),
        ("int8.latency_ms", -1),
        ("int8.auc", 1),
        ("fp32.bytes", -1),
        ("rows_per_second", 1),
        ("magic", 0),
    ],
)
def test_which_way_is_better(metric: str, better: int) -> None:
    assert direction(metric) == better
