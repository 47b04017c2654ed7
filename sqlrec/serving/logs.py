"""Log lines of the predict server: one JSON object a line on stderr."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import orjson


def log(event: str, **facts: object) -> None:
    """Write ``{"time": …, "event": …, …}`` at once."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = orjson.dumps({"time": time, "event": event, **facts}, default=str)
    sys.stderr.write(line.decode() + "\n")
    sys.stderr.flush()
