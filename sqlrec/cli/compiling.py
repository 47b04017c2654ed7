"""``sqlrec check`` and ``sqlrec plan``: what a script says, without running it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from sqlrec.cli.arguments import add_command, add_json
from sqlrec.cli.console import print_json
from sqlrec.cli.project import settings
from sqlrec.errors import (
    EXIT_FINDINGS,
    EXIT_OK,
    Diagnostic,
    NameNotFoundError,
    ScriptError,
    Severity,
    Span,
    position,
    render_diagnostic,
)

if TYPE_CHECKING:
    from sqlrec.cli.arguments import Commands
    from sqlrec.plan.catalog import Catalog


class Format(StrEnum):
    """Forms of findings."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def add_to(commands: Commands) -> None:
    """Declare ``check`` and ``plan``."""
    parser = add_command(
        commands,
        "check",
        lambda a: check(a.paths, output=Format(a.format), syntax_only=a.syntax_only),
        "report every problem of the scripts; exit 3 when there is one",
    )
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="scripts, or folders of *.sql files"
    )
    parser.add_argument(
        "--format", choices=list(map(str, Format)), default="text", help="form of the findings"
    )
    parser.add_argument(
        "--syntax-only", action="store_true", help="judge each script alone, without the registry"
    )
    parser = add_command(
        commands,
        "plan",
        lambda a: plan(a.script, as_json=a.as_json),
        "show what running the script would do: steps, options in force and their origin, what exists",
    )
    parser.add_argument("script", type=Path, help="the script")
    add_json(parser)


def catalog() -> Catalog:
    """What is registered in the project now, read without MLflow."""
    from sqlrec.plan.catalog import OpenCatalog
    from sqlrec.registry.snapshot import SnapshotCatalog

    chosen = settings()
    if not chosen.embedded:
        return OpenCatalog()
    return SnapshotCatalog(Path(chosen.tracking_uri.removeprefix("sqlite:///")))


def check(paths: Iterable[Path], *, output: Format, syntax_only: bool) -> int:
    """Show every problem of the scripts; gives the exit status. Raises SR705 for a path without a script."""
    from sqlrec.plan.catalog import OpenCatalog

    world = OpenCatalog() if syntax_only else catalog()
    files = [file for path in paths for file in _scripts(path)]
    findings = [(file, *finding) for file in files for finding in _findings(file, world)]
    _show(findings, output)
    errors = sum(found.severity is Severity.ERROR for _, found, _ in findings)
    if output is Format.TEXT:
        print(f"{len(files)} script(s), {errors} error(s)", file=sys.stderr)
    return EXIT_FINDINGS if errors else EXIT_OK


def _scripts(path: Path) -> list[Path]:
    """The script itself, or those of a folder."""
    found = sorted(path.rglob("*.sql")) if path.is_dir() else [path]
    if not found:
        raise NameNotFoundError("SR705", f"there is no *.sql file in {path}")
    return found


def _findings(file: Path, world: Catalog) -> list[tuple[Diagnostic, str]]:
    """Problems of a script, each with the text it is about; a file that is no text is one."""
    from sqlrec.plan.build import build_plan

    try:
        raw = file.read_bytes()
        text = raw.decode("utf-8-sig")
        plan = build_plan(text, path=str(file), name=file.stem, catalog=world)
    except ScriptError as error:
        return [(found, text) for found in error.diagnostics]
    except UnicodeDecodeError as error:
        start = len(raw[: error.start].decode())
        message = f"this is not UTF-8 text: {error.reason}"
        found = Diagnostic(code="SR705", message=message, span=Span(start, start + 1))
        return [(found, raw.decode(errors="replace"))]
    except OSError as error:
        raise NameNotFoundError("SR705", f"cannot read {file}: {error.strerror}") from None
    return [(found, text) for found in plan.warnings]


def _show(findings: list[tuple[Path, Diagnostic, str]], output: Format) -> None:
    rows = []
    for file, found, text in findings:
        line, column = position(text, found.span.start)
        end_line, end_column = position(text, found.span.end)
        rows.append(
            {
                "file": str(file),
                "line": line,
                "column": column,
                "end_line": end_line,
                "end_column": end_column,
                "code": found.code,
                "severity": str(found.severity),
                "message": found.message,
                "hint": found.hint,
            }
        )
        if output is Format.TEXT:
            print(render_diagnostic(found, text, str(file)) + "\n")
        elif output is Format.GITHUB:
            place = f"file={file},line={line},col={column},endLine={end_line},endColumn={end_column}"
            message = f"{found.message} {found.hint}".strip().replace("%", "%25").replace("\n", "%0A")
            print(f"::{found.severity} {place},title={found.code}::{message}")
    if output is Format.JSON:
        print_json(rows)


def plan(script: Path, *, as_json: bool) -> None:
    """Show what running the script would do: steps, options in force and their origin, what exists."""
    from sqlrec.airflow.cache import read_script
    from sqlrec.plan.build import build_plan
    from sqlrec.plan.explain import explain, render_explanation
    from sqlrec.spec import codec

    world = catalog()
    built = build_plan(read_script(script), path=str(script), name=script.stem, catalog=world)
    explanation = explain(built, world)
    if as_json:
        print_json(codec.encode(explanation))
    else:
        print(render_explanation(explanation))
