"""CALL: a function that there is, the arguments it takes, a service that answers."""

from __future__ import annotations

from collections.abc import Iterator

from sqlrec.errors import Diagnostic, suggest
from sqlrec.plan.checks.columns import asked_model, missing_columns
from sqlrec.plan.checks.functions import unknown_function
from sqlrec.plan.checks.names import unknown_service
from sqlrec.plan.checks.parts import called
from sqlrec.plan.functions_calls import check_sql_call, fits, is_sql_call
from sqlrec.plan.resolve import Acting
from sqlrec.plan.scope import ScriptScope
from sqlrec.plan.variables import BUILT_IN, function_name
from sqlrec.sql.statements import CallBody, Ident, LikeFunction, Text


def check_call(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """Function, arguments and service of a call."""
    body = called(statement)
    if body is None:
        return
    name = function_name(body)
    takes = BUILT_IN.get(name.casefold())
    yield from check_like(body, scope)
    if takes is None:
        yield from check_sql_call(statement, body, scope)
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


def check_like(body: CallBody, scope: ScriptScope) -> Iterator[Diagnostic]:
    """LIKE names a function, or a table of the script, whatever the call is of."""
    if isinstance(body.like, LikeFunction):
        yield from unknown_function(body.like.function.value, body.like.function.span, scope)
    elif body.like is not None and body.like.text.casefold() not in (*scope.caches, *scope.tables):
        known = [table.name for table in (*scope.caches.values(), *scope.tables.values())]
        listed = f"tables: {', '.join(known)}" if known else "the script has no table before this line"
        yield Diagnostic(
            code="SR215",
            message=f"like table not found: {body.like.text}",
            span=body.like.span,
            hint=suggest(body.like.text, known) or listed,
        )


def well_formed(body: CallBody, scope: ScriptScope) -> bool:
    """Whether a call can be resolved: a known function with a service and tables, or with its tables."""
    if is_sql_call(body):
        return fits(body, scope)
    takes = BUILT_IN.get(function_name(body).casefold(), ())
    kinds = tuple(isinstance(argument.value, Text) for argument in body.arguments)
    return bool(takes) and kinds == tuple(what == "service" for what in takes)


def check_call_features(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """Declared tables bring the features, unless a setting makes NULL of what is missing.

    With a query table, the two do together.
    """
    body = called(statement)
    lenient = str(scope.settings.get("score.missing_features")).casefold() == "null"
    if body is None or is_sql_call(body) or not well_formed(body, scope) or lenient:
        return
    service = body.arguments[0].value
    served = scope.service(service.value) if isinstance(service, Text) else None
    model = asked_model(served, scope) if served else None
    tables = [scope.table(a.value) for a in body.arguments if isinstance(a.value, Ident)]
    *queries, _ = (scope.schema(table) for table in tables)
    if model is None or not all(map(len, queries)):
        return
    wanted = [f for f in model.features.names if not any(query.get(f) for query in queries)]
    yield from missing_columns(model, wanted, tables[-1], body.arguments[-1].value.span, scope)
