"""Run many command lines in one process: ``python many_commands.py`` with JSON lists on standard input.

Starting Airflow takes seconds, so the tests of bad input share one start. Prints, for each list of
arguments, ``[status, stdout, stderr]``.
"""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

from sqlrec.cli.main import main


def call(arguments: list[str]) -> tuple[int, str, str]:
    """What the command line does in a process of its own, less the process."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main(arguments)
    return status, out.getvalue(), err.getvalue()


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(call(json.loads(line))), flush=True)
