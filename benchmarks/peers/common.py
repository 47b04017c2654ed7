"""What the benchmark's programs share: the job they read and the line they print."""

import json
import sys
from pathlib import Path


def read_job():
    """The job: paths, columns and sizes, as benchmarks/train.py wrote them."""
    return json.loads(Path(sys.argv[1]).read_text())


def read_rows(job):
    """Training and test rows: a dict of numpy arrays each."""
    import pyarrow.parquet as pq

    names = [*job["features"], job["label"]]
    parts = (pq.read_table(job[part], columns=names) for part in ("train", "test"))
    return tuple({name: table[name].to_numpy() for name in names} for table in parts)


def joined(*arrays):
    """The arrays end to end."""
    import numpy as np

    return np.concatenate(arrays)


def report(job, *, rows, loop, whole, labels, scores):
    """Print one JSON line: samples a second of wall and processor time, and the test AUC."""
    from sklearn.metrics import roc_auc_score

    seen = rows * job["epochs"]
    print(
        json.dumps(
            {
                "loop": [seen / seconds for seconds in loop],
                "whole": [seen / seconds for seconds in whole],
                "auc": float(roc_auc_score(labels, scores)),
            }
        )
    )
