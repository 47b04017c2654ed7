"""``sqlrec explain``."""

from __future__ import annotations

import json

import pytest

from sqlrec.codes.index import FAMILIES, entries
from sqlrec.errors import EXIT_FAILED, EXIT_OK
from tests.cli.conftest import Command


@pytest.mark.parametrize("written", ["SR204", "sr204", "204"])
def test_one_code(sqlrec: Command, written: str) -> None:
    told = sqlrec("explain", written)
    entry = entries()["SR204"]
    assert told.status == EXIT_OK
    assert told.out.startswith(f"SR204: {entry.title}\n\n{entry.meaning}\n\n{entry.fix}\n")
    assert f"Wrong:\n  {entry.bad}\n" in told.out
    assert told.out.endswith(f"Right:\n  {entry.good}\n")


def test_a_code_without_examples(sqlrec: Command) -> None:
    assert sqlrec("explain", "SR711").out.endswith(f"{entries()['SR711'].fix}\n")


def test_all_codes(sqlrec: Command) -> None:
    told = sqlrec("explain")
    lines = told.out.splitlines()
    assert [line.split()[0] for line in lines if line.startswith("  ")] == list(entries())
    assert set(FAMILIES.values()) <= set(lines)


def test_json(sqlrec: Command) -> None:
    assert json.loads(sqlrec("explain", "SR204", "--json").out)["title"] == entries()["SR204"].title
    assert [row["code"] for row in json.loads(sqlrec("explain", "--json").out)] == list(entries())


@pytest.mark.parametrize(("written", "hint"), [("SR7111", "Did you mean 'SR711'?"), ("what", "lists all")])
def test_an_unknown_code(sqlrec: Command, written: str, hint: str) -> None:
    told = sqlrec("explain", written)
    assert told.status == EXIT_FAILED
    assert told.err.startswith(f"error[SR706]: there is no code {written!r}\n")
    assert hint in told.err
