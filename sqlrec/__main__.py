"""``python -m sqlrec`` is the ``sqlrec`` command."""

import sys

from sqlrec.cli.main import main
from sqlrec.process import whole_process


def command() -> int:
    """The ``sqlrec`` command as a process; gives its exit status."""
    return whole_process(main)


if __name__ == "__main__":
    sys.exit(command())
