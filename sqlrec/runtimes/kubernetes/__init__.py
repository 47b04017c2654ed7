"""The Kubernetes runtime: jobs and services as objects of a cluster."""
