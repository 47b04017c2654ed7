"""Every code of a message is in the index, and its examples do what the index says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import sqlrec
from sqlrec.codes.index import FAMILIES, Entry, entries
from sqlrec.errors import Diagnostic, ScriptError
from sqlrec.plan.build import build_plan
from sqlrec.plan.catalog import Catalog

PACKAGE = Path(sqlrec.__file__).parent
EXAMPLES = [entry for entry in entries().values() if entry.bad]
DIGITS = dict(zip(FAMILIES, "1234567", strict=True))


def _used() -> dict[str, Path]:
    """Every code that the package gives, with a module that gives it."""
    modules = sorted(PACKAGE.rglob("*.py"))
    return {code: path for path in modules for code in re.findall(r'"(SR\d{3})"', path.read_text())}


def _findings(script: str, catalog: Catalog) -> tuple[Diagnostic, ...]:
    try:
        return build_plan(script, path="x.sql", name="x", catalog=catalog).warnings
    except ScriptError as error:
        return error.diagnostics


def test_the_index_has_every_code_and_no_other() -> None:
    used, known = _used(), entries()
    assert {code: str(path) for code, path in used.items() if code not in known} == {}
    assert sorted(set(known) - set(used)) == []


@pytest.mark.parametrize("entry", entries().values(), ids=lambda entry: entry.code)
def test_an_entry_says_what_it_is_and_what_to_do(entry: Entry) -> None:
    assert entry.code[2] == DIGITS[entry.family]
    assert entry.title
    assert not entry.title.endswith(".")
    assert entry.meaning.endswith(".")
    assert entry.fix.endswith(".")
    assert bool(entry.bad) == bool(entry.good)


def test_what_a_text_can_trigger_is_shown_by_one() -> None:
    """Other codes are those of a run, or need a text too long to show (SR113)."""
    without = {code for code in entries() if code < "SR4" and not entries()[code].bad}
    of_runs = {f"SR2{digits}" for digits in range(60, 80)} | {"SR202", "SR233", "SR320", "SR321", "SR322"}
    of_runs |= {"SR376", "SR377", "SR378"} | {f"SR38{digit}" for digit in range(3, 9)}
    assert without - of_runs == {"SR113", "SR139"}


@pytest.mark.parametrize("entry", EXAMPLES, ids=lambda entry: entry.code)
def test_the_wrong_script_gives_its_code_with_help(entry: Entry, registered: Catalog) -> None:
    found = [d for d in _findings(entry.bad, registered) if d.code == entry.code]
    assert found
    for finding in found:
        assert finding.hint, finding.message
        assert 0 <= finding.span.start < finding.span.end <= len(entry.bad) + 1


@pytest.mark.parametrize("entry", EXAMPLES, ids=lambda entry: entry.code)
def test_the_right_script_has_no_finding(entry: Entry, registered: Catalog) -> None:
    assert _findings(entry.good, registered) == ()
