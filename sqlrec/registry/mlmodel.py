"""The ``MLmodel`` file, written by hand.

It makes a checkpoint an MLflow model without MLflow's model flavours, which would need pandas and the
model's own library. An export can be loaded by plain MLflow: ``mlflow.pyfunc.load_model('models:/…')``.
JSON is YAML, so no YAML writer is needed.
"""

from __future__ import annotations

import json
import platform
import time
from pathlib import Path

from sqlrec.artifacts.folder import SIGNATURE, read_signature
from sqlrec.spec.model import Checkpoint, CheckpointKind
from sqlrec.spec.schema import Kind
from sqlrec.spec.signature import InputColumn, OutputColumn, Signature

FILE = "MLmodel"
TYPES = {"int64": "long", "float32": "double", "string": "string"}


def mlmodel_text(checkpoint: Checkpoint, folder: Path, *, run_id: str, model_id: str) -> str:
    """Content of the file for the checkpoint whose files are in ``folder``."""
    facts: dict[str, object] = {
        "model_id": model_id,
        "run_id": run_id,
        "utc_time_created": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()),
        "flavors": {
            "sqlrec": {
                "model": checkpoint.model.full,
                "checkpoint": checkpoint.name,
                "kind": checkpoint.kind.value,
                "digest": checkpoint.digest,
            }
        },
    }
    if checkpoint.kind is CheckpointKind.EXPORT and (folder / SIGNATURE).is_file():
        facts |= _onnx(read_signature(folder), facts["flavors"])
    return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"


def _onnx(signature: Signature, flavors: object) -> dict[str, object]:
    """Flavours and signature of an exported model; the FP32 file is the one plain MLflow loads."""
    if "fp32" not in signature.variants or not isinstance(flavors, dict):
        return {}
    file = signature.variants["fp32"].file
    onnx = {"data": file, "providers": ["CPUExecutionProvider"], "code": None, "onnx_version": "1"}
    pyfunc = {
        "loader_module": "mlflow.onnx",
        "data": file,
        "python_version": platform.python_version(),
    }
    columns = {
        "inputs": json.dumps([_column(column, column.is_array) for column in signature.inputs]),
        "outputs": json.dumps([_column(c, c.type.kind is Kind.ARRAY) for c in signature.outputs]),
    }
    return {"flavors": {**flavors, "onnx": onnx, "python_function": pyfunc}, "signature": columns}


def _column(column: InputColumn | OutputColumn, is_array: bool) -> dict[str, object]:
    kind = TYPES.get(column.tensor, "double")
    described = {"type": "array", "items": {"type": kind}} if is_array else {"type": kind}
    return {**described, "name": column.name, "required": True}
