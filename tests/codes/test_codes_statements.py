"""The statements of the reference are those of the grammar."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import pytest

from sqlrec.codes.statements import StatementEntry, statement_entries
from sqlrec.errors import Diagnostic, ScriptError
from sqlrec.plan.build import build_plan
from sqlrec.sql.script import parse
from sqlrec.sql.statements import If, Statement


def _kinds(statement: object) -> Iterator[type]:
    yield type(statement)
    if isinstance(statement, If):
        yield from _kinds(statement.then)


@pytest.mark.parametrize("entry", statement_entries(), ids=lambda entry: entry.name)
def test_an_example_is_a_script(entry: StatementEntry) -> None:
    parsed = parse(entry.example)
    assert [d.message for d in parsed.diagnostics] == []
    assert len(parsed.statements) == entry.example.count(";")
    assert entry.example.endswith(";")
    assert entry.text.endswith(".")


@pytest.mark.parametrize("entry", statement_entries(), ids=lambda entry: entry.name)
def test_what_is_refused_says_so(entry: StatementEntry) -> None:
    refused = any(found.code == "SR190" for found in _errors(entry.example))
    assert refused == entry.text.startswith("Refused: ")
    assert refused == (entry.group == "Read, but refused")


def _errors(script: str) -> tuple[Diagnostic, ...]:
    try:
        build_plan(script, path="x.sql", name="x")
    except ScriptError as error:
        return error.diagnostics
    return ()


def test_every_statement_is_described() -> None:
    examples = [parse(entry.example).statements for entry in statement_entries()]
    shown = {kind for statements in examples for statement in statements for kind in _kinds(statement)}
    assert {kind.__name__ for kind in get_args(Statement)} - {kind.__name__ for kind in shown} == set()


def test_the_first_words_of_grammar_and_name_agree() -> None:
    for entry in statement_entries():
        word = entry.name.split()[0]
        assert word in entry.grammar, entry.name
