"""Links from a task in Airflow's UI to what it made."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperatorLink


class ServiceLink(BaseOperatorLink):
    """From a deployment to the metrics of the service it left running."""

    name = "Service"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The service's metrics page; empty before the task is done."""
        url = str(_facts(operator).get("url", ""))
        return url.removesuffix("/predict") + "/metrics" if url else ""


class CheckpointLink(BaseOperatorLink):
    """From a registration to the model's page in MLflow, where a tracking server shows one."""

    name = "MLflow"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The model's page; empty for an embedded registry, which has no server."""
        facts = _facts(operator)
        server = str(facts.get("tracking", ""))
        return f"{server}/#/models/{facts['registered']}" if server else ""


def _facts(operator: Any) -> dict[str, str]:
    """Facts of the outcome, on the operator that has just run."""
    return getattr(operator, "facts", None) or {}
