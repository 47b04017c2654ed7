"""Programs inside a job container: ``python -m sqlrec.jobs --spec …``."""
