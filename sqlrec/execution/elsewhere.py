"""Services that somebody else runs: known by their URL, asked as our own are, never started or stopped.

The registry knows services by the checkpoints they serve, so such a model has one, too: its definition. A
changed definition is another version of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from sqlrec.artifacts.durable import make_folder, write_text
from sqlrec.artifacts.folder import publish, staging
from sqlrec.errors import OptionError, RemoteError
from sqlrec.execution.call import Call
from sqlrec.execution.options import effective, values
from sqlrec.models.external.controller import HEADER, URL, URL_HINT, url_problem
from sqlrec.models.lookup import get_controller
from sqlrec.registry.registry import Deployment
from sqlrec.spec import codec
from sqlrec.spec.access import Access, access_of
from sqlrec.spec.job import JobResult
from sqlrec.spec.model import Checkpoint, CheckpointKind, ModelSpec
from sqlrec.spec.options import Effective, Scope
from sqlrec.spec.schema import DataType, Kind
from sqlrec.spec.secret import reference, resolved
from sqlrec.spec.service import Endpoint, ExternalServiceSpec

EXTERNAL = "external"
"""The checkpoint that stands for the definition."""
TIMEOUT = 5.0
"""Seconds that the service has to answer when it is registered."""


def external_checkpoint(model: ModelSpec, call: Call) -> Checkpoint:
    """The checkpoint of the definition as it is now."""
    registry = call.env.registry
    known = registry.checkpoint(model.name, EXTERNAL)
    if known is not None and registry.definition(known) == model:
        return known
    output = call.own_output
    make_folder(output.parent)
    folder = staging(output)
    write_text(folder / "definition.json", codec.dumps(model, indent=2))
    return registry.register(
        model=model.name,
        name=EXTERNAL,
        kind=CheckpointKind.EXPORT,
        folder=output,
        result=publish(folder, output, JobResult()),
        key=f"{call.key.text}/{EXTERNAL}/{model.digest[:12]}",
        statement=model.ddl,
    )


def noted(
    service: str, model: ModelSpec, checkpoint: Checkpoint, options: Mapping[str, Effective], call: Call
) -> Endpoint:
    """The service at its URL, registered whether it answers or not.

    Secrets among the ``options`` are references. Raises SR465 without a URL, SR320 for an unknown
    secret, SR622 for a file of authorities that cannot be read.
    """
    url = str(resolved(values(options).get(URL), call.env.secrets) or "")
    if not url:
        raise OptionError("SR465", f"service {service} has no URL", hint=URL_HINT)
    if problem := url_problem(url):
        raise OptionError("SR465", problem, hint=URL_HINT)
    told, access = _headers(options), _access(options)
    headers = resolved(told, call.env.secrets)
    spec = ExternalServiceSpec(
        name=service,
        url=url,
        model=model,
        checkpoint=checkpoint.name,
        version=checkpoint.version,
        headers=told,
        access=access,
    )

    def verify(endpoint: Endpoint) -> None:
        try:
            asyncio.run(_ask(endpoint, model, headers, access))
        except RemoteError as error:
            call.report(f"warning: {error.message}")
        else:
            call.report(f"{endpoint.url} answers")

    return call.env.services.apply(spec, verify)


async def _ask(
    endpoint: Endpoint, model: ModelSpec, headers: Mapping[str, str], access: Access | None
) -> None:
    """One made-up row, answered with every output."""
    import orjson

    from sqlrec.data.types import arrow_schema
    from sqlrec.scoring.client import ServiceClient
    from sqlrec.scoring.merge import merge

    row = {field.name: _made_up(field.type) for field in model.features}
    client = ServiceClient(
        endpoint.name, endpoint.url, timeout=TIMEOUT, attempts=1, headers=headers, access=access
    )
    async with client:
        answer = await client.predict(orjson.dumps([row]))
    merge(endpoint.name, answer, arrow_schema(model.outputs), rows=1, asked=1)


def _made_up(kind: DataType) -> object:
    if kind.kind is Kind.ARRAY:
        return [_made_up(kind.element)]
    if kind.kind is Kind.BOOLEAN:
        return False
    return 0 if kind.is_integer or kind.is_float else ""


def asked_with(entry: Deployment, model: ModelSpec) -> tuple[dict[str, str], Access | None]:
    """Headers of requests to a service that runs elsewhere, secrets as references, and whom to trust."""
    options = effective(get_controller(model.type), model, Scope.SERVICE, entry.options, reference)
    return _headers(options), _access(options)


def _access(options: Mapping[str, Effective]) -> Access | None:
    found = access_of(values(options), own=False)
    return found if found.ca_file else None


def _headers(options: Mapping[str, Effective]) -> dict[str, str]:
    return {
        key.removeprefix(HEADER).replace("_", "-"): str(option.value)
        for key, option in options.items()
        if key.startswith(HEADER)
    }
