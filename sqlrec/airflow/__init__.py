"""Plan → DAG → task."""
