"""What models must have in common to stand behind one service, and what deciders ask of their answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points

from sqlrec.errors import suggest
from sqlrec.spec.group import DECIDERS, ROUTING_OF, Decider, Group, Routing
from sqlrec.spec.options import OptionValue, canonical_key
from sqlrec.spec.schema import DataType, Field, Kind, Schema

NO_PROBABILITIES = ("regression", "ranking", "clustering", "transform", "retrieval")
"""Objectives of models whose numbers are no probabilities."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A model of a group: what it takes and gives. An ``objective`` that is not known is empty."""

    name: str
    inputs: Schema
    outputs: Schema
    objective: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupProblem:
    """Something wrong with a group. ``key`` is the option, ``member`` the model (from 0) it is about."""

    code: str
    message: str
    hint: str
    key: str = ""
    member: int | None = None


def option_problems(options: Mapping[str, OptionValue], group: Group, size: int) -> Iterator[GroupProblem]:
    """What is wrong with the options of a group of ``size`` models, as written by canonical key."""
    for key in map(canonical_key, options):
        wanted = ROUTING_OF.get(key, group.routing)
        if wanted is not group.routing:
            yield GroupProblem(
                code="SR362",
                message=f"option {key!r} means nothing with routing {group.routing}",
                hint=f"leave it out, or write routing = '{wanted}'; "
                f"ALTER SERVICE … RESET ({key}) takes it from a service",
                key=key,
            )
    if "threshold" in map(canonical_key, options) and group.decider != Decider.VOTE:
        yield GroupProblem(
            code="SR362",
            message=f"option 'threshold' means nothing with decider {group.decider}",
            hint="leave it out, or write decider = 'vote'",
            key="threshold",
        )
    yield from _weights(group, size)
    if group.routing is Routing.SPECULATIVE:
        yield from _known_decider(group.decider)


def _weights(group: Group, size: int) -> Iterator[GroupProblem]:
    if not group.weights:
        return
    example = ",".join(["90", *["10"] * (size - 1)])
    if len(group.weights) != size:
        yield GroupProblem(
            code="SR363",
            message=f"{len(group.weights)} weights for {size} models",
            hint=f"write one for each model, in their order: weights = '{example}'",
            key="weights",
        )
    elif not sum(group.weights):
        yield GroupProblem(
            code="SR363",
            message="the weights are all 0, so that no model would ever be asked",
            hint=f"give one of them a share: weights = '{example}'",
            key="weights",
        )


def _known_decider(name: str) -> Iterator[GroupProblem]:
    own = tuple(map(str, Decider))
    others = () if name in own else tuple(entry.name for entry in entry_points(group=DECIDERS))
    if name not in (*own, *others):
        listed = f"deciders: {', '.join((*own, *others))}"
        yield GroupProblem(
            code="SR364",
            message=f"there is no decider {name!r}",
            hint=suggest(name, (*own, *others)) or f"{listed}; others are entry points in {DECIDERS}",
            key="decider",
        )


def member_problems(members: Sequence[Member], group: Group) -> Iterator[GroupProblem]:
    """What keeps models from standing behind one service; those of unknown columns are not judged."""
    first = members[0]
    for index, other in enumerate(members[1:], 1):
        if len(first.outputs) and len(other.outputs) and _shown(first.outputs) != _shown(other.outputs):
            yield GroupProblem(
                code="SR360",
                message=f"{other.name} answers {_told(other.outputs)}, but {first.name} answers "
                f"{_told(first.outputs)}",
                hint="models behind one service give outputs of the same names and types",
                member=index,
            )
    yield from _inputs(members)
    if group.routing is Routing.SPECULATIVE:
        yield from _decidable(members, group)


def _inputs(members: Sequence[Member]) -> Iterator[GroupProblem]:
    """A request holds the columns of all models, so one name has one type."""
    known: dict[str, tuple[Field, Member]] = {}
    for index, member in enumerate(members):
        for field in member.inputs:
            first, of = known.setdefault(field.name.casefold(), (field, member))
            if not _alike(first.type, field.type):
                yield GroupProblem(
                    code="SR361",
                    message=f"{member.name} takes {field.name} {field.type}, but {of.name} takes it as "
                    f"{first.type}",
                    hint="a request brings a column once: train one of the models with the type of the other",
                    member=index,
                )


def _alike(one: DataType, other: DataType) -> bool:
    """Whether one value of a request can be read as both types."""
    return _family(one) == _family(other)


def _family(type_: DataType) -> object:
    if type_.kind is Kind.ARRAY:
        return ("array", _family(type_.element))
    if type_.is_integer or type_.is_float:
        return "number"
    return type_.kind


def _decidable(members: Sequence[Member], group: Group) -> Iterator[GroupProblem]:
    """The outputs are such that the decider can choose between them, or put them together."""
    wrong = next((reason for field in members[0].outputs if (reason := _unfit(field, group.decider))), "")
    if not wrong and group.decider in (Decider.VOTE, Decider.MAX_CONFIDENCE):
        odd = next((m for m in members if m.objective in NO_PROBABILITIES and _numeric(m.outputs)), None)
        wrong = f"the numbers that {odd.name} answers are no probabilities ({odd.objective})" if odd else ""
    if not wrong and group.decider == Decider.MAX_CONFIDENCE and len(members[0].outputs):
        no_numbers = not _numeric(members[0].outputs)
        wrong = f"{members[0].name} answers no probabilities" if no_numbers else ""
    if wrong:
        yield GroupProblem(
            code="SR362",
            message=f"decider {group.decider!r} does not fit: {wrong}",
            hint="decider 'first' takes any answer; an imported model states probabilities by task = "
            "'classification'",
            key="decider",
        )


def _unfit(field: Field, decider: str) -> str:
    """Why a decider can do nothing with an output; empty when it can."""
    shown = f"output {field.name} is {field.type}"
    match decider:
        case Decider.MEAN:
            return "" if is_number(field.type) else f"{shown}, of which there is no mean"
        case Decider.VOTE | Decider.MAX_CONFIDENCE:
            fits = is_number(field.type) or is_class(field.type)
            return "" if fits else f"{shown}, which is no class and no probability"
        case _:
            return ""


def is_number(type_: DataType) -> bool:
    """Whether an output is a number with a fraction, or a list of them."""
    return type_.is_float or (type_.kind is Kind.ARRAY and type_.element.is_float)


def is_class(type_: DataType) -> bool:
    """Whether an output names a class."""
    return type_.is_integer or type_.kind in (Kind.BOOLEAN, Kind.STRING)


def _numeric(outputs: Schema) -> bool:
    return any(is_number(field.type) for field in outputs)


def _shown(outputs: Schema) -> dict[str, str]:
    return {field.name.casefold(): str(field.type) for field in outputs}


def _told(outputs: Schema) -> str:
    return ", ".join(f"{field.name} {field.type}" for field in outputs)
