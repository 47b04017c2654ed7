"""``python -m sqlrec.serving --spec service.json``: the program of a model service's process."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from sqlrec.serving.early import heed_sigterm

SWITCH_SECONDS = 0.0005
"""How long the worker thread may keep the event loop from the interpreter (Python's default: 5 ms)."""


def main(arguments: Sequence[str]) -> int:
    """Run a predict server to its end; the exit status."""
    heed_sigterm()
    from sqlrec.serving.app import App
    from sqlrec.serving.command import parse_arguments, run
    from sqlrec.serving.memory import prepare
    from sqlrec.serving.metrics import Metrics
    from sqlrec.spec.service import ServiceSpec

    sys.setswitchinterval(SWITCH_SECONDS)
    prepare()
    return run(
        lambda: parse_arguments(arguments, ServiceSpec, "sqlrec.serving"),
        lambda config: App(config, Metrics(config.spec)),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
