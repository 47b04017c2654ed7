"""Two small models behind one service: deployed, asked, altered and rolled back by one script."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.e2e.whole_project import Project
from tests.serving.test_groups_server import scaled

pytestmark = pytest.mark.e2e
ROWS = ((1, 2, 9), (-3, 0, 9), (5, 5, -30))
SCRIPT = """
CREATE TABLE t (a BIGINT, b BIGINT, c BIGINT) WITH (connector = 'csv', path = 't.csv');
CREATE MODEL low INPUT (a BIGINT, b BIGINT) OUTPUT (probs FLOAT)
  WITH (type = 'import', format = 'ONNX', path = 'low.onnx', task = 'classification');
CREATE MODEL high INPUT (a BIGINT, b BIGINT, c BIGINT) OUTPUT (probs FLOAT)
  WITH (type = 'import', format = 'ONNX', path = 'high.onnx', task = 'classification');
CREATE SERVICE jury ON MODELS (low, high) WITH (decider = 'mean', timeout = '30s');
CACHE TABLE means AS CALL call_service('jury', t);
ALTER SERVICE jury SET (decider = 'max_confidence');
CACHE TABLE surest AS CALL call_service('jury', t);
CREATE OR REPLACE SERVICE jury ON MODELS (high, low) WITH (routing = 'split', weights = '0,1');
CACHE TABLE lows AS CALL call_service('jury', t);
ROLLBACK SERVICE jury;
CACHE TABLE back AS CALL call_service('jury', t);
INSERT OVERWRITE answers
  SELECT t.a, means.probs AS mean, surest.probs AS surest, lows.probs AS low, back.probs AS back
  FROM t JOIN means USING (a) JOIN surest USING (a) JOIN lows USING (a) JOIN back USING (a);
DESCRIBE SERVICE jury;
SHOW CREATE SERVICE jury;
"""


def sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def test_a_service_of_two_models(project: Project, tmp_path: Path) -> None:
    low, high = (
        scaled(tmp_path / name, factor, *columns)
        for name, factor, columns in (("low", 0.1, "ab"), ("high", 0.2, "abc"))
    )
    for folder in (low, high):
        shutil.copy(folder / "model.onnx", project.folder / f"{folder.name}.onnx")
    lines = ("a,b,c", *(",".join(map(str, row)) for row in ROWS))
    (project.folder / "t.csv").write_text("\n".join(lines) + "\n")
    process = project.start("run", project.script(SCRIPT, "jury"))
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    assert "ON MODELS (" in out
    assert "low CHECKPOINT = 'imported'" in out
    assert "'decider' = 'max_confidence'" in out
    answers = {row["a"]: row for row in pq.read_table(project.folder / "data" / "answers").to_pylist()}
    for a, b, c in ROWS:
        one, other = sigmoid(0.1 * (a + b)), sigmoid(0.2 * (a + b + c))
        surest = max(one, other, key=lambda p: abs(p - 0.5))
        found = answers[a]
        assert found["mean"] == pytest.approx((one + other) / 2, abs=1e-6)
        assert found["surest"] == found["back"] == pytest.approx(surest, abs=1e-6)
        assert found["low"] == pytest.approx(one, abs=1e-6)
