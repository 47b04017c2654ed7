"""Groups of models: options read, kept in a file, and what deciders ask of answers."""

from __future__ import annotations

import pytest

from sqlrec.errors import OptionError
from sqlrec.spec import codec
from sqlrec.spec.group import Group, Routing, group_of
from sqlrec.spec.group_rules import Member, member_problems
from sqlrec.spec.options import OptionValue
from sqlrec.spec.schema import DataType, Field, Schema


def schema(**columns: str) -> Schema:
    return Schema(tuple(Field(name=name, type=DataType.parse(text)) for name, text in columns.items()))


def codes(decider: str, objective: str = "", **outputs: str) -> list[str]:
    members = [
        Member(name=name, inputs=schema(x="INT"), outputs=schema(**outputs), objective=objective)
        for name in "ab"
    ]
    return [problem.code for problem in member_problems(members, Group(decider=decider))]


def test_options_become_a_group_and_a_file() -> None:
    options: dict[str, OptionValue] = {"Routing": "SPLIT", "weights": "90, 10", "replicas": 2}
    group = group_of(options)
    assert group == Group(routing=Routing.SPLIT, weights=(90, 10))
    assert codec.loads(Group, codec.dumps(group)) == group
    assert group_of({}) == Group()
    assert group_of({"timeout": "80ms", "threshold": 0.3, "decider": "vote"}) == Group(
        decider="vote", timeout=0.08, threshold=0.3
    )
    with pytest.raises(OptionError, match="timeout"):
        group_of({"timeout": "soon"})


@pytest.mark.parametrize("decider", ["first", "my_own"])
def test_some_deciders_take_anything(decider: str) -> None:
    assert codes(decider, "regression", kind="STRING", vector="ARRAY<FLOAT>") == []


def test_a_mean_is_of_numbers() -> None:
    assert codes("mean", "regression", p="FLOAT", v="ARRAY<DOUBLE>") == []
    assert codes("mean", kind="BIGINT") == codes("mean", kind="STRING") == ["SR362"]


@pytest.mark.parametrize("decider", ["vote", "max_confidence"])
def test_votes_and_confidence_are_of_classes_and_probabilities(decider: str) -> None:
    assert codes(decider, "binary", p="FLOAT") == codes(decider, "", p="ARRAY<FLOAT>", kind="STRING") == []
    assert codes(decider, "regression", p="FLOAT") == codes(decider, d="DATE", p="FLOAT") == ["SR362"]
    assert codes(decider, "", kind="BIGINT") == ([] if decider == "vote" else ["SR362"])


def test_columns_go_together_by_what_a_request_can_hold() -> None:
    def found(one: str, other: str) -> list[str]:
        members = [Member(name=t, inputs=schema(x=t), outputs=schema(p="FLOAT")) for t in (one, other)]
        return [problem.code for problem in member_problems(members, Group())]

    assert found("INT", "DOUBLE") == found("ARRAY<INT>", "ARRAY<BIGINT>") == []
    assert found("INT", "STRING") == found("ARRAY<INT>", "INT") == found("INT", "BOOLEAN") == ["SR361"]
