"""Models that are brought as a file: ``WITH (type = 'import', …)``."""
