"""SQL functions: pipelines over tables, as stored, and as the programs that run them.

A program is a function with everything resolved: the predict server runs it for an API, and a step runs it
for a call that is made in chunks. Its tables live in memory; those of ``sources`` with the format ``cache``
are the program's own, by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlrec.spec.options import OptionValue
from sqlrec.spec.schema import Schema
from sqlrec.spec.table import Relation


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
    """Run a query; its rows become the table ``target``."""

    target: str
    query: Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramScore:
    """Score the table ``inputs`` through a service, with the one-row table ``query`` if there is one."""

    target: str
    service: str
    inputs: str
    query: str = ""
    options: Mapping[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramAssert:
    """Stop unless every value of the query is true."""

    query: Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramIf:
    """One branch or the other; with ``timein`` the condition gives the milliseconds that ``then`` has."""

    condition: Relation
    then: ProgramQuery | ProgramScore | ProgramAssert
    otherwise: ProgramQuery | ProgramScore | ProgramAssert | None = None
    timein: bool = False


ProgramStep = ProgramQuery | ProgramScore | ProgramAssert | ProgramIf


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A function ready to run: its steps in order, calls of other functions already put in place."""

    name: str
    inputs: tuple[FunctionInput, ...]
    steps: tuple[ProgramStep, ...]
    returns: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSpec:
    """CREATE API: a function behind ``POST /api/<name>``."""

    name: str
    function: str
    program: Program
