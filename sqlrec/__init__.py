"""sqlrec: SQL scripts about machine-learning models as running, scheduled, observable pipelines."""

__version__ = "0.1.0"
