"""SQL functions: pipelines over tables, as stored, and as the programs that run them.

A program is a function with everything resolved: the predict server runs it for an API, and a step runs it
for a call that is made in chunks. Its tables live in memory; those of ``sources`` with the format ``cache``
are the program's own, by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sqlrec.spec.access import Access
from sqlrec.spec.job import Resources
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import OptionValue, Parsed
from sqlrec.spec.pod import Pod
from sqlrec.spec.schema import Schema
from sqlrec.spec.table import Relation, TableSource


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionInput:
    """DEFINE INPUT TABLE: a name, and the columns a table given for it must have."""

    name: str
    columns: Schema = field(default_factory=Schema)
    like: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSpec:
    """A function as registered. ``source`` is its block, from CREATE to RETURN, in canonical text.

    ``returns`` is the table of RETURN; empty when it returns nothing.
    """

    name: str
    inputs: tuple[FunctionInput, ...]
    returns: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramQuery:
    """Run a query; its rows become the table ``target``. ``sql`` is the statement, for messages."""

    target: str
    query: Relation
    sql: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramScore:
    """Score the rows of ``inputs`` through a service, with the one row of ``query`` if there is one."""

    target: str
    service: str
    inputs: Relation
    query: Relation | None = None
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    sql: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramAssert:
    """Stop unless every value of the query, at least one, is true."""

    query: Relation
    sql: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramIf:
    """One branch or the other.

    With ``timein`` the condition gives the milliseconds that ``then`` has, 0 or less for no limit. When
    the condition is false and there is no other branch, a table that ``then`` makes has no rows.
    """

    condition: Relation
    then: tuple[ProgramStep, ...]
    otherwise: tuple[ProgramStep, ...] | None = None
    timein: bool = False
    sql: str = ""


ProgramStep = ProgramQuery | ProgramScore | ProgramAssert | ProgramIf


def all_steps(steps: Iterable[ProgramStep]) -> Iterator[ProgramStep]:
    """Steps and the steps within them."""
    for step in steps:
        yield step
        if isinstance(step, ProgramIf):
            yield from all_steps((*step.then, *(step.otherwise or ())))


def relations(steps: Iterable[ProgramStep]) -> Iterator[Relation]:
    """Every query of the steps."""
    for step in all_steps(steps):
        match step:
            case ProgramQuery(query=query) | ProgramAssert(query=query) | ProgramIf(condition=query):
                yield query
            case _:
                yield from (r for r in (step.inputs, step.query) if r is not None)


def services(steps: Iterable[ProgramStep]) -> tuple[str, ...]:
    """Services that are called, each once."""
    names = [step.service for step in all_steps(steps) if isinstance(step, ProgramScore)]
    return tuple(dict.fromkeys(names))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramParam:
    """A value that the caller may give; ``type`` is its SQL type, ``default`` None: it must be given.

    A parameter of a query whose text is ``param:NAME`` gets it.
    """

    name: str
    type: str
    default: OptionValue | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A function ready to run: its steps in order, calls of other functions already put in place.

    ``likes`` are the tables whose columns inputs have that were defined with LIKE and whose columns the
    script does not declare, by the input's name. ``returns`` is empty when nothing is returned.
    """

    name: str
    inputs: tuple[FunctionInput, ...]
    steps: tuple[ProgramStep, ...]
    returns: str
    likes: Mapping[str, TableSource] = field(default_factory=dict)
    params: tuple[ProgramParam, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSpec:
    """CREATE API: a function behind ``POST /api/v1/<name>``; ``options`` as written, by canonical key."""

    name: str
    function: str
    program: Program
    options: Mapping[str, OptionValue] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Where requests go."""
        return f"/api/v1/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callee:
    """A model service that a program calls: where it was when the program was deployed, and its model.

    ``headers`` belong to services that somebody else runs: their secrets are references, which the process
    that makes the calls resolves.
    """

    service: str
    url: str
    model: ModelSpec
    access: Access | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiServiceSpec:
    """What a service runtime makes true for an API: a server of its program.

    Tables of the program have absolute paths. The options in force stand here, and none in ``api``; values
    that are secrets are references. ``records`` is the folder in which a local runtime keeps what it knows of
    services, so that one that moves is found again; empty: their addresses are fixed.
    """

    name: str
    api: ApiSpec
    callees: Mapping[str, Callee] = field(default_factory=dict)
    records: str = ""
    replicas: int = 1
    resources: Resources = Resources()
    options: Mapping[str, Parsed] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    pod: Pod = Pod()

    @property
    def path(self) -> str:
        """Where requests go."""
        return self.api.path

    @property
    def checkpoint(self) -> str:
        """An API serves no checkpoint."""
        return ""

    @property
    def version(self) -> int:
        """Nor a version of one."""
        return 0
