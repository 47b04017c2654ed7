"""Projects whose processes are ended whatever becomes of the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.project_state import Finished, state_of
from tests.e2e.whole_project import RANK, Project, make_project, started_before


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project in which nothing was run that left anything."""
    made = started_before(make_project(tmp_path / "project"))
    try:
        yield made
    finally:
        made.kill_all()


@pytest.fixture
def new_project(tmp_path: Path) -> Iterator[Project]:
    """A project in which nothing was ever run."""
    made = make_project(tmp_path / "project")
    try:
        yield made
    finally:
        made.kill_all()


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    """One for all tests, in whatever order: none changes what another looks at."""
    made = started_before(make_project(tmp_path_factory.mktemp("finished") / "project"))
    try:
        report = made.json("run", made.script(RANK))
        yield Finished(made, report, made.json("checkpoints", "rank_model"), state_of(made))
    finally:
        made.kill_all()
