"""Model types, catalogs and builders that the tests of the plan share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from sqlrec.errors import NameNotFoundError, ScriptError, suggest
from sqlrec.models.controller import ModelController, Problem, Programs
from sqlrec.plan.build import build_plan
from sqlrec.plan.catalog import Catalog
from sqlrec.plan.plan import DefineModelStep, Plan
from sqlrec.plan.scope import GetController
from sqlrec.spec.function import ApiSpec, FunctionSpec
from sqlrec.spec.job import Resources, Topology
from sqlrec.spec.model import Checkpoint, CheckpointKind, CheckpointStatus, ModelSpec
from sqlrec.spec.names import ModelName, export_name
from sqlrec.spec.options import Effective, Option, OptionKind, OptionSet, Scope
from sqlrec.spec.schema import DataType, Field, Schema

MODEL = frozenset({Scope.MODEL})
TRAIN = frozenset({Scope.MODEL, Scope.TRAIN})
OPTIONS = OptionSet(
    (
        Option(key="model", kind=OptionKind.STRING, scopes=MODEL, required=True, doc="Model type."),
        Option(key="label_columns", kind=OptionKind.STRING_LIST, scopes=MODEL, required=True, doc="Labels."),
        Option(key="layers", kind=OptionKind.INT_LIST, scopes=MODEL, default=(64, 32), doc="Widths."),
        Option(key="column.{f}.size", kind=OptionKind.INT, scopes=MODEL, minimum=1, doc="Rows of a column."),
        Option(key="epochs", kind=OptionKind.INT, scopes=TRAIN, default=1, minimum=1, doc="Passes."),
        Option(
            key="rate",
            kind=OptionKind.DOUBLE,
            scopes=TRAIN,
            default=0.1,
            minimum=0,
            doc="Step.",
            aliases=("speed",),
        ),
        Option(
            key="replicas", kind=OptionKind.INT, scopes=frozenset({Scope.SERVICE}), default=1, doc="Copies."
        ),
        Option(key="follow", kind=OptionKind.STRING, scopes=frozenset({Scope.SERVICE}), doc="Alias."),
        Option(
            key="min_auc",
            kind=OptionKind.DOUBLE,
            scopes=frozenset({Scope.EVALUATE}),
            doc="Least AUC.",
        ),
        Option(
            key="api_key",
            kind=OptionKind.STRING,
            scopes=frozenset({Scope.SERVICE, Scope.TRAIN, Scope.EXPORT}),
            sensitive=True,
            doc="Key of the store.",
        ),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeController:
    """A model type whose exports and programs a test chooses."""

    type: str = "test.rank"
    doc: str = "For tests."
    options: OptionSet = OPTIONS
    programs: Programs = Programs(train="a:b", export="a:c", evaluate="a:d")
    parts: tuple[str, ...] = ()

    def outputs(self, columns: Schema, options: dict[str, object]) -> Schema:
        return Schema((Field(name="probs", type=DataType.parse("FLOAT")),))

    def check(self, model: ModelSpec) -> Iterator[Problem]:
        if not model.labels:
            yield Problem(code="SR499", message="no label", option="label_columns")
        if not len(model.features):
            yield Problem(code="SR498", message="no features")
        for column in model.columns:
            if column.type.kind == "MAP":
                yield Problem(code="SR497", message="a map", column=column.name)
        if "layers" in model.options:
            yield Problem(code="SR496", message="own layers", option="Layers", hint="none", warning=True)

    def exports(self, checkpoint: str) -> tuple[str, ...]:
        return tuple(export_name(checkpoint, part) for part in self.parts) or (export_name(checkpoint),)

    def resources(self, options: dict[str, Effective]) -> Resources:
        return Resources()

    def topology(self, options: dict[str, Effective]) -> Topology:
        return Topology()


CONTROLLERS: Mapping[str, ModelController] = {
    "test.rank": FakeController(),
    "test.towers": FakeController(type="test.towers", parts=("item", "user")),
    "test.file": FakeController(type="test.file", programs=Programs(bring="a:e")),
    "test.external": FakeController(type="test.external", programs=Programs()),
}


def get_fake(model_type: str) -> ModelController:
    if model_type.casefold() not in CONTROLLERS:
        hint = suggest(model_type, CONTROLLERS)
        raise NameNotFoundError("SR204", f"unknown model type {model_type!r}", hint=hint)
    return CONTROLLERS[model_type.casefold()]


@dataclass(slots=True)
class FakeCatalog:
    """A registry in memory."""

    specs: list[ModelSpec] = field(default_factory=list)
    versions: list[Checkpoint] = field(default_factory=list)
    served: dict[str, Checkpoint] = field(default_factory=dict)
    beside: dict[str, tuple[Checkpoint, ...]] = field(default_factory=dict)
    named: dict[tuple[str, str], Checkpoint] = field(default_factory=dict)
    specified: list[FunctionSpec] = field(default_factory=list)
    exposed: list[ApiSpec] = field(default_factory=list)
    closed: bool = True

    def model(self, name: ModelName) -> ModelSpec | None:
        return next((spec for spec in self.specs if spec.name == name), None)

    def models(self) -> tuple[str, ...]:
        return tuple(spec.name.full for spec in self.specs)

    def checkpoint(self, model: ModelName, name: str) -> Checkpoint | None:
        found = [c for c in self.checkpoints(model) if c.name.casefold() == name.casefold()]
        return found[-1] if found else None

    def checkpoints(self, model: ModelName) -> tuple[Checkpoint, ...]:
        return tuple(c for c in self.versions if c.model == model)

    def service(self, name: str) -> Checkpoint | None:
        return self.served.get(name.casefold())

    def others(self, service: str) -> tuple[Checkpoint, ...]:
        return self.beside.get(service.casefold(), ())

    def services(self) -> tuple[str, ...]:
        return tuple(self.served)

    def aliases(self, model: ModelName) -> dict[str, Checkpoint]:
        return {alias: made for (key, alias), made in self.named.items() if key == model.key}

    def function(self, name: str) -> FunctionSpec | None:
        return next((f for f in self.specified if f.name.casefold() == name.casefold()), None)

    def functions(self) -> tuple[str, ...]:
        return tuple(f.name for f in self.specified)

    def api(self, name: str) -> ApiSpec | None:
        return next((a for a in self.exposed if a.name.casefold() == name.casefold()), None)

    def apis(self) -> tuple[str, ...]:
        return tuple(a.name for a in self.exposed)

    def add(self, plan: Plan) -> FakeCatalog:
        """Register the models that a plan defines."""
        self.specs += [step.model for step in plan.steps if isinstance(step, DefineModelStep)]
        return self

    def put(
        self,
        name: str,
        kind: CheckpointKind = CheckpointKind.ORIGIN,
        *,
        model: str = "m",
        parent: str = "",
        status: CheckpointStatus = CheckpointStatus.SUCCEEDED,
        service: str = "",
    ) -> FakeCatalog:
        """Register a version, and serve it."""
        made = Checkpoint(
            model=ModelName.of(model),
            name=name,
            kind=kind,
            status=status,
            version=len(self.versions) + 1,
            uri=f"/{name}",
            parent=parent,
        )
        self.versions.append(made)
        if service:
            self.served[service] = made
        return self


Compile = Callable[..., Plan]
Findings = Callable[..., list[str]]
DEDUP = """
CREATE SQL FUNCTION dedup;
DEFINE INPUT TABLE t (id BIGINT);
CACHE TABLE r AS SELECT DISTINCT id FROM t;
RETURN r;
"""
"""A function, for scripts that call one."""


def compile_text(text: str, catalog: Catalog | None = None) -> Plan:
    return build_plan(text, path="x.sql", name="x", catalog=catalog, controllers=get_fake)


def shown(error: ScriptError) -> Iterable[str]:
    """``CODE 'the text it points at' message | hint`` of each finding."""
    for d in error.diagnostics:
        mark = "~" if d.severity == "warning" else ""
        hint = f" | {d.hint}" if d.hint else ""
        yield f"{mark}{d.code} `{error.text[d.span.start : d.span.end]}` {d.message}{hint}"


@pytest.fixture
def fake_types() -> GetController:
    """The fake model types."""
    return get_fake


@pytest.fixture
def compiled() -> Compile:
    """A script's plan over the fake model types."""
    return compile_text


@pytest.fixture
def findings() -> Findings:
    """What is wrong with a script, a line each; empty when it compiles."""

    def find(text: str, catalog: Catalog | None = None) -> list[str]:
        try:
            compile_text(text, catalog)
        except ScriptError as error:
            return list(shown(error))
        return []

    return find


@pytest.fixture
def catalog() -> FakeCatalog:
    """An empty, closed catalog."""
    return FakeCatalog()


@pytest.fixture
def known() -> FakeCatalog:
    """A closed catalog with model ``m (u INT, y INT)`` of type test.rank."""
    return FakeCatalog().add(
        compile_text("CREATE MODEL m (u INT, y INT) WITH (model = 'test.rank', label_columns = 'y')")
    )
