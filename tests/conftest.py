"""Test-wide setup: no ambient configuration, one thread a library, no colours, the same examples."""

from __future__ import annotations

import os

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


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the files of tests/golden anew")
