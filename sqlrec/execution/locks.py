"""One change of a service at a time on this machine, whichever process makes it."""

from __future__ import annotations

from contextlib import AbstractContextManager

from sqlrec.artifacts.durable import locked
from sqlrec.execution.environment import Environment
from sqlrec.spec.names import slug


def service_lock(env: Environment, service: str) -> AbstractContextManager[None]:
    """Hold a service; the lock ends with the process, so a killed one leaves none behind."""
    return locked(env.settings.work_dir / "locks" / f"service-{slug(service)}")
