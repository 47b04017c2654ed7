"""The example of an own model type: its package is built, installed and used as its README says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("hatchling", reason="builds the package without a network")

EXAMPLE = Path(__file__).parents[2] / "examples" / "custom_model"
PIP = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check")


def run(*command: str, at: Path, package: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(package)}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=at, env=env, capture_output=True, text=True, timeout=180
    )


@pytest.mark.e2e
def test_the_package_is_installed_and_its_model_trained_exported_and_asked(tmp_path: Path) -> None:
    package, project = tmp_path / "package", tmp_path / "project"
    (project / "data").mkdir(parents=True)
    script = re.search(r"```sql\n(.*?)```", (EXAMPLE / "README.md").read_text(), re.DOTALL)
    assert script is not None
    (project / "popularity.sql").write_text(script[1])
    rows = pa.table({"item_id": [1, 1, 1, 1, 2, 2], "clicked": [1, 1, 1, 0, 0, 0]})
    pq.write_table(rows, project / "data" / "clicks.parquet")
    without = run("sqlrec", "check", "popularity.sql", at=project, package=package)
    assert "unknown model type 'example.popularity'" in without.stdout + without.stderr
    installed = run(
        "pip", "install", *PIP, "--target", str(package), str(EXAMPLE), at=project, package=package
    )
    assert installed.returncode == 0, installed.stderr
    done = run("sqlrec", "run", "popularity.sql", at=project, package=package)
    assert done.returncode == 0, done.stdout + done.stderr
    # item 1: (3 + 0.5 · 2) / (4 + 2); item 2: (0 + 0.5 · 2) / (2 + 2)
    assert re.search(r"1\s+0\.6667\b", done.stdout)
    assert re.search(r"2\s+0\.25\b", done.stdout)
