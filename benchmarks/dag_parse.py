"""What loading a folder of scripts costs: compiled once, warm, and for one task's process.

python benchmarks/dag_parse.py [scripts]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

SCRIPT = """
SET 'dag.schedule' = '@daily'; SET 'dag.tags' = 'bench';
DECLARE day STRING DEFAULT '2026-01-08';
CREATE TABLE samples (user_id BIGINT, item_id BIGINT, age INT, city STRING, y INT, dt STRING)
  PARTITIONED BY (dt) WITH (connector = 'parquet', path = 'data/samples');
CREATE OR REPLACE MODEL m{n} (user_id BIGINT, item_id BIGINT, age INT, city STRING, y INT)
  WITH (model = 'tzrec.wide_and_deep', label_columns = 'y', hidden_units = '64,32');
TRAIN MODEL m{n} CHECKPOINT = '{{{{ ds_nodash }}}}' ON samples WHERE dt < '{{{{ params.day }}}}';
EXPORT MODEL m{n} CHECKPOINT = '{{{{ ds_nodash }}}}' ON samples;
CREATE OR REPLACE SERVICE s{n} ON MODEL m{n} CHECKPOINT = '{{{{ ds_nodash }}}}_export';
CACHE TABLE scored AS CALL call_service('s{n}', samples);
INSERT OVERWRITE out{n} SELECT user_id, probs FROM scored;
"""


def main(count: int) -> None:
    """Time the three cases and print milliseconds a script."""
    with tempfile.TemporaryDirectory() as place:
        os.environ["AIRFLOW_HOME"] = f"{place}/airflow"
        folder = Path(place, "dags")
        folder.mkdir()
        for n in range(count):
            (folder / f"script_{n:04}.sql").write_text(SCRIPT.format(n=n))
        began = time.perf_counter()
        from sqlrec.airflow.loader import load_folder

        print(f"{'import':>24}  {time.perf_counter() - began:8.2f} s")

        def load() -> None:
            found: dict[str, object] = {}
            load_folder(folder, found)
            assert len(found) in (1, count), len(found)

        cold = clock(load)
        warm = min(clock(load) for _ in range(5))
        os.environ["_AIRFLOW_PARSING_CONTEXT_DAG_ID"] = "script_0000"
        task = min(clock(load) for _ in range(5))
    print(f"{'cold (compiles)':>24}  {1e3 * cold / count:8.2f} ms a script")
    print(f"{'warm':>24}  {1e3 * warm / count:8.2f} ms a script")
    print(f"{'one task process':>24}  {1e3 * task:8.2f} ms in all, {count} scripts in the folder")


def clock(work: Callable[[], None]) -> float:
    """Seconds of a call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
