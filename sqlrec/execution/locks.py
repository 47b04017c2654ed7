"""One change of a service at a time, whichever process makes it, and on whatever machine it can be made."""

from __future__ import annotations

from contextlib import AbstractContextManager

from sqlrec.execution.environment import Environment


def service_lock(env: Environment, service: str) -> AbstractContextManager[None]:
    """Hold a service; a killed holder keeps nobody out for long."""
    return env.services.lock(service)
