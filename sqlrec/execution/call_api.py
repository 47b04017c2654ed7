"""An API asked by hand: what is written in short becomes the body that it takes, its answer rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from sqlrec.errors import DataError, RemoteError
from sqlrec.execution.api import service_name
from sqlrec.execution.asking import ask
from sqlrec.execution.call import Call
from sqlrec.execution.options import values
from sqlrec.execution.predictor import ready_endpoint
from sqlrec.models.api_options import API_OPTIONS
from sqlrec.spec.access import Access, access_of
from sqlrec.spec.function import ApiSpec, Program, ProgramParam
from sqlrec.spec.options import Scope
from sqlrec.spec.schema import FLOATS, INTEGERS, DataType, Kind

TIMEOUT = 60.0
"""Seconds; an API stops its function before, and says so."""
BODY = frozenset({"data", "params", "metricTags"})
"""What a body has, as it goes over HTTP."""
SHOWN = 500

Rows = Sequence[Mapping[str, object]]


def find_api(name: str, call: Call) -> ApiSpec | None:
    """The API of a name, unless a service has the same; or as its server is listed, ``api.<name>``."""
    catalog = call.env.catalog
    for api in catalog.apis():
        if name.casefold() == service_name(api).casefold():
            return catalog.api(api)
    return None if call.env.registry.service(name) is not None else catalog.api(name)


def access_to(api: ApiSpec) -> Access:
    """What an API asks of its callers."""
    return access_of(values(API_OPTIONS.effective(Scope.API, statement=api.options)))


def ask_api(api: ApiSpec, given: object, params: Mapping[str, str], call: Call) -> Rows | None:
    """The rows that an API answers; None of a function that returns nothing.

    ``given`` is the body as it goes over HTTP, the input tables by name, or the rows of the only one;
    ``params`` go before those of a body. Raises ``DataError`` SR638 for anything else, SR206 and SR630 for a
    server that is not there, SR610, SR621, SR622 for one that cannot be asked, and as ``RemoteError`` what
    the API refuses.
    """
    body = _body(api.program, given)
    told = body.get("params") or {}
    if params and isinstance(told, dict):
        body["params"] = {**told, **_typed(api.program, params)}
    server = service_name(api.name)
    url = ready_endpoint(server, call, statement=f"API {api.name}").url
    status, text = ask(server, url, access_to(api), json.dumps(body).encode(), timeout=TIMEOUT)
    try:
        answer = json.loads(text)
        if status == 200:
            rows: Rows | None = answer["data"]
            return rows
        refused = answer["error"]
        code, why, hint = refused["code"], refused["message"], refused.get("hint") or ""
    except (ValueError, KeyError, TypeError):
        code, why, hint = "SR611", text[:SHOWN] or "no text", ""
    message = f"API {api.name} answered {status}: {why}"
    raise RemoteError(code, message, hint=hint, retriable=False, status=status)


def _body(program: Program, given: object) -> dict[str, object]:
    names = {table.name.casefold() for table in program.inputs}
    match given:
        case dict() if given and given.keys() <= BODY:
            return dict(given)
        case dict() if _named(given, names) and _are_tables(given):
            return {"data": given}
        case dict() | list() if len(program.inputs) == 1:
            return {"data": {program.inputs[0].name: [given] if isinstance(given, dict) else given}}
    takes = ", ".join(f'"{table.name}": [{{"column": value}}]' for table in program.inputs)
    what = f"has {len(program.inputs)} input tables" if program.inputs else "has no input table"
    raise DataError(
        "SR638",
        f"function {program.name} of the API {what}, and what is given names none of them",
        hint=f"give {{{takes}}}",
    )


def _named(given: Mapping[str, object], names: set[str]) -> bool:
    """Whether keys are names of input tables; of several tables one that is not is for the API to refuse."""
    keys = {key.casefold() for key in given}
    return keys <= names or (len(names) > 1 and not keys.isdisjoint(names))


def _are_tables(given: Mapping[str, object]) -> bool:
    return all(isinstance(value, list | dict) for value in given.values())


def _typed(program: Program, params: Mapping[str, str]) -> dict[str, object]:
    """Values as the types of the parameters want them; what does not fit goes as it is, and is refused."""
    declared = {param.name: param for param in program.params}
    return {name: _value(declared.get(name), text) for name, text in params.items()}


def _value(param: ProgramParam | None, text: str) -> object:
    kind = DataType.parse(param.type).kind if param else Kind.STRING
    if kind in INTEGERS or kind in FLOATS or kind is Kind.BOOLEAN:
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text
