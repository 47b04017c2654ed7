"""Statement × scope → step.

Resolution assumes that the checks found no error; where one did, it goes on as well as it can, so that
the statements after it are judged as if it had been right.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from sqlrec.plan.changes import Promote, ServeCheckpoint, SetAlias
from sqlrec.plan.plan import (
    AlterModelStep,
    AlterServiceStep,
    AssertStep,
    DefineModelStep,
    DeployStep,
    ExplainStep,
    ExportStep,
    IfStep,
    Ref,
    RollbackStep,
    Step,
)
from sqlrec.plan.refs import assertion_gate, evaluations, last_assertion, table_refs
from sqlrec.plan.resolve_functions import AboutFunctions, resolve_functions
from sqlrec.plan.resolve_inspect import AboutWhatThereIs, resolve_inspect
from sqlrec.plan.resolve_made import made
from sqlrec.plan.resolve_models import AboutModels, resolve_models
from sqlrec.plan.resolve_queries import AboutRows, query_relation, resolve_queries
from sqlrec.plan.resolve_services import AboutServices, resolve_services
from sqlrec.plan.resolve_training import AboutTraining, resolve_training
from sqlrec.plan.scope import ScriptScope
from sqlrec.plan.templates import without_secrets
from sqlrec.sql.render import render
from sqlrec.sql.statements import Assert, Explain, If, Statement

Acting = (
    AboutModels
    | AboutTraining
    | AboutServices
    | AboutFunctions
    | AboutRows
    | AboutWhatThereIs
    | Assert
    | If
    | Explain
)
"""Statements that become steps; the others declare something or act on the statements after them."""


def resolve(statement: Acting, scope: ScriptScope) -> Step:
    """The step of a statement, without id and upstream, which depend on the other steps.

    ``sql`` is its canonical text, with secrets by reference.
    """
    step = _located(statement, scope)
    return replace(step, reads=tuple(dict.fromkeys((*step.reads, *_gates(step, scope)))))


def resolve_made(define: Step, scope: ScriptScope) -> tuple[Step, ...]:
    """The steps after a definition of CREATE MODEL that belong to the same statement."""
    if not isinstance(define, DefineModelStep):
        return ()
    steps = (replace(step, line=define.line, sql=define.sql) for step in made(define, scope))
    return tuple(replace(step, reads=(*step.reads, *_gates(step, scope))) for step in steps)


def _located(statement: Acting, scope: ScriptScope) -> Step:
    line, sql = scope.line(statement.span.start), without_secrets(render(statement))
    return replace(_resolved(statement, scope), line=line, sql=sql)


def _resolved(statement: Acting, scope: ScriptScope) -> Step:
    if isinstance(statement, AboutModels):
        return resolve_models(statement, scope)
    if isinstance(statement, AboutTraining):
        return resolve_training(statement, scope)
    if isinstance(statement, AboutServices):
        return resolve_services(statement, scope)
    if isinstance(statement, AboutFunctions):
        return resolve_functions(statement, scope)
    if isinstance(statement, AboutRows):
        return resolve_queries(statement, scope)
    if isinstance(statement, AboutWhatThereIs):
        return resolve_inspect(statement, scope)
    match statement:
        case Assert():
            return _assert(statement, scope)
        case If():
            return _if(statement, scope)
        case Explain():
            return _explain(statement, scope)
        case _:
            assert_never(statement)


def _gates(step: Step, scope: ScriptScope) -> tuple[Ref, ...]:
    """What must have passed: the ASSERTs before it and, on the way to a service, EVALUATEs of its model."""
    asserted = last_assertion(scope.gates)
    match step:
        case ExportStep():
            return (*asserted, *evaluations(scope.gates, step.model, step.checkpoint))
        case DeployStep():
            models = dict.fromkeys((step.model, *(member.model for member in step.others)))
            return (*asserted, *(ref for model in models for ref in evaluations(scope.gates, model)))
        case AlterModelStep(change=SetAlias()):
            return (*asserted, *evaluations(scope.gates, step.model))
        case AlterServiceStep(change=ServeCheckpoint() | Promote()) | RollbackStep():
            served = scope.service(step.service)
            return (*asserted, *evaluations(scope.gates, served.model if served else None))
        case IfStep(then=then, otherwise=otherwise):
            branches = [part for part in (then, otherwise) if part]
            return (*asserted, *(gate for part in branches for gate in _gates(part, scope)))
        case _:
            return asserted


def _assert(statement: Assert, scope: ScriptScope) -> AssertStep:
    query = query_relation(statement.query, scope)
    return AssertStep(
        id="",
        line=0,
        sql="",
        query=query,
        reads=table_refs(query),
        writes=(assertion_gate(statement.query.sql),),
    )


def _if(statement: If, scope: ScriptScope) -> IfStep:
    condition = query_relation(statement.condition, scope)
    then = _inner(statement.then, scope)
    otherwise = _inner(statement.otherwise, scope) if statement.otherwise else None
    branches = [step for step in (then, otherwise) if step]
    reads = (*table_refs(condition), *(ref for step in branches for ref in step.reads))
    return IfStep(
        id="",
        line=0,
        sql="",
        condition=condition,
        then=then,
        otherwise=otherwise,
        timein=statement.timein,
        reads=tuple(dict.fromkeys(reads)),
        writes=tuple(dict.fromkeys(ref for step in branches for ref in step.writes)),
    )


def _explain(statement: Explain, scope: ScriptScope) -> ExplainStep:
    """Reads what the step would write as well: what it finds there decides what it would do."""
    step = _inner(statement.statement, scope)
    return ExplainStep(id="", line=0, sql="", step=step, reads=(*step.reads, *step.writes))


def _inner(statement: Statement, scope: ScriptScope) -> Step:
    """The step of a statement within another one, which the checks found to be one that acts."""
    assert isinstance(statement, Acting), "checked before"
    return _located(statement, scope)
