"""Steps that serve exports of ``ctr`` as the service ``rank``, and what tests look at after them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlrec.plan.changes import Member, ServiceChange
from sqlrec.plan.plan import AlterServiceStep, DeployStep, ExportStep, RollbackStep, TrainStep
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import OptionValue
from sqlrec.spec.table import Relation
from tests.execution.steps import World

CTR = ModelName.of("ctr")
BASE: Mapping[str, Any] = {"line": 1, "sql": ""}


def train(name: str) -> TrainStep:
    """TRAIN MODEL."""
    return TrainStep(id=f"train_{name}", model=CTR, checkpoint=name, data=Relation(query="SELECT 1"), **BASE)


def export(name: str) -> ExportStep:
    """EXPORT MODEL, as ``{name}_export``."""
    return ExportStep(id=f"export_{name}", model=CTR, checkpoint=name, exports=(f"{name}_export",), **BASE)


def deploy(checkpoint: str = "", *others: str, service: str = "rank", **options: OptionValue) -> DeployStep:
    """CREATE OR REPLACE SERVICE of one or more checkpoints of the model."""
    return DeployStep(
        id="_".join(("deploy", service, checkpoint, *others)),
        service=service,
        model=CTR,
        checkpoint=checkpoint,
        others=tuple(Member(model=CTR, checkpoint=other) for other in others),
        replace=True,
        options=options,
        **BASE,
    )


def alter(change: ServiceChange, *, service: str = "rank", if_exists: bool = False) -> AlterServiceStep:
    """ALTER SERVICE."""
    return AlterServiceStep(
        id=f"alter_{service}", service=service, change=change, if_exists=if_exists, **BASE
    )


def rollback(checkpoint: str = "", service: str = "rank") -> RollbackStep:
    """ROLLBACK SERVICE."""
    return RollbackStep(id=f"roll_back_{service}", service=service, checkpoint=checkpoint, **BASE)


def now(world: World) -> tuple[str, int]:
    """Checkpoint and replicas of the service, in the registry and as it runs."""
    served, spec = world.registry.service("rank"), world.services.applied[-1]
    assert served is not None
    assert (served.name, served.version) == (spec.checkpoint, spec.version)
    return served.name, spec.replicas


def forget(world: World, step: AlterServiceStep | RollbackStep) -> None:
    """Leave the run as a kill before the step's outcome was written leaves it."""
    for file in world.env.runs.rglob(f"{step.id}.json"):
        file.unlink()
