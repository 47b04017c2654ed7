"""Airflow plugin of sqlrec: links from tasks to the things they made."""

from sqlrec.airflow.plugin import SqlRecPlugin

__all__ = ["SqlRecPlugin"]
