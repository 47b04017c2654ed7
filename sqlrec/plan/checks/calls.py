"""CALL: a function that there is, the arguments it takes, a service that answers."""

from __future__ import annotations

from collections.abc import Iterator

from sqlrec.errors import Diagnostic, suggest
from sqlrec.plan.checks.columns import missing_columns
from sqlrec.plan.checks.names import unknown_service
from sqlrec.plan.resolve import Acting
from sqlrec.plan.scope import ScriptScope
from sqlrec.plan.variables import BUILT_IN, function_name
from sqlrec.sql.statements import CacheTable, Call, CallBody, Ident, Text


def called(statement: Acting) -> CallBody | None:
    """The call that a statement makes."""
    if isinstance(statement, Call):
        return statement.body
    if isinstance(statement, CacheTable) and isinstance(statement.source, CallBody):
        return statement.source
    return None


def check_call(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """Function, arguments and service of a call."""
    body = called(statement)
    if body is None:
        return
    name = function_name(body)
    takes = BUILT_IN.get(name.casefold())
    if takes is None:
        hint = suggest(name, BUILT_IN) or f"CALL knows {' and '.join(BUILT_IN)}"
        yield Diagnostic(
            code="SR214", message=f"unknown function {name!r}", span=body.function.span, hint=hint
        )
        return
    usage = f"write CALL {name.casefold()}('service', {', '.join(_names(takes))})"
    if len(body.arguments) != len(takes):
        yield Diagnostic(
            code="SR215",
            message=f"{name} takes {len(takes)} arguments, found {len(body.arguments)}",
            span=body.span,
            hint=usage,
        )
        return
    for argument, what in zip(body.arguments, takes, strict=True):
        if isinstance(argument.value, Text) != (what == "service"):
            quoted = "a service name in quotes" if what == "service" else "a table name without quotes"
            yield Diagnostic(
                code="SR215", message=f"{name} takes {quoted} here", span=argument.value.span, hint=usage
            )
    service = body.arguments[0].value
    if isinstance(service, Text):
        yield from unknown_service(service.value, service.span, scope)


def _names(takes: tuple[str, ...]) -> list[str]:
    return [what.replace(" ", "_") for what in takes[1:]]


def well_formed(body: CallBody) -> bool:
    """Whether a call can be resolved: a known function with a service and tables."""
    takes = BUILT_IN.get(function_name(body).casefold(), ())
    kinds = tuple(isinstance(argument.value, Text) for argument in body.arguments)
    return bool(takes) and kinds == tuple(what == "service" for what in takes)


def check_call_features(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """Declared tables bring the features, unless a setting makes NULL of what is missing.

    With a query table, the two do together.
    """
    body = called(statement)
    lenient = str(scope.settings.get("score.missing_features")).casefold() == "null"
    if body is None or not well_formed(body) or lenient:
        return
    service = body.arguments[0].value
    served = scope.service(service.value) if isinstance(service, Text) else None
    model = scope.model(served.model) if served else None
    tables = [scope.table(a.value) for a in body.arguments if isinstance(a.value, Ident)]
    if model is None or not all(len(table.schema) for table in tables):
        return
    *queries, inputs = tables
    wanted = [f for f in model.features.names if not any(q.schema.get(f) for q in queries)]
    yield from missing_columns(model, wanted, inputs, body.arguments[-1].value.span)
