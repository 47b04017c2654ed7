"""Test-wide setup: no ambient configuration, one thread a library, no colours, the same examples."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

for _key in [k for k in os.environ if k.startswith("SQLREC_") and k != "SQLREC_PURE"]:
    del os.environ[_key]
os.environ.update(OMP_NUM_THREADS="1", NO_COLOR="1", COLUMNS="120", MLFLOW_DISABLE_TELEMETRY="true")

pytest_plugins = ["tests.emulator.fixtures", "tests.object_store"]

settings.register_profile(
    "repeatable",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")

LONG = ("e2e", "airflow")
"""Marks of tests that take minutes."""
EARLY = 0.7
"""The part of the tests within which all of these are begun."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the files of tests/golden anew")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin no long test late, or one worker goes on alone: their modules come earlier than the dice say.

    The order stays random, and a module's tests stay together, which share what is costly. With ``--dist
    worksteal`` each worker begins with its share of this order, and later takes short ones of another's.
    """
    shares = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    size = -(-len(items) // shares) or 1
    long = {item.path for item in items if any(item.get_closest_marker(name) for name in LONG)}
    places: dict[tuple[int, Path], float] = {}
    for index, item in enumerate(items):
        share, within = divmod(index, size)
        places.setdefault((share, item.path), within * EARLY if item.path in long else within)

    def place(index: int) -> tuple[int, float]:
        share = index // size
        return share, places[share, items[index].path]

    items[:] = [items[index] for index in sorted(range(len(items)), key=place)]
