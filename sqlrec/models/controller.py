"""What a model type tells the rest of sqlrec.

Controllers describe, runtimes render: a controller never sees Kubernetes or a process, and never
imports a heavy library. The heavy half is named by dotted path (:class:`Programs`) and imported inside
a job only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sqlrec.spec.job import EvaluateWork, ExportWork, ImportWork, JobResult, Resources, Topology, TrainWork
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import Effective, OptionSet
from sqlrec.spec.schema import Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something wrong with a model definition. ``option`` or ``column`` says where it was written."""

    code: str
    message: str
    hint: str = ""
    option: str = ""
    column: str = ""
    warning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """Dotted paths (``package.module:function``) of the heavy half; empty when not supported.

    ``train(work: TrainWork, output: Path, progress: Progress) -> JobResult``,
    ``export(work: ExportWork, output: Path, progress: Progress) -> JobResult``,
    ``evaluate(work: EvaluateWork, output: Path, progress: Progress) -> JobResult`` and
    ``bring(work: ImportWork, output: Path, progress: Progress) -> JobResult`` write their files into
    the empty folder ``output``. ``bring`` is of types whose models are made elsewhere: it runs when the model
    is created and makes an export. A type that can be evaluated declares the options of
    :mod:`sqlrec.models.measuring.measures`, and its program gives the metrics by those names.

    Two are light, since they are asked before a job (see :mod:`sqlrec.models.beside`):
    ``files(work: TrainWork | ExportWork, uri: str) -> Mapping[str, str]`` are files beside its spec, and
    ``problems(model: ModelSpec, scope: Scope, options: Mapping[str, Parsed]) -> Iterable[Problem]`` is what
    is wrong with the effective options of a statement, beyond what is wrong with the definition.
    """

    train: str = ""
    export: str = ""
    evaluate: str = ""
    bring: str = ""
    files: str = ""
    problems: str = ""


class Progress(Protocol):
    """Where a program tells how far it is; one line a call in the job's log."""

    def __call__(self, message: str, *, done: float | None = None) -> None:
        """Report ``message``; ``done`` is the finished share, 0 to 1, when known."""


class TrainProgram(Protocol):
    """Signature of ``Programs.train``."""

    def __call__(self, work: TrainWork, output: Path, progress: Progress) -> JobResult:
        """Train into the empty folder ``output``."""


class ExportProgram(Protocol):
    """Signature of ``Programs.export``."""

    def __call__(self, work: ExportWork, output: Path, progress: Progress) -> JobResult:
        """Export into the empty folder ``output``."""


class BringProgram(Protocol):
    """Signature of ``Programs.bring``."""

    def __call__(self, work: ImportWork, output: Path, progress: Progress) -> JobResult:
        """Make a model file an export, in the empty folder ``output``."""


class EvaluateProgram(Protocol):
    """Signature of ``Programs.evaluate``."""

    def __call__(self, work: EvaluateWork, output: Path, progress: Progress) -> JobResult:
        """Measure a checkpoint; numbers and plots go into the empty folder ``output``."""


class ModelController(Protocol):
    """The light half of a model type."""

    @property
    def type(self) -> str:
        """Name in ``WITH (model = '…')``."""

    @property
    def doc(self) -> str:
        """One sentence for the reference."""

    @property
    def options(self) -> OptionSet:
        """All options of the type, over all scopes."""

    @property
    def programs(self) -> Programs:
        """The heavy half."""

    def outputs(self, columns: Schema, options: dict[str, object]) -> Schema:
        """Columns that a service of such a model answers."""

    def check(self, model: ModelSpec) -> Iterable[Problem]:
        """All that is wrong with a definition, beyond what the option declarations say."""

    def exports(self, checkpoint: str) -> tuple[str, ...]:
        """Names of the checkpoints that exporting ``checkpoint`` makes."""

    def resources(self, options: dict[str, Effective]) -> Resources:
        """Requests and limits of a job or service with these effective options."""

    def topology(self, options: dict[str, Effective]) -> Topology:
        """Nodes and processes of a job with these effective options."""
