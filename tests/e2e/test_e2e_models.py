"""Models of three kinds through one life: boosted trees, one that its CREATE statement trains, one brought.

Answers are arrays (several classes) and several columns (clusters). Every way to ask a model gives the same.
One script is run as a DAG, the other by the shell, statement by statement.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.e2e.bare_onnx import score
from tests.e2e.whole_project import TABLES, Project

pytestmark = [pytest.mark.e2e, pytest.mark.ml]
CLASSES = ["cheap", "dear", "middling"]
GRADE = "CASE WHEN price < 20 THEN 'cheap' WHEN price < 60 THEN 'middling' ELSE 'dear' END"
MAKE = f"""{TABLES}
CREATE VIEW graded AS SELECT item_id, hour, category, {GRADE} AS grade, dt FROM behavior WHERE price > 0;
CREATE MODEL trees (item_id BIGINT, hour INT, category STRING, grade STRING)
  WITH (model = 'gbdt.lightgbm', objective = 'multiclass', label_columns = 'grade', num_iterations = 4);
TRAIN MODEL trees CHECKPOINT = 'v1' ON graded WHERE dt < '{{{{ params.holdout }}}}'
  VALIDATE ON graded WHERE dt = '{{{{ params.holdout }}}}';
EXPORT MODEL trees CHECKPOINT = 'v1' ON graded WHERE dt = '{{{{ params.holdout }}}}';
CREATE SERVICE grades ON MODEL trees CHECKPOINT = 'v1_export';

CREATE MODEL segments WITH (type = 'training', algorithm = 'kmeans', num_clusters = 3)
  AS SELECT age, hour, price FROM behavior;
CREATE SERVICE segment ON MODEL segments;
"""
ASK = f"""{TABLES}
CREATE MODEL brought INPUT (item_id BIGINT, hour INT, category STRING) OUTPUT (probs ARRAY<FLOAT>)
  WITH (type = 'import', format = 'ONNX', path = 'models/trees.onnx');
CREATE SERVICE brought_grades ON MODEL brought;

CACHE TABLE few AS
  SELECT row_number() OVER () AS n, item_id, age, hour, price, category, {GRADE} AS grade
  FROM behavior WHERE dt = '{{{{ params.holdout }}}}' AND price > 0 LIMIT 500;
CACHE TABLE graded AS CALL call_service('grades', few);
CACHE TABLE again AS CALL call_service('brought_grades', few);
CACHE TABLE placed AS CALL call_service('segment', few);
INSERT OVERWRITE asked
SELECT g.n, g.item_id, g.hour, g.category, g.grade, g.probs AS called, t.probs AS predicted,
  a.probs AS brought, b.probs AS brought_predicted, p.cluster_id, p.cluster_distance,
  s.cluster_id AS cluster_predicted, s.cluster_distance AS distance_predicted
FROM graded g JOIN again a ON a.n = g.n JOIN placed p ON p.n = g.n
JOIN ML_PREDICT(TABLE few, MODEL trees, DESCRIPTOR(item_id, hour, category)) t ON t.n = g.n
JOIN ML_PREDICT(TABLE few, MODEL brought, DESCRIPTOR(item_id, hour, category)) b ON b.n = g.n
JOIN ML_PREDICT(TABLE few, MODEL segments, DESCRIPTOR(age, hour, price)) s ON s.n = g.n
ORDER BY g.n;
"""


def exported(project: Project, model: str) -> Path:
    """The ONNX file of a model's only export."""
    (file,) = project.state.glob(f"models/*/*/{model}/**/model.onnx")
    return file


def column(rows: list[dict[str, Any]], name: str) -> np.ndarray[Any, Any]:
    return np.array([row[name] for row in rows])


def test_trees_clusters_and_a_file_are_made_served_and_asked(project: Project) -> None:
    project.run("run", project.script(MAKE, "make"))
    file = exported(project, "trees")
    (project.folder / "models").mkdir()
    shutil.copy(file, project.folder / "models" / "trees.onnx")
    project.run("shell", "-f", project.script(ASK, "ask"))

    rows = pq.read_table(project.folder / "data" / "asked").to_pylist()
    assert len(rows) == 500
    called = column(rows, "called")
    assert called.shape == (500, 3)
    assert called.sum(axis=1) == pytest.approx(1, abs=1e-5)
    for other in ("predicted", "brought", "brought_predicted"):
        assert column(rows, other) == pytest.approx(called, abs=1e-6), other
    assert score(file, rows) == pytest.approx(called, abs=1e-6)
    guessed = np.array(CLASSES)[called.argmax(axis=1)]
    assert (guessed == column(rows, "grade")).mean() > 0.6, "entries are not in the order of the classes"

    assert set(column(rows, "cluster_id")) == {0, 1, 2}
    assert (column(rows, "cluster_predicted") == column(rows, "cluster_id")).all()
    distances = column(rows, "cluster_distance")
    assert column(rows, "distance_predicted") == pytest.approx(distances, abs=1e-6)
    assert distances.min() >= 0
    assert len(set(distances)) > 100
