"""``GET('name')`` and ``GET_OR_DEFAULT('name', 'default')`` in CALL: replaced by what SET gave before.

A script's steps and their order are known when it is compiled, and so is the value of a variable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlrec.errors import Diagnostic, suggest
from sqlrec.plan.scope import ScriptScope
from sqlrec.spec.options import canonical_key
from sqlrec.sql.statements import (
    CacheTable,
    Call,
    CallArgument,
    CallBody,
    Explain,
    Ident,
    If,
    Statement,
    Text,
    Variable,
)

BUILT_IN: dict[str, tuple[str, ...]] = {
    "call_service": ("service", "table"),
    "call_service_with_qv": ("service", "query table", "table"),
}
"""Functions of CALL that are no SQL functions: what each takes. A service is named by a string."""


class UnknownVariable(Exception):
    """A variable without a value. ``diagnostic`` is at its place."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


def substituted(statement: Statement, scope: ScriptScope) -> Statement:
    """The statement with values in place of its variables. Raises ``UnknownVariable``."""
    match statement:
        case Call(body=body):
            return replace(statement, body=_body(body, scope))
        case CacheTable(source=CallBody() as body):
            return replace(statement, source=_body(body, scope))
        case If(then=then, otherwise=otherwise):
            rest = substituted(otherwise, scope) if otherwise else None
            return replace(statement, then=substituted(then, scope), otherwise=rest)
        case Explain(statement=inner):
            return replace(statement, statement=substituted(inner, scope))
        case _:
            return statement


def function_name(body: CallBody) -> str:
    """The function that a call of :func:`substituted` names."""
    assert isinstance(body.function, Ident), "variables are replaced before"
    return body.function.text


def _body(body: CallBody, scope: ScriptScope) -> CallBody:
    """A service is named by a string, a table by its name: the value becomes what the function takes."""
    function = body.function
    if isinstance(function, Variable):
        function = _name(function, scope)
    takes = BUILT_IN.get(function.text.casefold(), ())
    return replace(body, function=function, arguments=_arguments(body.arguments, takes, scope))


def _arguments(
    arguments: Sequence[CallArgument], takes: Sequence[str], scope: ScriptScope
) -> tuple[CallArgument, ...]:
    found = []
    for index, argument in enumerate(arguments):
        if not isinstance(argument.value, Variable):
            found.append(argument)
        elif takes[index : index + 1] == ("service",):
            found.append(CallArgument(Text(_value(argument.value, scope), argument.value.span)))
        else:
            found.append(CallArgument(_name(argument.value, scope)))
    return tuple(found)


def _name(variable: Variable, scope: ScriptScope) -> Ident:
    return Ident(tuple(_value(variable, scope).split(".")), variable.span)


def _value(variable: Variable, scope: ScriptScope) -> str:
    """The value that SET gave before this place, or else the default."""
    name = variable.name.value
    if canonical_key(name) in scope.settings:
        return str(scope.settings[canonical_key(name)])
    if variable.default is not None:
        return variable.default.value
    known = ", ".join(scope.settings)
    listed = f"set before this line: {known}" if known else f"write before this line: SET '{name}' = '…'"
    raise UnknownVariable(
        Diagnostic(
            code="SR313",
            message=f"variable {name!r} has no value",
            span=variable.name.span,
            hint=suggest(name, scope.settings) or listed,
        )
    )
