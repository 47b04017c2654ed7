"""The evaluation program of two towers.

Both are needed: a tower by itself says where a user or an item lies, and not what is near to it.
"""

from __future__ import annotations

from pathlib import Path

from sqlrec.errors import JobError
from sqlrec.models.controller import Progress
from sqlrec.models.deep.dssm import sides_of
from sqlrec.models.measuring import evaluation
from sqlrec.models.measuring.evaluation import Opened
from sqlrec.models.objective import Objective
from sqlrec.spec.job import EvaluateWork, JobResult
from sqlrec.spec.model import CheckpointKind
from sqlrec.spec.schema import Schema


def evaluate(work: EvaluateWork, output: Path, progress: Progress) -> JobResult:
    """See :func:`sqlrec.models.measuring.evaluation.evaluate`; the candidates are all items known.

    Those are the items of the training and of the evaluated rows. Raises ``JobError`` SR561 for the export
    of one tower, too.
    """
    if work.kind is not CheckpointKind.ORIGIN:
        origin = work.checkpoint.rpartition("/")[0].removesuffix("_export")
        raise JobError(
            "SR561",
            f"{work.checkpoint} of {work.model.name} is one tower: it cannot be measured without the other",
            hint=f"evaluate CHECKPOINT = '{origin}', the training checkpoint, which has both",
        )
    return evaluation.evaluate(work, output, progress, open_origin=_opened)


def _opened(folder: Path) -> Opened:
    from sqlrec.models.deep import checkpoint
    from sqlrec.models.deep.towers.items import beside, load_items

    trained = checkpoint.load(folder)
    sides = sides_of(trained.model)
    columns = tuple(column.name for column in trained.encoder.inputs)
    others = Schema(
        tuple(f for f in trained.model.features if f.name in columns and f.name not in sides.item)
    )
    return Opened(
        objective=Objective.RETRIEVAL,
        columns=columns,
        score=trained.predict,
        items=(sides.item_id,),
        candidates=beside(load_items(folder), others),
    )
