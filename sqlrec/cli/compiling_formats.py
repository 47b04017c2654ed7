"""The forms in which ``sqlrec check`` shows findings: for people, programs, GitHub, and SARIF readers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlrec.cli.console import print_json
from sqlrec.errors import Diagnostic, position, render_diagnostic


@dataclass(frozen=True, slots=True)
class Found:
    """A finding about a file, and the file's text as it may be shown."""

    file: str
    diagnostic: Diagnostic
    text: str

    @property
    def begins(self) -> tuple[int, int]:
        """Line and column of the first character, from 1."""
        return position(self.text, self.diagnostic.span.start)

    @property
    def ends(self) -> tuple[int, int]:
        """Line and column after the last character."""
        return position(self.text, self.diagnostic.span.end)


def show(found: Sequence[Found], output: str) -> None:
    """Print findings in one of ``FORMATS``."""
    FORMATS[output](found)


def _text(found: Sequence[Found]) -> None:
    for finding in found:
        print(render_diagnostic(finding.diagnostic, finding.text, finding.file) + "\n")


def _json(found: Sequence[Found]) -> None:
    print_json([_row(finding) for finding in found])


def _row(finding: Found) -> dict[str, object]:
    (line, column), (end_line, end_column) = finding.begins, finding.ends
    return {
        "file": finding.file,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
        "code": finding.diagnostic.code,
        "severity": str(finding.diagnostic.severity),
        "message": finding.diagnostic.message,
        "hint": finding.diagnostic.hint,
    }


def _github(found: Sequence[Found]) -> None:
    """Workflow commands, which GitHub shows beside the lines of a change."""
    for finding in found:
        diagnostic = finding.diagnostic
        (line, column), (end_line, end_column) = finding.begins, finding.ends
        values = {
            "file": finding.file,
            "line": line,
            "col": column,
            "endLine": end_line,
            "endColumn": end_column,
            "title": diagnostic.code,
        }
        place = ",".join(f"{key}={_property(str(value))}" for key, value in values.items())
        message = _escaped(f"{diagnostic.message} {diagnostic.hint}".strip())
        print(f"::{diagnostic.severity} {place}::{message}")


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def _sarif(found: Sequence[Found]) -> None:
    from sqlrec.cli.compiling_sarif import log

    print_json(log(found))


FORMATS: dict[str, Callable[[Sequence[Found]], None]] = {
    "text": _text,
    "json": _json,
    "sarif": _sarif,
    "github": _github,
}
