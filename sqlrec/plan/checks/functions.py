"""SQL functions and APIs by name: those that are shown or dropped exist, and nothing needs them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlrec.errors import Diagnostic, Span, suggest
from sqlrec.plan.resolve import Acting
from sqlrec.plan.scope import ScriptScope
from sqlrec.sql.statements import Describe, DropApi, DropFunction, ObjectKind, ShowCreate


def check_known_function(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """The function or API of DESCRIBE, SHOW CREATE and DROP exists, as far as that is known."""
    match statement:
        case DropFunction(name=name, if_exists=False):
            yield from unknown_function(name.text, name.span, scope)
        case DropApi(name=name, if_exists=False):
            yield from unknown_api(name.text, name.span, scope)
        case Describe(kind=ObjectKind.FUNCTION, name=name) | ShowCreate(kind=ObjectKind.FUNCTION, name=name):
            yield from unknown_function(name.text, name.span, scope)
        case Describe(kind=ObjectKind.API, name=name) | ShowCreate(kind=ObjectKind.API, name=name):
            yield from unknown_api(name.text, name.span, scope)
        case _:
            pass


def unknown_function(name: str, span: Span, scope: ScriptScope) -> Iterator[Diagnostic]:
    """The finding that there is no such SQL function."""
    dropped = name.casefold() in scope.functions
    if scope.function(name) is None and (dropped or not scope.may_exist(name)):
        yield Diagnostic(
            code="SR240",
            message=f"function not exists: {name}",
            span=span,
            hint=_hint(name, scope.function_names(), "function", dropped),
        )


def unknown_api(name: str, span: Span, scope: ScriptScope) -> Iterator[Diagnostic]:
    """The finding that there is no such API."""
    dropped = name.casefold() in scope.apis
    if scope.api(name) is None and (dropped or not scope.may_exist(name)):
        yield Diagnostic(
            code="SR241",
            message=f"api not exists: {name}",
            span=span,
            hint=_hint(name, scope.api_names(), "API", dropped),
        )


def _hint(name: str, known: Sequence[str], what: str, dropped: bool) -> str:
    if dropped:
        return "the script drops it before this line"
    listed = f"{what}s: {', '.join(known)}" if known else f"there is no {what} yet"
    return suggest(name, known) or listed


def check_function_unused(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """A function that an API uses is not dropped."""
    if not isinstance(statement, DropFunction):
        return
    wanted = statement.name.text.casefold()
    apis = (scope.api(name) for name in scope.api_names())
    users = [api.name for api in apis if api and api.function.casefold() == wanted]
    if users:
        yield Diagnostic(
            code="SR203",
            message=f"sql function {statement.name.text} is used by api: {', '.join(users)}",
            span=statement.name.span,
            hint=f"DROP API {users[0]} first",
        )
