"""``python -m sqlrec`` is the ``sqlrec`` command."""

import sys

from sqlrec.cli.main import main

sys.exit(main())
