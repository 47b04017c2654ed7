"""What there is to know of a canary in a cluster: its name, and which share its pods have."""

from __future__ import annotations

from sqlrec.runtimes.kubernetes.service import service_name
from sqlrec.spec.canary import CANARY


def canary_name(service: str) -> str:
    """Name of the Deployment and the Service of a service's canary."""
    return service_name(service, CANARY)


def share_text(pods: int, stable: int) -> str:
    """``1 of 4 pods, 25%``: a Service gives every pod the same share."""
    return f"{pods} of {stable + pods} pods, {pods / (stable + pods):.0%}"
