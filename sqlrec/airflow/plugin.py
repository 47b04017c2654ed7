"""The Airflow plugin: Airflow shows an operator's links only if a plugin registers their classes."""

from __future__ import annotations

from typing import ClassVar

from airflow.plugins_manager import AirflowPlugin

from sqlrec.airflow.links import CheckpointLink, ServiceLink


class SqlRecPlugin(AirflowPlugin):
    """Links from tasks to services and checkpoints."""

    name = "sqlrec"
    operator_extra_links: ClassVar[list[object]] = [ServiceLink(), CheckpointLink()]
