"""The service that is asked, and how: by its name, or as the only one of a model that a query calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlrec.errors import NameNotFoundError, StateError, suggest
from sqlrec.execution.call import Call
from sqlrec.execution.elsewhere import asked_with
from sqlrec.execution.find import find_model
from sqlrec.execution.group import pinned_members
from sqlrec.execution.revisions import in_force
from sqlrec.execution.served import as_served, request_options
from sqlrec.models.external.controller import runs_elsewhere
from sqlrec.models.lookup import get_controller
from sqlrec.plan.resolve_made import is_ready_made
from sqlrec.registry.registry import Deployment
from sqlrec.spec.access import Access, access_of
from sqlrec.spec.model import Checkpoint, ModelSpec, with_members
from sqlrec.spec.options import Parsed
from sqlrec.spec.secret import Lookup, resolved
from sqlrec.spec.service import Endpoint, ServiceState
from sqlrec.spec.table import UsedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictor:
    """A service that is ready, and the model as the checkpoint that it serves declares it.

    ``headers`` go with each request, ``options`` are what the model says of requests; ``access`` is what the
    service's options say of its callers.
    """

    service: str
    url: str
    model: ModelSpec
    checkpoint: Checkpoint
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    options: Mapping[str, Parsed] = field(default_factory=dict)
    access: Access | None = None


def predictor_at(service: str, call: Call, secrets: Lookup | None = None) -> Predictor:
    """The service of a name; raises SR206 for an unknown one, SR630 for one that is not ready.

    ``secrets`` resolves those of its headers, by default to what this process knows.
    """
    endpoint = ready_endpoint(service, call)
    served = call.env.registry.service(service)
    if served is None:
        raise _unknown(service, call)
    return _predictor(service, endpoint, served, call, secrets or call.env.secrets)


def _predictor(
    service: str, endpoint: Endpoint, served: Checkpoint, call: Call, secrets: Lookup
) -> Predictor:
    registry = call.env.registry
    entry = in_force(registry.history(service))
    others = pinned_members(entry, call)
    own, *rest = (as_served(registry.definition(one), one) for one in (served, *others))
    model = with_members(own, rest)
    headers, access = _asked_with(entry, model)
    return Predictor(
        service=service,
        url=endpoint.url,
        model=model,
        checkpoint=served,
        headers=resolved(headers, secrets),
        options=request_options(model),
        access=access,
    )


def _asked_with(entry: Deployment | None, model: ModelSpec) -> tuple[Mapping[str, str], Access | None]:
    """Headers, and what is needed to be let in and to trust, as the revision in force says."""
    if entry is None:
        return {}, None
    if runs_elsewhere(get_controller(model.type)):
        return asked_with(entry, model)
    return {}, access_of(entry.options)


def predictor_of(used: UsedModel, call: Call) -> Predictor:
    """The service to ask.

    Raises ``StateError`` SR631 (the model, or its version, has no service), SR632 (it has several), SR633
    (the named service serves another one), SR630 (it is not ready) and ``NameNotFoundError`` SR205, SR206.
    """
    service = used.service or _only(used, call)
    endpoint = ready_endpoint(service, call)
    served = call.env.registry.service(service)
    if served is None or served.model != used.name or not _fits(used, served):
        what = f"version {served.version} of model {served.model}" if served else "no registered model"
        raise StateError(
            "SR633",
            f"service {service} serves {what}, not {_shown(used)}",
            hint=_listed(_services(used, call)),
        )
    return _predictor(service, endpoint, served, call, call.env.secrets)


def ready_endpoint(service: str, call: Call, *, statement: str = "") -> Endpoint:
    """Where a service answers; raises SR206 for an unknown service, SR630 for one that is not ready.

    ``statement`` is what CREATE OR REPLACE names to deploy it, unless it is the service.
    """
    found = call.env.services.endpoint(service)
    if found is None:
        raise _unknown(service, call)
    if found.state is not ServiceState.READY:
        raise StateError(
            "SR630",
            f"service {service} is {found.state}{': ' if found.detail else ''}{found.detail}",
            hint=f"deploy it again: CREATE OR REPLACE {statement or f'SERVICE {service}'} …",
        )
    return found


def _unknown(service: str, call: Call) -> NameNotFoundError:
    known = tuple(e.name for e in call.env.services.endpoints())
    none = f"none in the project {call.env.settings.project}; CREATE SERVICE first"
    hint = suggest(service, known) or f"services: {', '.join(known) or none}"
    return NameNotFoundError("SR206", f"service {service} does not exist", hint=hint)


def _only(used: UsedModel, call: Call) -> str:
    found = _services(used, call)
    if len(found) == 1:
        return found[0]
    if found:
        raise StateError(
            "SR632",
            f"{_shown(used)} has {len(found)} services: {', '.join(found)}",
            hint=f"choose one: CONFIG => MAP['service', '{found[0]}']",
        )
    model = find_model(call.env.registry, used.name)
    hint = f"CREATE SERVICE … ON MODEL {used.name}{_checkpoint_clause(used, model, call)} first"
    raise StateError("SR631", f"{_shown(used)} has no service that could be asked", hint=hint)


def _checkpoint_clause(used: UsedModel, model: ModelSpec, call: Call) -> str:
    """CHECKPOINT as the service needs it: of the version named, or none for models that are ready made."""
    if used.version:
        known = call.env.registry.checkpoints(model.name)
        names = [found.name for found in known if str(found.version) == used.version]
        return f" CHECKPOINT = '{names[0]}'" if names else " CHECKPOINT = '…'"
    return "" if is_ready_made(model, get_controller(model.type)) else " CHECKPOINT = '…'"


def _services(used: UsedModel, call: Call) -> list[str]:
    """Services of the model, or of its version, by name."""
    registry = call.env.registry
    served = ((name, registry.service(name)) for name in registry.services())
    return sorted(name for name, found in served if found and found.model == used.name and _fits(used, found))


def _fits(used: UsedModel, served: Checkpoint) -> bool:
    return used.version in ("", str(served.version))


def _shown(used: UsedModel) -> str:
    return f"version {used.version} of model {used.name}" if used.version else f"model {used.name}"


def _listed(services: Sequence[str]) -> str:
    return f"its services: {', '.join(services)}" if services else "it has no service"
