"""``python -m sqlrec.programs --spec api.json``: the program of an API's process."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlrec.serving.early import heed_sigterm

if TYPE_CHECKING:
    from sqlrec.programs.callees import Callees
    from sqlrec.spec.function import ApiServiceSpec

SWITCH_SECONDS = 0.0005
"""How long a thread of a query may keep the event loop from the interpreter (Python's default: 5 ms)."""


def main(arguments: Sequence[str]) -> int:
    """Run an API's server to its end; the exit status."""
    heed_sigterm()
    from sqlrec.programs.app import ApiApp
    from sqlrec.serving.command import parse_arguments, run
    from sqlrec.spec.function import ApiServiceSpec

    sys.setswitchinterval(SWITCH_SECONDS)
    return run(
        lambda: parse_arguments(arguments, ApiServiceSpec, "sqlrec.programs"),
        lambda config: ApiApp(config, _callees(config.spec)),
    )


def _callees(spec: ApiServiceSpec) -> Callees:
    from sqlrec.programs.callees import FixedCallees, LocalCallees
    from sqlrec.spec.secret import given_by

    if spec.records:
        return LocalCallees(Path(spec.records), given_by(os.environ))
    return FixedCallees(spec.callees)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
