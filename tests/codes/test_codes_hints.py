"""Every finding about a script comes with help: in the golden files of errors, and in damaged statements."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.codes.statements import statement_entries
from sqlrec.errors import Diagnostic, ScriptError
from sqlrec.plan.build import build_plan

BROKEN = sorted((Path(__file__).parents[1] / "golden" / "errors").rglob("*.sql"))
EXAMPLES = [entry.example for entry in statement_entries()]
WORDS = sorted({word for example in EXAMPLES for word in example.split()})


def _helpless(script: str) -> list[str]:
    found: tuple[Diagnostic, ...]
    try:
        found = build_plan(script, path="x.sql", name="x").warnings
    except ScriptError as error:
        found = error.diagnostics
    return [f"{d.code} {d.message}" for d in found if not d.hint]


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_the_findings_of_the_golden_files_have_help(path: Path) -> None:
    assert _helpless(path.read_text()) == []


@given(st.sampled_from(EXAMPLES), st.data())
def test_the_findings_of_a_damaged_statement_have_help(example: str, data: st.DataObject) -> None:
    words = example.split(" ")
    place = data.draw(st.integers(0, len(words) - 1))
    damage = data.draw(st.sampled_from(["leave out", "double", "replace", "cut"]))
    match damage:
        case "leave out":
            damaged = [*words[:place], *words[place + 1 :]]
        case "double":
            damaged = [*words[: place + 1], *words[place:]]
        case "replace":
            damaged = [*words[:place], data.draw(st.sampled_from(WORDS)), *words[place + 1 :]]
        case _:
            damaged = words[:place]
    assert _helpless(" ".join(damaged)) == []
