"""The local runtime: jobs and services as processes of this machine."""
