"""Jobs: what a runtime is asked to run, and what comes back.

A :class:`JobSpec` goes down as ``spec.json``; ``result.json`` (:class:`JobResult`) and the files of the
output folder come back. Nothing else passes between control plane and data plane.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sqlrec.spec.access import Access
from sqlrec.spec.model import CheckpointKind, ModelSpec
from sqlrec.spec.options import Parsed
from sqlrec.spec.pod import Pod
from sqlrec.spec.table import Relation, TableSource


class JobKind(StrEnum):
    """What a job does."""

    TRAIN = "train"
    EXPORT = "export"
    IMPORT = "import"
    EVALUATE = "evaluate"
    SCORE = "score"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Requests and limits in Kubernetes quantities; empty limits are not set."""

    cpu: str = "1"
    memory: str = "2Gi"
    cpu_limit: str = ""
    memory_limit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """``nodes`` machines with ``processes_per_node`` processes each, joined by torchrun when over one."""

    nodes: int = 1
    processes_per_node: int = 1
    master_port: int = 29500


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainWork:
    """Train ``model`` on ``data``; options are the effective ones, by canonical key.

    ``base_uri`` is the folder of the checkpoint to continue from. Without ``validation`` a share of
    the data (option ``validation_fraction``) is held out.
    """

    model: ModelSpec
    checkpoint: str
    data: Relation
    validation: Relation | None = None
    base_uri: str = ""
    options: Mapping[str, Parsed] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportWork:
    """Export the training checkpoint at ``source_uri``; ``sample`` rows calibrate and prove parity."""

    model: ModelSpec
    checkpoint: str
    source_uri: str
    sample: Relation | None = None
    options: Mapping[str, Parsed] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportWork:
    """Make the file at ``source_uri`` (a path, or a URI of fsspec) an export of ``model``."""

    model: ModelSpec
    checkpoint: str
    source_uri: str
    options: Mapping[str, Parsed] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateWork:
    """Measure the checkpoint at ``source_uri`` on the rows of ``data``; ``kind`` says what its files are.

    ``model`` is the definition the checkpoint was made from.
    """

    model: ModelSpec
    checkpoint: str
    kind: CheckpointKind
    source_uri: str
    data: Relation
    options: Mapping[str, Parsed] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreWork:
    """Score ``inputs`` through the service at ``url`` into ``output``.

    ``query`` is the one-row query table of ``call_service_with_qv``. ``features`` and ``outputs`` are
    the model's, as the service's checkpoint declares them. ``columns`` are the columns of the features in
    their order; without them a feature is found by its name. ``headers`` go with each request; they may be
    secrets, so such work is never written down. ``access`` is what the service asks of its callers.
    """

    service: str
    url: str
    model: ModelSpec
    inputs: Relation
    query: Relation | None = None
    output: TableSource
    columns: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    access: Access | None = None
    options: Mapping[str, Parsed] = field(default_factory=dict)


Work = TrainWork | ExportWork | ImportWork | EvaluateWork | ScoreWork


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """One job. ``id`` names the work: submitting the same id again never runs it twice.

    ``output_uri`` is where the output folder appears, whole or not at all, with ``result.json`` in it.
    """

    id: str
    kind: JobKind
    work: Work
    output_uri: str
    resources: Resources = Resources()
    topology: Topology = Topology()
    env: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    pod: Pod = Pod()


class JobState(StrEnum):
    """State of a submitted job."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"

    @property
    def finished(self) -> bool:
        """Whether the state is final."""
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobHandle:
    """A submitted job, by id; serialisable, so that another process may watch or cancel it.

    ``place`` (a namespace) and ``output_uri`` spare a runtime that keeps nothing the search for them.
    """

    id: str
    runtime: str
    place: str = ""
    output_uri: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """One value of a metric over training: ``step`` counts optimiser steps or epochs, from 1."""

    name: str
    step: int
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """What a finished job reports. ``files`` maps relative paths of the output to SHA-256 digests."""

    rows: int = 0
    seconds: float = 0.0
    metrics: Mapping[str, float] = field(default_factory=dict)
    curves: tuple[CurvePoint, ...] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
