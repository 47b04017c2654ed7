"""Services of several models: their checkpoints, whether these fit each other, and what proves the service.

Compile time knows definitions; here the exports themselves are asked, so that models which do not fit are
refused before anything is started.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote, urlsplit

from sqlrec.artifacts.folder import read_signature
from sqlrec.errors import OptionError, SchemaError, StateError
from sqlrec.execution.call import Call
from sqlrec.execution.find import find_export, find_model, find_newest
from sqlrec.execution.served import outputs_of
from sqlrec.execution.smoke import smoke_test
from sqlrec.models.external.controller import runs_elsewhere
from sqlrec.models.lookup import get_controller
from sqlrec.plan.changes import Member
from sqlrec.plan.resolve_made import is_ready_made
from sqlrec.registry.registry import Deployment
from sqlrec.runtimes.runtime import Verify
from sqlrec.spec.access import access_of
from sqlrec.spec.group import Group, group_of, is_group_option
from sqlrec.spec.group_rules import GroupProblem, member_problems, option_problems
from sqlrec.spec.group_rules import Member as Fitted
from sqlrec.spec.model import Checkpoint, ModelSpec
from sqlrec.spec.options import OptionValue
from sqlrec.spec.schema import Field, Schema
from sqlrec.spec.service import Endpoint, ServiceSpec, ServiceState
from sqlrec.spec.signature import Signature
from sqlrec.spec.slots import by_slot


def find_members(members: Sequence[Member], call: Call) -> tuple[Checkpoint, ...]:
    """The checkpoints of the models after a service's first.

    Raises SR247 for a model whose services run elsewhere, and what finding an export raises.
    """
    return tuple(_found(member, call) for member in members)


def _found(member: Member, call: Call) -> Checkpoint:
    registry, run = call.env.registry, call.key.run
    model = find_model(registry, member.model)
    controller = get_controller(model.type)
    if runs_elsewhere(controller):
        raise _runs_elsewhere(model)
    if not member.checkpoint and is_ready_made(model, controller):
        return find_newest(registry, model.name, run)
    return find_export(registry, model.name, member.checkpoint, run)


def _runs_elsewhere(model: ModelSpec) -> StateError:
    return StateError(
        "SR247",
        f"model {model.name} is of type {model.type}, whose services run elsewhere",
        hint="ON MODELS takes models whose exports sqlrec serves itself",
    )


def pinned_members(entry: Deployment | None, call: Call) -> tuple[Checkpoint, ...]:
    """The checkpoints of the further models of a revision; raises SR263 when one is gone."""
    found = []
    for pin in entry.others if entry else ():
        checkpoint = call.env.registry.version(pin.model, pin.version)
        if checkpoint is None:
            raise StateError(
                "SR263",
                f"service {entry.service if entry else ''} served {pin.checkpoint} of model {pin.model}, "
                f"version {pin.version}, which is gone",
                hint="state its models anew: CREATE OR REPLACE SERVICE … ON MODELS (…)",
            )
        found.append(checkpoint)
    return tuple(found)


def of_several(service: str, models: int) -> StateError:
    """SR247: SET CHECKPOINT says nothing about which of several models it means."""
    return StateError(
        "SR247",
        f"service {service} has {models} models: SET CHECKPOINT does not say of which",
        hint=f"write CREATE OR REPLACE SERVICE {service} ON MODELS (…) with all of them",
    )


def own_options(options: Mapping[str, OptionValue]) -> dict[str, OptionValue]:
    """The options that are the model type's, not those of several models."""
    return {key: value for key, value in options.items() if not is_group_option(key)}


def checked_group(
    checkpoints: Sequence[Checkpoint], options: Mapping[str, OptionValue], call: Call
) -> Group | None:
    """How the models work together; None for a single one.

    Raises ``OptionError`` SR302, SR303, SR362 … SR364 and ``SchemaError`` SR360, SR361.
    """
    own = {key: value for key, value in options.items() if is_group_option(key)}
    if len(checkpoints) == 1:
        for key in own:
            message = f"option {key!r} is about several models, and the service has one"
            raise OptionError("SR362", message, hint="write ON MODELS (…), or leave it out")
        return None
    for checkpoint in checkpoints:
        model = call.env.registry.definition(checkpoint)
        if runs_elsewhere(get_controller(model.type)):
            raise _runs_elsewhere(model)
    group = group_of(own)
    members = [_fitted(checkpoint) for checkpoint in checkpoints]
    for problem in (*option_problems(own, group, len(members)), *member_problems(members, group)):
        raise _error(problem)
    return group


def _fitted(checkpoint: Checkpoint) -> Fitted:
    signature = read_signature(checkpoint.uri)
    inputs = Schema(tuple(Field(name=column.name, type=column.type) for column in signature.inputs))
    return Fitted(
        name=f"{checkpoint.model} {checkpoint.name}",
        inputs=inputs,
        outputs=outputs_of(signature),
        objective=signature.objective,
    )


def _error(problem: GroupProblem) -> OptionError | SchemaError:
    kind = OptionError if problem.key else SchemaError
    return kind(problem.code, problem.message, hint=problem.hint)


# The proof


def prove(spec: ServiceSpec, checkpoints: Sequence[Checkpoint], call: Call) -> Verify:
    """A check of every model by its own path in a new process, and of all together by the service's path.

    Raises ``StateError`` SR636 for an export without sample rows; the check raises as the smoke test does.
    """
    signatures = [read_signature(checkpoint.uri) for checkpoint in checkpoints]
    access = access_of(spec.options)
    if len(signatures) == 1:
        return smoke_test(signatures[0], call.report, access)
    each = [smoke_test(signature, call.report, access) for signature in signatures]
    together = smoke_test(_merged(signatures), call.report, access)
    paths = [
        f"/models/{quote(slot, safe='')}/versions/{model.version}{spec.path}"
        for slot, model in by_slot(spec.models).items()
    ]

    def verify(endpoint: Endpoint) -> None:
        parts = urlsplit(endpoint.url)
        own_process = (
            endpoint.state is ServiceState.STARTING
        )  # the service's port may be that of the old, too
        for check, path in zip(each, paths, strict=True) if own_process else ():
            check(replace(endpoint, url=f"{parts.scheme}://{parts.netloc}{path}"))
        if parts.path == spec.path:
            together(endpoint)

    return verify


def _merged(signatures: Sequence[Signature]) -> Signature:
    """The first signature with sample rows that hold the features of all."""
    samples = zip(*(signature.sample for signature in reversed(signatures)), strict=False)
    rows = tuple({key: value for row in rows for key, value in row.items()} for rows in samples)
    return replace(signatures[0], sample=rows)
