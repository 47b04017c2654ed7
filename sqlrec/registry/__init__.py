"""Models, checkpoints and services on MLflow."""
