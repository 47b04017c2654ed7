"""What a model type says of a job before it runs: files beside its spec, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import cast

from sqlrec.models.controller import Problem
from sqlrec.models.lookup import get_controller, load
from sqlrec.spec.job import ExportWork, JobSpec, TrainWork, Work
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import Parsed, Scope

Files = Callable[[Work, str], Mapping[str, str]]
Problems = Callable[[ModelSpec, Scope, Mapping[str, Parsed]], Iterable[Problem]]


def job_files(job: JobSpec) -> Mapping[str, str]:
    """Texts of files that lie beside the job's spec, by name.

    Raises ``OptionError`` for a job that its trainer cannot do.
    """
    if not isinstance(job.work, TrainWork | ExportWork):
        return {}
    path = get_controller(job.work.model.type).programs.files
    return cast(Files, load(path))(job.work, job.output_uri) if path else {}


def job_problems(model: ModelSpec, scope: Scope, options: Mapping[str, Parsed]) -> Iterable[Problem]:
    """What is wrong with the effective options of a statement of ``scope`` about a model."""
    path = get_controller(model.type).programs.problems
    return cast(Problems, load(path))(model, scope, options) if path else ()
