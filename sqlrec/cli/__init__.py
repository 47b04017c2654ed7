"""The ``sqlrec`` command."""
