"""``mlflow models serve`` of the same ONNX file, on one worker. Arguments: folder, port."""

import os
import sys
from pathlib import Path

import mlflow
import onnx

folder = Path(sys.argv[1]) / "mlflow"
if not folder.exists():
    options = {"intra_op_num_threads": 1, "inter_op_num_threads": 1}
    loaded = onnx.load(Path(sys.argv[1]) / "model.onnx")
    mlflow.onnx.save_model(loaded, folder, onnx_session_options=options)
os.environ["MLFLOW_MODELS_WORKERS"] = "1"
os.execv(
    os.path.join(os.path.dirname(sys.executable), "mlflow"),
    ["mlflow", "models", "serve", "-m", str(folder), "-p", sys.argv[2], "--env-manager", "local"],
)
