"""``pipeline.config`` beside the spec of every job of a ``tzrec.*`` model, whoever trains it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from sqlrec.artifacts.folder import progress_place
from sqlrec.errors import OptionError, SetupError
from sqlrec.models.controller import Problem
from sqlrec.models.deep.controllers import deep_model
from sqlrec.models.deep.options import CONFIG, TRAINER, TZREC
from sqlrec.models.deep.pipeline.document import FILE, MODEL_DIR, Places, Subject, document
from sqlrec.spec.job import ExportWork, TrainWork
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import Parsed, Scope


def files(work: TrainWork | ExportWork, output_uri: str) -> Mapping[str, str]:
    """The file of a job. Raises ``OptionError`` SR380 … SR382 for what TorchEasyRec would do and cannot."""
    subject = Subject.of(work, deep_model(work.model.type))
    if is_theirs(work):
        require_sayable(subject)
    return {FILE: document(subject, places(work, output_uri))}


def is_theirs(work: TrainWork | ExportWork) -> bool:
    """Whether TorchEasyRec does the job."""
    return work.options.get(TRAINER.key, TRAINER.default) == TZREC


def written_config(work: TrainWork | ExportWork) -> str:
    """The text of the file that the job is told to follow, or nothing. Raises ``SetupError`` SR385."""
    path = str(work.options.get(CONFIG.key) or "")
    try:
        return Path(path).read_text(encoding="utf-8") if path else ""
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(
            "SR385", f"cannot read {path}: {error}", hint="pipeline_config is a path that the job can read"
        ) from None


def require_sayable(subject: Subject) -> None:
    """Raises the first of the problems, and tells how many there are."""
    found = list(subject.problems())
    if found:
        more = f", and {len(found) - 1} more" if found[1:] else ""
        raise OptionError(found[0].code, f"{found[0].message}{more}", hint=found[0].hint)


def places(work: TrainWork | ExportWork, output_uri: str) -> Places:
    """Where the rows and the model of a job lie: beside its output, where it keeps what lets it go on."""
    beside = f"{progress_place(output_uri)}/tzrec"
    is_training = isinstance(work, TrainWork)
    base = work.base_uri if isinstance(work, TrainWork) else work.source_uri
    return Places(
        train=f"{beside}/rows/train/*.parquet",
        evaluation=f"{beside}/rows/eval/*.parquet",
        model=f"{beside}/model" if is_training else f"{base}/{MODEL_DIR}",
        base=f"{base}/{MODEL_DIR}" if is_training and base else "",
    )


def problems(model: ModelSpec, scope: Scope, options: Mapping[str, Parsed]) -> Iterator[Problem]:
    """What TorchEasyRec cannot do of a statement, where the statement or the model names it."""
    if options.get(TRAINER.key) != TZREC:
        return
    kind = deep_model(model.type)
    known = set(kind.check(model))
    found = Subject.defined(model, kind, options, scope).problems()
    yield from (problem for problem in found if problem not in known)
