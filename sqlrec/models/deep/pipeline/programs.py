"""Training and export of ``tzrec.*`` models: by sqlrec's own programs or by TorchEasyRec, as the job says.

Neither half is imported unless it is used: TorchEasyRec's image has no onnx, ours no TorchEasyRec.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar, cast

from sqlrec.artifacts.cache import local_copy
from sqlrec.errors import StateError
from sqlrec.models.controller import ExportProgram, Progress, TrainProgram
from sqlrec.models.deep.controllers import deep_model
from sqlrec.models.deep.options import SQLREC, TZREC
from sqlrec.models.deep.pipeline.document import FILE, MODEL_DIR
from sqlrec.models.deep.pipeline.files import is_theirs, written_config
from sqlrec.models.deep.pipeline.reading import followed
from sqlrec.models.lookup import load
from sqlrec.spec.job import ExportWork, JobResult, TrainWork

WorkT = TypeVar("WorkT", TrainWork, ExportWork)

THEIRS = "sqlrec.models.deep.pipeline.torcheasyrec"


def train(work: TrainWork, output: Path, progress: Progress) -> JobResult:
    """Train ``work.model`` into the empty folder ``output``.

    Raises the errors of the program that does it, those of
    :func:`~sqlrec.models.deep.pipeline.reading.followed` for the job's file, and ``StateError`` SR384 for
    a base that another trainer made.
    """
    if work.base_uri:
        _require_own(work.base_uri, work)
    if is_theirs(work):
        return cast(TrainProgram, load(f"{THEIRS}:train"))(work, output, progress)
    wanted = _followed(work, progress)
    return cast(TrainProgram, load(deep_model(work.model.type).native.train))(wanted, output, progress)


def export(work: ExportWork, output: Path, progress: Progress) -> JobResult:
    """Export the checkpoint at ``work.source_uri`` into the empty folder ``output``; errors as above."""
    _require_own(work.source_uri, work)
    if is_theirs(work):
        return cast(ExportProgram, load(f"{THEIRS}:export"))(work, output, progress)
    wanted = _followed(work, progress)
    return cast(ExportProgram, load(deep_model(work.model.type).native.export))(wanted, output, progress)


def _followed(work: WorkT, progress: Progress) -> WorkT:
    """The job as its file wants it; what that changes is told."""
    text = written_config(work)
    if not text:
        return work
    changed = followed(text, work, deep_model(work.model.type))
    for key, value in changed.options.items():
        if value != work.options.get(key):
            progress(f"{FILE} sets {key} = {value}")
    return changed


def _require_own(uri: str, work: TrainWork | ExportWork) -> None:
    """A checkpoint goes on, and is exported, with the trainer that made it."""
    is_torcheasyrecs = (local_copy(uri) / MODEL_DIR).is_dir()
    if is_torcheasyrecs == is_theirs(work):
        return
    made, asked = (TZREC, SQLREC) if is_torcheasyrecs else (SQLREC, TZREC)
    raise StateError(
        "SR384",
        f"the checkpoint was trained with trainer = {made!r}, and the job has {asked!r}",
        hint=f"add WITH (trainer = {made!r})",
    )
