"""Commands that must answer at once import no heavy library: seen from what a fresh interpreter imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "airflow",
    "mlflow",
    "torch",
    "pyarrow",
    "duckdb",
    "onnx",
    "onnxruntime",
    "numpy",
    "sklearn",
    "matplotlib",
    "sqlalchemy",
    "pydantic",
    "typer",
    "httpx",
    "psutil",
    "rich",
    "prompt_toolkit",
    "pygls",
}
SCRIPT = """
CREATE TABLE samples (user_id BIGINT, y INT) WITH (connector = 'csv', path = 'data/samples.csv');
CREATE MODEL m (user_id BIGINT, y INT) WITH (model = 'tzrec.wide_and_deep', label_columns = 'y');
TRAIN MODEL m CHECKPOINT = 'v1' ON samples WHERE y < 2;
EXPORT MODEL m CHECKPOINT = 'v1' ON samples;
CREATE SERVICE s ON MODEL m CHECKPOINT = 'v1_export';
CACHE TABLE scored AS CALL call_service('s', samples);
SELECT * FROM scored;
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["check", "s.sql"],
        ["plan", "s.sql"],
        ["plan", "s.sql", "--json"],
        ["fmt", "--diff", "s.sql"],
        ["completion", "bash"],
        ["lsp", "--help"],
    ],
    ids=" ".join,
)
def test_a_light_command_imports_no_heavy_library(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "s.sql").write_text(SCRIPT)
    command = [sys.executable, "-X", "importtime", "-m", "sqlrec", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
    assert "sqlrec" in imported
    assert imported & HEAVY == set()


def test_the_bar_is_about_these_libraries(tmp_path: Path) -> None:
    """A command that does need them shows that the test above can see them."""
    command = [sys.executable, "-X", "importtime", "-m", "sqlrec", "generate", "behavior", "d", "--rows", "8"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "| " in done.stderr
    assert " pyarrow.lib\n" in done.stderr
