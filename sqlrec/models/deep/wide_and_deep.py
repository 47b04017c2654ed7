"""The ``tzrec.wide_and_deep`` controller."""
