"""The plan: frozen data that the DAG builder, the explainer and the runners read.

Strings of a step may hold templates (``'{{ ds_nodash }}'``); they are rendered when the step runs.
A reference to a secret (``{{ secret.x }}``) is held as ``secret:x`` so that no template engine sees it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sqlrec.errors import Diagnostic
from sqlrec.plan.changes import Member, ModelChange, ServiceChange
from sqlrec.spec import codec
from sqlrec.spec.function import ApiSpec, FunctionSpec, Program
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import OptionValue
from sqlrec.spec.table import Relation, TableSource
from sqlrec.sql.statements import ObjectKind


class RefKind(StrEnum):
    """Kinds of things a step reads or writes."""

    TABLE = "table"
    MODEL = "model"
    CHECKPOINT = "checkpoint"
    SERVICE = "service"
    FUNCTION = "function"
    API = "api"
    GATE = "gate"
    """Passed when an ASSERT holds; all steps after it read it."""


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """A thing read or written: ``checkpoint sqlrec.default.m@v1``, ``table behavior_sample``."""

    kind: RefKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What every step has. ``id`` is stable: it depends on what the step does, not on where it stands.

    ``upstream`` are ids of steps that must have succeeded; ``line`` is where the statement begins;
    ``sql`` is its canonical text.
    """

    id: str
    line: int
    sql: str
    reads: tuple[Ref, ...] = ()
    writes: tuple[Ref, ...] = ()
    upstream: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DefineModelStep(Base):
    """CREATE [OR REPLACE] [TEMPORARY] MODEL. A temporary one is known to the script or session alone.

    ``data`` is what AS query gives, whose columns become the model's.
    """

    model: ModelSpec
    data: Relation | None = None
    replace: bool = False
    if_not_exists: bool = False
    temporary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainStep(Base):
    """TRAIN MODEL, or AS query. ``options`` are those of the statement; ``base`` is the checkpoint of FROM.

    With ``if_absent`` a checkpoint of that name is kept.
    """

    model: ModelName
    checkpoint: str
    data: Relation
    validation: Relation | None = None
    base: str = ""
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    if_absent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportStep(Base):
    """EXPORT MODEL, likewise. ``exports`` are the names of the checkpoints it makes."""

    model: ModelName
    checkpoint: str
    exports: tuple[str, ...]
    sample: Relation | None = None
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    if_absent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportStep(Base):
    """CREATE MODEL of a file that was made elsewhere: it becomes the export named ``checkpoint``."""

    model: ModelName
    checkpoint: str
    if_absent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployStep(Base):
    """CREATE [OR REPLACE] SERVICE. An empty ``checkpoint`` means that none was named.

    ``others`` are the models after the first one of ON MODELS.
    """

    service: str
    model: ModelName
    checkpoint: str
    others: tuple[Member, ...] = ()
    replace: bool = False
    if_not_exists: bool = False
    options: Mapping[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DropModelStep(Base):
    """DROP [TEMPORARY] MODEL. ``absent``: there is no temporary model of that name at this place."""

    model: ModelName
    if_exists: bool = False
    temporary: bool = False
    absent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DropServiceStep(Base):
    """DROP SERVICE."""

    service: str
    if_exists: bool = False


class Inspection(StrEnum):
    """What an :class:`InspectStep` shows."""

    SHOW = "show"
    DESCRIBE = "describe"
    SHOW_CREATE = "show create"


class QueryMode(StrEnum):
    """What becomes of a query's rows."""

    SELECT = "select"
    CACHE = "cache"
    APPEND = "append"
    OVERWRITE = "overwrite"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryStep(Base):
    """SELECT, CACHE TABLE … AS query, INSERT INTO / OVERWRITE. ``target`` is None for SELECT."""

    mode: QueryMode
    query: Relation
    target: TableSource | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreStep(Base):
    """CALL call_service / call_service_with_qv. ``target`` is the cached result, if it has a name."""

    service: str
    inputs: Relation
    query: Relation | None = None
    target: TableSource | None = None
    options: Mapping[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlterModelStep(Base):
    """ALTER MODEL."""

    model: ModelName
    change: ModelChange
    if_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateStep(Base):
    """EVALUATE MODEL. ``options`` are those of the statement."""

    model: ModelName
    checkpoint: str
    data: Relation
    options: Mapping[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlterServiceStep(Base):
    """ALTER SERVICE."""

    service: str
    change: ServiceChange
    if_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackStep(Base):
    """ROLLBACK SERVICE. An empty ``checkpoint`` means the one served before."""

    service: str
    checkpoint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectStep(Base):
    """SHOW, DESCRIBE, SHOW CREATE: rows about what there is.

    ``name`` is what DESCRIBE or SHOW CREATE names, or stands after FROM or IN of SHOW (a model for
    checkpoints, else ``catalog.database``; empty: the current one, in ``database``). ``temporary`` are the
    temporary models in force, ``settings`` the settings, each only where the statement is about them.
    """

    action: Inspection
    kind: ObjectKind
    name: str = ""
    database: str = ""
    checkpoint: str = ""
    formatted: bool = False
    like: str = ""
    negated: bool = False
    temporary: tuple[ModelSpec, ...] = ()
    settings: Mapping[str, OptionValue] = field(default_factory=dict)
    tables: Mapping[str, TableSource] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainStep(Base):
    """EXPLAIN: what ``step`` would do; it is not done."""

    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertStep(Base):
    """ASSERT: fails unless every value of the query's rows, at least one, is true."""

    query: Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class IfStep(Base):
    """IF: one branch or the other, in one task. See :class:`sqlrec.sql.statements.If`.

    When the condition is false and there is no ELSE, a table that THEN caches is cached without rows.
    """

    condition: Relation
    then: Step
    otherwise: Step | None = None
    timein: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DefineFunctionStep(Base):
    """CREATE [OR REPLACE] SQL FUNCTION … RETURN: registers the function; calls are in place already."""

    function: FunctionSpec
    replace: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DropFunctionStep(Base):
    """DROP SQL FUNCTION."""

    function: str
    if_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DefineApiStep(Base):
    """CREATE [OR REPLACE] API."""

    api: ApiSpec
    replace: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DropApiStep(Base):
    """DROP API."""

    api: str
    if_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkedCallStep(Base):
    """CALL function(…) PARTITION BY table SIZE n: the program runs for at most ``size`` rows at a time.

    ``arguments`` are the tables for the program's inputs, by input name; ``chunked`` is the input that is
    divided, empty for a call as a whole. ``without_rows``: only the columns of the result are wanted, as
    when an IF does not come to the call; then the program does not run.
    """

    program: Program
    arguments: Mapping[str, Relation]
    chunked: str
    size: int
    target: TableSource | None = None
    without_rows: bool = False


Step = (
    DefineModelStep
    | AlterModelStep
    | DropModelStep
    | TrainStep
    | ExportStep
    | ImportStep
    | EvaluateStep
    | DeployStep
    | AlterServiceStep
    | RollbackStep
    | DropServiceStep
    | QueryStep
    | ScoreStep
    | ChunkedCallStep
    | AssertStep
    | IfStep
    | InspectStep
    | ExplainStep
    | DefineFunctionStep
    | DropFunctionStep
    | DefineApiStep
    | DropApiStep
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """``DECLARE name TYPE DEFAULT value``: a value the user gives at trigger time.

    ``type`` is the SQL type; ``default`` None means that a value must be given.
    """

    name: str
    type: str
    default: OptionValue | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole script. ``settings`` are its SET statements; ``name`` is the script's stem."""

    name: str
    path: str
    steps: tuple[Step, ...]
    params: tuple[Param, ...] = ()
    tables: Mapping[str, TableSource] = field(default_factory=dict)
    settings: Mapping[str, OptionValue] = field(default_factory=dict)
    warnings: tuple[Diagnostic, ...] = ()
    source: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of what the plan does; comments, blank lines and the file's place do not count."""
        steps = tuple(bare(step) for step in self.steps)
        facts = replace(self, path="", steps=steps, warnings=(), source="")
        return hashlib.sha256(codec.dumps(facts).encode()).hexdigest()

    def step(self, step_id: str) -> Step:
        """The step of that id; ``KeyError`` when there is none."""
        return next((s for s in self.steps if s.id == step_id), None) or _no_step(step_id)


def bare(step: Step) -> Step:
    """The step without what only tells where it stands and how it is written."""
    match step:
        case IfStep():
            otherwise = bare(step.otherwise) if step.otherwise else None
            return replace(step, line=0, sql="", then=bare(step.then), otherwise=otherwise)
        case ExplainStep():
            return replace(step, line=0, sql="", step=bare(step.step))
        case _:
            return replace(step, line=0, sql="")


def _no_step(step_id: str) -> Step:
    raise KeyError(step_id)
