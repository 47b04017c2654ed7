"""sqlrec: SQL scripts about machine-learning models as running, scheduled, observable pipelines."""

import os

__version__ = "0.1.0"

# ONNX Runtime's builds for Linux report the models they load to their maker, and keep an id of the device in
# the home directory, unless told not to before they are imported. Who wants that sets the variable to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
