"""CREATE API and DROP API: a function's program behind a URL, started, proved and then named.

The server of an API is a service of the runtime under the name ``api.<name>``. A new revision starts beside
the old one, and takes over when it has answered; on a failure the old one goes on and the registry keeps
what it had.
"""

from __future__ import annotations

import json

from sqlrec.errors import NameNotFoundError, RemoteError, StateError, suggest
from sqlrec.execution.asking import ask
from sqlrec.execution.call import Call
from sqlrec.execution.locks import service_lock
from sqlrec.execution.options import api_image, values
from sqlrec.execution.outcome import GONE_SERVICE, Outcome
from sqlrec.execution.programs import callees, concrete_program
from sqlrec.models.api_options import API_OPTIONS
from sqlrec.models.pod_placement import environment, pod
from sqlrec.models.pods import resources
from sqlrec.plan.plan import DefineApiStep, DropApiStep
from sqlrec.registry.registry import ModelRegistry
from sqlrec.runtimes.runtime import Verify
from sqlrec.spec.access import Access, access_of
from sqlrec.spec.function import ApiServiceSpec, ApiSpec
from sqlrec.spec.options import Scope
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
        spec = _spec(step.api, call)
        call.report(f"starting API {name} with function {step.api.function}")
        call.journal.begin(call.key.task_id)
        endpoint = env.services.apply(spec, _proof(step.api, access_of(spec.options), call))
        env.registry.put_api(step.api, replace=True)
    return Outcome(
        message=f"API {name} runs function {step.api.function} at {endpoint.url}",
        facts={"api": name, "service": endpoint.name, "function": step.api.function, "url": endpoint.url},
    )


def _spec(api: ApiSpec, call: Call) -> ApiServiceSpec:
    """What the runtime makes true; raises what is wrong with the options, the tables and the services."""
    settings = call.env.settings
    program = concrete_program(api.program, call)
    options = API_OPTIONS.effective(Scope.API, statement=api.options)
    chosen = values(options)
    return ApiServiceSpec(
        name=service_name(api.name),
        api=ApiSpec(name=api.name, function=api.function, program=program),
        callees=callees(program, call),
        records=str(settings.work_dir / "services") if settings.runtime == "local" else "",
        replicas=int(str(chosen["replicas"])),
        resources=resources(options),
        options=chosen,
        env=environment(options),
        image=api_image(options, settings),
        pod=pod(options),
    )


def _require_free(step: DefineApiStep, call: Call) -> None:
    name = step.api.name
    known = next((a for a in call.env.registry.apis() if a.name.casefold() == name.casefold()), None)
    own = call.journal.begun(call.key.task_id)
    if known is None or known == step.api or step.replace or own:
        return
    raise StateError(
        "SR201",
        f"API {name} exists with another definition: it runs function {known.function}"
        f"{_how(known, step.api)}",
        hint="write CREATE OR REPLACE API, or use another name",
    )


def _how(known: ApiSpec, wanted: ApiSpec) -> str:
    """What of its options differs, by key."""
    keys = {key for key, _ in known.options.items() ^ wanted.options.items()}
    return f", and differs in {', '.join(sorted(keys))}" if keys else ""


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


def _proof(api: ApiSpec, access: Access, call: Call) -> Verify:
    """A check that the server is this API's and answers a request whose tables have no rows.

    ``access`` is what it asks of its callers. It raises ``RemoteError`` SR610, SR644, and ``SetupError``
    SR621, SR622 for a token or certificate that cannot be read here.
    """
    empty = json.dumps({"data": {table.name: [] for table in api.program.inputs}}).encode()

    def verify(endpoint: Endpoint) -> None:
        status, text = ask(endpoint.name, endpoint.url, access, timeout=TIMEOUT)
        told = json.loads(text).get("api") if status == 200 else None
        if told != api.name:
            raise _failed(api, f"the server says {status}: {text[:300]}")
        status, text = ask(endpoint.name, endpoint.url, access, empty, timeout=TIMEOUT)
        if status != 200 and not (status == 422 and json.loads(text)["error"]["code"] in OF_ROWS):
            raise _failed(api, f"for tables without rows it answers {status}: {text[:500]}")
        call.report(f"{endpoint.url} answers")

    return verify


def _failed(api: ApiSpec, what: str) -> RemoteError:
    return RemoteError("SR644", f"API {api.name} does not answer as it should: {what}", retriable=False)
