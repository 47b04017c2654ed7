"""The rule of a service's group, as a target over its slots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from sqlrec.errors import StateError
from sqlrec.serving.groups.shadow import Shadow
from sqlrec.serving.groups.speculative import Speculative
from sqlrec.serving.groups.split import Split
from sqlrec.serving.slots import Slot
from sqlrec.spec.group import Group, Routing
from sqlrec.spec.group_rules import Member, member_problems
from sqlrec.spec.schema import Field, Schema
from sqlrec.spec.signature import Signature

Rule = Speculative | Shadow | Split


def rule_of(name: str, slots: Sequence[Slot], group: Group) -> Rule:
    """The rule over loaded models; raises ``StateError`` SR682 (decider) and SR683 (misfits)."""
    check_fit({slot.name: slot.lane.signature for slot in slots}, group)
    match group.routing:
        case Routing.SPECULATIVE:
            return Speculative(name, slots, group)
        case Routing.SHADOW:
            return Shadow(name, slots, group)
        case Routing.SPLIT:
            return Split(name, slots, group)
        case _:
            assert_never(group.routing)


def check_fit(signatures: Mapping[str, Signature], group: Group) -> None:
    """Models, by slot, can stand together; raises ``StateError`` SR683."""
    members = [member_of(name, signature) for name, signature in signatures.items()]
    problem = next(member_problems(members, group), None)
    if problem is not None:
        raise StateError("SR683", problem.message, hint=problem.hint)


def member_of(name: str, signature: Signature) -> Member:
    """What an exported model takes and gives."""
    inputs = tuple(Field(name=column.name, type=column.type) for column in signature.inputs)
    outputs = tuple(Field(name=column.name, type=column.type) for column in signature.outputs)
    return Member(name=name, inputs=Schema(inputs), outputs=Schema(outputs), objective=signature.objective)
