"""The pages made from the code are those in ``docs/``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sqlrec.cli.referencing import pages
from sqlrec.codes.index import entries
from sqlrec.codes.statements import statement_entries
from sqlrec.errors import EXIT_FINDINGS, EXIT_OK
from sqlrec.models.lookup import BUILT_IN, get_controller
from sqlrec.plan.script_options import SCRIPT_OPTIONS
from sqlrec.settings import DEFAULTS
from tests.cli.conftest import Command

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", ["sql.md", "errors.md"])
def test_the_docs_are_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text() == pages()[name], "run: make docs"


def test_pages_are_written_and_checked(sqlrec: Command, project: Path) -> None:
    folder = project / "docs"
    assert sqlrec("reference", "--output", folder, "--check").status == EXIT_FINDINGS
    assert not folder.exists()
    told = sqlrec("reference", "--output", folder)
    assert told.status == EXIT_OK
    assert told.out.split() == [str(folder / "sql.md"), str(folder / "errors.md")]
    assert sqlrec("reference", "--output", folder, "--check").status == EXIT_OK
    (folder / "sql.md").write_text("old")
    told = sqlrec("reference", "--output", folder, "--check")
    assert told.status == EXIT_FINDINGS
    assert "sql.md is out of date" in told.err


def test_the_language_page_has_every_statement_option_and_setting() -> None:
    page = pages()["sql.md"]
    assert all(f"\n### {entry.name}\n" in page for entry in statement_entries())
    keys = {option.key for name in BUILT_IN for option in get_controller(name).options.options}
    keys |= {option.key for option in SCRIPT_OPTIONS.options} | set(DEFAULTS)
    cells = re.findall(r"^\| (`[^|]+`) \|", page, re.MULTILINE)
    rows = {key for cell in cells for key in re.findall(r"`([^`]+)`", cell)}
    assert "\n| `min_auc`, `max_auc` |" in page, "both bounds of a metric are one row"
    assert "\n| `min_auc` |" not in page
    assert {key.replace("{f}", "NAME") for key in keys} - rows == {"provider"}


def test_the_page_of_messages_has_every_code() -> None:
    assert re.findall(r"^### (SR\d+)$", pages()["errors.md"], re.MULTILINE) == list(entries())


def test_tables_have_as_many_cells_as_columns() -> None:
    for block in re.findall(r"(?:^\|.*\n)+", pages()["sql.md"], re.MULTILINE):
        assert len({line.count(" | ") for line in block.splitlines() if not line.startswith("|---")}) == 1
