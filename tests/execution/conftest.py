"""A world to serve from: one model with three exports, and services that answer as a test decides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.execution.service_steps import export, train
from tests.execution.steps import MODEL, World, make_world, probabilities, server, steps_of


@pytest.fixture
def good() -> list[bool]:
    """Whether services answer as they should, while the one value is True."""
    return [True]


@pytest.fixture
def exported(tmp_path: Path, good: list[bool]) -> Iterator[World]:
    """``ctr`` with exports of v1, v2 and v3, none of them served."""
    with server(lambda rows: probabilities(rows) if good[0] else {}) as url:
        made = make_world(tmp_path, url)
        made.run(steps_of(MODEL)["define_ctr"])
        for name in ("v1", "v2", "v3"):
            made.run(train(name))
            made.run(export(name))
        yield made
