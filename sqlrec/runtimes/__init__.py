"""Where jobs and services run."""
