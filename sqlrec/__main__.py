"""``python -m sqlrec`` is the ``sqlrec`` command."""

from sqlrec.cli.main import main

main()
