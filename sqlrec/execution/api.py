"""CREATE API and DROP API: a function's program behind a URL, started, proved and then named.

The server of an API is a service of the runtime under the name ``api.<name>``. A new revision starts beside
the old one, and takes over when it has answered; on a failure the old one goes on and the registry keeps
what it had.
"""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from urllib.parse import urlsplit

from sqlrec.errors import NameNotFoundError, RemoteError, StateError, suggest
from sqlrec.execution.call import Call
from sqlrec.execution.locks import service_lock
from sqlrec.execution.outcome import GONE_SERVICE, Outcome
from sqlrec.execution.programs import callees, concrete_program
from sqlrec.plan.plan import DefineApiStep, DropApiStep
from sqlrec.registry.registry import ModelRegistry
from sqlrec.runtimes.runtime import Verify
from sqlrec.spec.function import ApiServiceSpec, ApiSpec
from sqlrec.spec.service import Endpoint

TIMEOUT = 30.0
OF_ROWS = frozenset({"SR266", "SR268", "SR619", "SR642"})
"""What an API may complain about when it is given no rows: an ASSERT, the condition of an IF, a call that
takes exactly one row, a parameter without a default."""


def service_name(api: str) -> str:
    """What the runtime calls the server of an API; no service of a model can be called so."""
    return f"api.{api}"


def is_registered(api: str, registry: ModelRegistry) -> bool:
    """Whether there is an API of that name; case does not count."""
    return any(known.name.casefold() == api.casefold() for known in registry.apis())


def define_api(step: DefineApiStep, call: Call) -> Outcome:
    """Make the API run and register it; raises SR201 when another one has its name."""
    env, name = call.env, step.api.name
    with service_lock(env, service_name(name)):
        _require_free(step, call)
        program = concrete_program(step.api.program, call)
        spec = ApiServiceSpec(
            name=service_name(name),
            api=ApiSpec(name=name, function=step.api.function, program=program),
            callees=callees(program, call),
            records=str(env.settings.work_dir / "services") if env.settings.runtime == "local" else "",
        )
        call.report(f"starting API {name} with function {step.api.function}")
        call.journal.begin(call.key.task_id)
        endpoint = env.services.apply(spec, _proof(step.api, call))
        env.registry.put_api(step.api, replace=True)
    return Outcome(
        message=f"API {name} runs function {step.api.function} at {endpoint.url}",
        facts={"api": name, "service": endpoint.name, "function": step.api.function, "url": endpoint.url},
    )


def _require_free(step: DefineApiStep, call: Call) -> None:
    name = step.api.name
    known = next((a for a in call.env.registry.apis() if a.name.casefold() == name.casefold()), None)
    own = call.journal.begun(call.key.task_id)
    if known is None or known == step.api or step.replace or own:
        return
    raise StateError(
        "SR201",
        f"API {name} exists with another definition: it runs function {known.function}",
        hint="write CREATE OR REPLACE API, or use another name",
    )


def drop_api(step: DropApiStep, call: Call) -> Outcome:
    """Stop the API and take its name back; raises SR241 when there is none."""
    env, name = call.env, step.api
    gone = {GONE_SERVICE: service_name(name)}
    with service_lock(env, service_name(name)):
        if not is_registered(name, env.registry) and env.services.endpoint(service_name(name)) is None:
            if not step.if_exists and not call.journal.begun(call.key.task_id):
                known = [api.name for api in env.registry.apis()]
                hint = suggest(name, known) or f"APIs: {', '.join(known) or 'none'}"
                raise NameNotFoundError("SR241", f"API {name} does not exist", hint=hint)
            return Outcome(message=f"no API {name} to drop", facts=gone)
        call.journal.begin(call.key.task_id)
        env.services.remove(service_name(name))
        env.registry.drop_api(name, if_exists=True)
    return Outcome(message=f"dropped API {name}", facts=gone)


def _proof(api: ApiSpec, call: Call) -> Verify:
    """A check that the server is this API's and answers a request whose tables have no rows.

    It raises ``RemoteError`` SR644.
    """
    empty = json.dumps({"data": {table.name: [] for table in api.program.inputs}}).encode()

    def verify(endpoint: Endpoint) -> None:
        status, text = _ask(endpoint, "GET")
        told = json.loads(text).get("api") if status == 200 else None
        if told != api.name:
            raise _failed(api, f"the server says {status}: {text[:300]}")
        status, text = _ask(endpoint, "POST", empty)
        if status != 200 and not (status == 422 and json.loads(text)["error"]["code"] in OF_ROWS):
            raise _failed(api, f"for tables without rows it answers {status}: {text[:500]}")
        call.report(f"{endpoint.url} answers")

    return verify


def _ask(endpoint: Endpoint, method: str, body: bytes | None = None) -> tuple[int, str]:
    parts = urlsplit(endpoint.url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT)
    headers = {"Content-Type": "application/json"} if body else {}
    with closing(connection):
        try:
            connection.request(method, parts.path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", errors="replace")
        except (OSError, http.client.HTTPException) as error:
            message = f"its server cannot be reached: {error}"
            raise RemoteError("SR644", message, retriable=True) from None


def _failed(api: ApiSpec, what: str) -> RemoteError:
    return RemoteError("SR644", f"API {api.name} does not answer as it should: {what}", retriable=False)
