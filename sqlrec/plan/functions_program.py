"""A function as a program: its steps without what only a script has, for APIs and calls made in chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from sqlrec.errors import Diagnostic, Span
from sqlrec.plan.functions import FunctionBlock
from sqlrec.plan.functions_calls import input_columns
from sqlrec.plan.plan import AssertStep, ChunkedCallStep, IfStep, Param, QueryMode, QueryStep, ScoreStep, Step
from sqlrec.plan.scope import ScriptScope
from sqlrec.plan.templates import without_secrets
from sqlrec.spec.function import (
    FunctionInput,
    FunctionSpec,
    Program,
    ProgramAssert,
    ProgramIf,
    ProgramParam,
    ProgramQuery,
    ProgramScore,
    ProgramStep,
    relations,
)
from sqlrec.spec.schema import Schema
from sqlrec.spec.table import Relation, TableFormat, TableSource
from sqlrec.sql.render import render
from sqlrec.sql.statements import DefineInput

PARAM = "param:"
"""What the text of a query's parameter begins with that the caller of an API gives."""


def function_spec(block: FunctionBlock) -> FunctionSpec:
    """The function as it is registered."""
    source = "".join(f"{without_secrets(render(statement))};\n" for statement in block.statements)
    inputs = (_input(t, t.columns.schema if t.columns else Schema()) for t in block.inputs)
    return FunctionSpec(name=block.name, inputs=tuple(inputs), returns=block.returned, source=source.rstrip())


def _input(table: DefineInput, columns: Schema) -> FunctionInput:
    return FunctionInput(name=table.name.text, columns=columns, like=table.like.text if table.like else "")


@dataclass(slots=True)
class Compiling:
    """A program in the making. ``at`` is where problems are told.

    ``params`` are the script's; ``for_api``: the caller of the API gives them.
    """

    block: FunctionBlock
    at: Span
    params: Mapping[str, Param]
    for_api: bool
    found: list[Diagnostic] = field(default_factory=list)
    _params: dict[str, ProgramParam] = field(default_factory=dict)

    def program(self, steps: Sequence[Step], scope: ScriptScope) -> Program:
        """The program of the block's steps, over tables named as its inputs; problems are in ``found``."""
        made = tuple(self._steps(steps))
        return Program(
            name=self.block.name,
            inputs=tuple(_input(table, input_columns(table, scope)) for table in self.block.inputs),
            steps=made,
            returns=self.block.returned,
            likes=self._likes(scope),
            params=tuple(self._params.values()),
        )

    def _likes(self, scope: ScriptScope) -> dict[str, TableSource]:
        """Tables whose columns are read when the program is made ready, for none declares them."""
        likes: dict[str, TableSource] = {}
        for table in self.block.inputs:
            if table.like is None or len(input_columns(table, scope)):
                continue
            source = scope.table(table.like)
            if source.format is TableFormat.CACHE:
                what = f"input {table.name.text!r} of function {self.block.name}"
                self._refuse(
                    f"the columns of {what} are not known when the script is compiled",
                    f"define them in place of LIKE {source.name}",
                )
            likes[table.name.text] = source
        return likes

    def _steps(self, steps: Iterable[Step]) -> Iterator[ProgramStep]:
        for step in steps:
            match step:
                case QueryStep(mode=QueryMode.CACHE, target=TableSource() as target):
                    yield ProgramQuery(target=target.name, query=self._relation(step.query), sql=step.sql)
                case QueryStep(mode=QueryMode.APPEND | QueryMode.OVERWRITE, target=TableSource() as target):
                    message = f"function {self.block.name} writes into table {target.name}"
                    hint = "an API, a call in chunks and a call within IF only read: RETURN the rows instead"
                    self._refuse(message, hint)
                case ScoreStep(target=TableSource() as target):
                    yield self._score(step, target)
                case AssertStep():
                    yield ProgramAssert(query=self._relation(step.query), sql=step.sql)
                case IfStep():
                    yield self._if(step)
                case ChunkedCallStep():
                    yield from self._call(step)
                case _:
                    pass  # what only shows rows has no effect in a program

    def _score(self, step: ScoreStep, target: TableSource) -> ProgramScore:
        return ProgramScore(
            target=target.name,
            service=step.service,
            inputs=self._relation(step.inputs),
            query=self._relation(step.query) if step.query else None,
            options=step.options,
            sql=step.sql,
        )

    def _if(self, step: IfStep) -> ProgramIf:
        return ProgramIf(
            condition=self._relation(step.condition),
            then=tuple(self._steps((step.then,))),
            otherwise=tuple(self._steps((step.otherwise,))) if step.otherwise else None,
            timein=step.timein,
            sql=step.sql,
        )

    def _call(self, step: ChunkedCallStep) -> Iterator[ProgramStep]:
        """The steps of another program, over tables of their own; chunks make no difference to the result."""
        name = step.target.name if step.target else "()"
        prefix = f"{step.program.name}.{name}."
        for given, relation in step.arguments.items():
            yield ProgramQuery(target=prefix + given, query=self._relation(relation), sql=step.sql)
        for inner in step.program.steps:
            yield self._prefixed(inner, prefix)
        if step.target:
            source = TableSource(name=prefix + step.program.returns, format=TableFormat.CACHE)
            yield ProgramQuery(target=step.target.name, query=whole_table(source), sql=step.sql)

    def _prefixed(self, step: ProgramStep, prefix: str) -> ProgramStep:
        """A step of another program with other names for its tables."""

        def renamed(relation: Relation) -> Relation:
            sources = {name: _renamed(source, prefix) for name, source in relation.sources.items()}
            return self._relation(replace(relation, sources=sources))

        match step:
            case ProgramQuery():
                return replace(step, target=prefix + step.target, query=renamed(step.query))
            case ProgramScore(query=query):
                query = renamed(query) if query else None
                return replace(step, target=prefix + step.target, inputs=renamed(step.inputs), query=query)
            case ProgramAssert():
                return replace(step, query=renamed(step.query))
            case ProgramIf(otherwise=otherwise):
                if otherwise is not None:
                    otherwise = tuple(self._prefixed(inner, prefix) for inner in otherwise)
                then = tuple(self._prefixed(inner, prefix) for inner in step.then)
                return replace(step, condition=renamed(step.condition), then=then, otherwise=otherwise)
            case _:
                assert_never(step)

    def _relation(self, relation: Relation) -> Relation:
        if relation.calls:
            message = f"function {self.block.name} calls a model within a query"
            hint = (
                "in an API, a call in chunks and a call within IF, use CACHE TABLE … AS CALL call_service(…)"
            )
            self._refuse(message, hint)
        sources = {name: _plain(source) for name, source in relation.sources.items()}
        parameters = {name: self._parameter(text) for name, text in relation.parameters.items()}
        return replace(relation, sources=sources, parameters=parameters)

    def _parameter(self, text: str) -> str:
        """A parameter of the script becomes one of the API; other templates are those of the run."""
        if not self.for_api or "params" not in text:
            return text
        name = text.removeprefix("{{ params.").removesuffix(" }}")
        declared = self.params.get(name)
        if declared is None or text != f"{{{{ params.{name} }}}}":
            message = f"function {self.block.name} uses {text!r}, which an API cannot be given"
            self._refuse(message, "let the parameter be a whole string: '{{ params.name }}'")
            return text
        self._params[name] = ProgramParam(name=name, type=declared.type, default=declared.default)
        return PARAM + name

    def _refuse(self, message: str, hint: str) -> None:
        self.found.append(Diagnostic(code="SR246", message=message, span=self.at, hint=hint))


def whole_table(source: TableSource) -> Relation:
    """All rows of a table."""
    return Relation(query='SELECT * FROM "t"', sources={"t": source})


def _plain(source: TableSource) -> TableSource:
    """A table of the program's own has the columns that it has."""
    return replace(source, schema=Schema()) if source.format is TableFormat.CACHE else source


def _renamed(source: TableSource, prefix: str) -> TableSource:
    return replace(source, name=prefix + source.name) if source.format is TableFormat.CACHE else source


def outer_tables(program: Program) -> Mapping[str, TableSource]:
    """Tables that a program reads and does not make, by name."""
    found: dict[str, TableSource] = {}
    for relation in relations(program.steps):
        found |= {s.name: s for s in relation.sources.values() if s.format is not TableFormat.CACHE}
    return {**found, **{source.name: source for source in program.likes.values()}}
