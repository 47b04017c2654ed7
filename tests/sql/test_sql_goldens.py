"""Bad scripts of ``tests/golden/errors`` with the text of their errors, below a marker line."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlrec.errors import render_diagnostic
from sqlrec.sql.script import parse

FOLDER = Path(__file__).parents[1] / "golden" / "errors"
MARKER = "-- expected:\n"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.sql")), ids=lambda path: path.stem)
def test_errors_read_as_expected(path: Path, update_golden: bool) -> None:
    text, _, expected = path.read_text(encoding="utf-8").partition(MARKER)
    parsed = parse(text)
    assert parsed.statements == ()
    shown = "\n\n".join(render_diagnostic(d, text, path.name) for d in parsed.diagnostics)
    commented = "".join(f"-- {line}".rstrip() + "\n" for line in shown.splitlines())
    if update_golden:
        path.write_text(text + MARKER + commented, encoding="utf-8")
    else:
        assert commented == expected


def test_there_are_goldens() -> None:
    assert len(list(FOLDER.glob("*.sql"))) > 10
