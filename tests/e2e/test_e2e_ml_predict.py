"""A trained model called inside queries: every form gives what CALL gives, and what scikit-learn measures."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest
from sklearn.metrics import accuracy_score, mean_squared_error

from tests.e2e.project_state import Finished
from tests.e2e.whole_project import FEATURES, HOLDOUT, TABLES

pytestmark = pytest.mark.e2e
NAMES = ", ".join(column.split()[0] for column in FEATURES.replace("\n", " ").split(", "))
SCRIPT = f"""{TABLES}
CACHE TABLE few AS
  SELECT *, row_number() OVER () AS n FROM behavior WHERE dt = '{{{{ params.holdout }}}}' LIMIT 500;
CACHE TABLE called AS CALL call_service('rank', few);
INSERT OVERWRITE compared
WITH old AS (SELECT * FROM few WHERE age > 40)
SELECT c.n, c.is_click, c.probs AS called, t.probs AS of_table, v.p AS of_value,
  l.probs AS of_lateral, o.probs AS of_with
FROM called c
JOIN ML_PREDICT(TABLE few, MODEL rank_model, DESCRIPTOR({NAMES})) t ON t.n = c.n
JOIN (SELECT n, ML_PREDICT(MODEL rank_model, {NAMES}) AS p FROM few) v ON v.n = c.n
JOIN (SELECT s.n, p.probs FROM few s CROSS APPLY (
    SELECT probs FROM TABLE(ML_PREDICT('rank_model', {", ".join(f"s.{name}" for name in NAMES.split(", "))}))
  ) p) l ON l.n = c.n
LEFT JOIN ML_PREDICT(TABLE old, MODEL rank_model, DESCRIPTOR({NAMES})) o ON o.n = c.n;
INSERT OVERWRITE measured
  SELECT r.result['MSE'] AS mse, c.result['Accuracy'] AS accuracy
  FROM ML_EVALUATE(TABLE few, MODEL rank_model, DESCRIPTOR(is_click), DESCRIPTOR({NAMES}), 'regression') r,
    ML_EVALUATE(few, rank_model, DESCRIPTOR({NAMES})) c;
ASSERT SELECT ML_EVALUATE(rank_model, is_click, {NAMES})['Accuracy'] > 0.5 AS good FROM few;
"""


def test_a_trained_model_inside_queries(finished: Finished) -> None:
    project = finished.project
    report = project.json("run", project.script(SCRIPT, "asks"), "--param", f"holdout={HOLDOUT}")
    assert {task["state"] for task in report["tasks"]} == {"success"}
    rows = pq.read_table(project.folder / "data" / "compared").to_pandas()
    assert len(rows) == 500
    for form in ("of_table", "of_value", "of_lateral"):
        assert rows[form].to_numpy() == pytest.approx(rows["called"].to_numpy(), abs=1e-6)
    old = rows[rows["of_with"].notna()]
    assert 0 < len(old) < 500
    assert old["of_with"].to_numpy() == pytest.approx(old["called"].to_numpy(), abs=1e-6)
    (measured,) = pq.read_table(project.folder / "data" / "measured").to_pylist()
    assert measured["mse"] == pytest.approx(mean_squared_error(rows["is_click"], rows["called"]), abs=1e-6)
    assert measured["accuracy"] == accuracy_score(rows["is_click"], rows["called"] >= 0.5)


def test_what_a_query_asks_is_judged_before_a_run(finished: Finished) -> None:
    project = finished.project
    script = project.script(
        f"{TABLES}SELECT * FROM ML_PREDICT(TABLE behavior, MODEL rank_model, DESCRIPTOR(user_id));", "wrong"
    )
    process = project.start("check", script)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "Number of descriptor input columns (1) does not match model input size (12)" in out + err
