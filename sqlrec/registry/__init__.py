"""Models, checkpoints and services on MLflow.

MLflow reads these variables when it is imported, so they are set before any module below can do that: no
telemetry, no chatter, and a dead server is noticed in seconds (its own defaults retry for four minutes).
What the user has set stays.
"""

import os

_MLFLOW = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
for _name, _value in _MLFLOW.items():
    os.environ.setdefault(_name, _value)
