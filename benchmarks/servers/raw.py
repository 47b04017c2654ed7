"""ONNX Runtime alone on tensors that are ready, one thread: what no server can exceed.

``python raw.py FOLDER SECONDS`` writes a JSON line for each file of the model and number of rows.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import common
import numpy as np
import onnxruntime as ort

FILES = {"int8": "model.int8.onnx", "fp32": "model.onnx"}


def main() -> None:
    """Call each file for ``SECONDS`` with 1 row and with 100."""
    folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
    types = common.Model(str(folder)).types
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    for variant, file in FILES.items():
        session = ort.InferenceSession(str(folder / file), options, providers=["CPUExecutionProvider"])
        for rows in (1, 100):
            document = json.loads((folder / f"columns.{rows}.json").read_text())
            feed = {name: np.array(document[name], dtype=kind) for name, kind in types.items()}
            session.run(["probs"], feed)
            calls, began, busy = 0, time.perf_counter(), time.process_time()
            while (taken := time.perf_counter() - began) < seconds:
                session.run(["probs"], feed)
                calls += 1
            cpu = (time.process_time() - busy) * 1e6 / calls
            print(json.dumps({"variant": variant, "rows": rows, "rate": calls / taken, "cpu_us": cpu}))


if __name__ == "__main__":
    main()
