"""Options of how a service is rolled out and how many pods it has, for runtimes that have pods."""

from __future__ import annotations

from sqlrec.spec.canary import CANARY
from sqlrec.spec.options import Option, OptionKind, Scope

SERVICE = frozenset({Scope.SERVICE})


def rollout_options() -> tuple[Option, ...]:
    """For every model type whose services run in pods."""
    return (
        Option(
            key="max_replicas",
            kind=OptionKind.INT,
            doc="Copies up to which an autoscaler may go, from replicas on; unset: no autoscaler.",
            scopes=SERVICE,
            minimum=2,
        ),
        Option(
            key="target_cpu",
            kind=OptionKind.INT,
            doc="Percent of the requested CPU that the autoscaler keeps the copies at.",
            scopes=SERVICE,
            default=70,
            minimum=1,
            maximum=100,
        ),
        Option(
            key="progress_deadline",
            kind=OptionKind.DURATION,
            doc="How long a rollout may go without progress before it counts as failed and is taken back.",
            scopes=SERVICE,
            default=600.0,
            minimum=1,
        ),
        Option(
            key="drain",
            kind=OptionKind.DURATION,
            doc="How long a pod that is to go serves on, for callers that have not heard of it yet.",
            scopes=SERVICE,
            default=5.0,
            minimum=1,
            maximum=3600,
        ),
        Option(
            key=CANARY,
            kind=OptionKind.STRING,
            doc="With SET CHECKPOINT: the share of requests that the checkpoint gets, such as '10%', until"
            " PROMOTE or ROLLBACK.",
            scopes=SERVICE,
        ),
    )
