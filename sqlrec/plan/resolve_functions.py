"""CREATE API, DROP SQL FUNCTION and DROP API → steps."""

from __future__ import annotations

from sqlrec.plan.functions_steps import define_api
from sqlrec.plan.plan import DefineApiStep, DropApiStep, DropFunctionStep, Ref
from sqlrec.plan.refs import api_ref, function_ref
from sqlrec.plan.scope import ScriptScope
from sqlrec.sql.statements import CreateApi, DropApi, DropFunction

AboutFunctions = CreateApi | DropFunction | DropApi


def resolve_functions(
    statement: AboutFunctions, scope: ScriptScope
) -> DefineApiStep | DropFunctionStep | DropApiStep:
    """The step of a statement that makes an API, or takes one or a function away."""
    if isinstance(statement, CreateApi):
        return define_api(statement, scope)
    name = statement.name.text
    if isinstance(statement, DropApi):
        return DropApiStep(
            id="", line=0, sql="", api=name, if_exists=statement.if_exists, writes=(api_ref(name),)
        )
    return DropFunctionStep(
        id="",
        line=0,
        sql="",
        function=name,
        if_exists=statement.if_exists,
        reads=_once_used(scope),
        writes=(function_ref(name),),
    )


def _once_used(scope: ScriptScope) -> tuple[Ref, ...]:
    """APIs that the script dropped or replaced: a function that an API uses is not dropped."""
    return tuple(map(api_ref, scope.apis))
