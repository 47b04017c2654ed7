"""``sqlrec check`` and ``sqlrec plan``: what a script says, without running it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sqlrec.cli.console import print_json
from sqlrec.cli.project import settings
from sqlrec.errors import (
    EXIT_FINDINGS,
    Diagnostic,
    NameNotFoundError,
    ScriptError,
    Severity,
    position,
    render_diagnostic,
)

if TYPE_CHECKING:
    from sqlrec.plan.catalog import Catalog
    from sqlrec.plan.plan import Plan


class Format(StrEnum):
    """Forms of findings."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def read_script(path: Path) -> str:
    """Text of a script; raises SR705 when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise NameNotFoundError("SR705", f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise NameNotFoundError("SR705", f"{path} is not UTF-8 text: {error.reason}") from None


def compile_script(path: Path, catalog: Catalog) -> Plan:
    """Plan of the script at ``path``."""
    from sqlrec.plan.build import build_plan

    return build_plan(read_script(path), path=str(path), name=path.stem, catalog=catalog)


def catalog() -> Catalog:
    """What is registered in the project now, read without MLflow."""
    from sqlrec.plan.catalog import OpenCatalog
    from sqlrec.registry.snapshot import SnapshotCatalog

    chosen = settings()
    if not chosen.embedded:
        return OpenCatalog()
    return SnapshotCatalog(Path(chosen.tracking_uri.removeprefix("sqlite:///")))


def check(
    paths: Annotated[list[Path], typer.Argument(help="Scripts, or folders of *.sql files.")],
    output: Annotated[Format, typer.Option("--format", help="Form of the findings.")] = Format.TEXT,
    syntax_only: Annotated[
        bool, typer.Option("--syntax-only", help="Judge each script alone, without the registry.")
    ] = False,
) -> None:
    """Report every problem of the scripts; exit 3 when there is one."""
    from sqlrec.plan.catalog import OpenCatalog

    world = OpenCatalog() if syntax_only else catalog()
    files = [f for path in paths for f in (sorted(path.rglob("*.sql")) if path.is_dir() else [path])]
    findings = [(file, *finding) for file in files for finding in _findings(file, world)]
    _show(findings, output)
    errors = sum(d.severity is Severity.ERROR for _, d, _ in findings)
    if output is Format.TEXT:
        typer.echo(f"{len(files)} script(s), {errors} error(s)", err=True)
    if errors:
        raise typer.Exit(EXIT_FINDINGS)


def _findings(file: Path, world: Catalog) -> list[tuple[Diagnostic, str]]:
    text = read_script(file)
    try:
        return [(d, text) for d in compile_script(file, world).warnings]
    except ScriptError as error:
        return [(d, text) for d in error.diagnostics]


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
            typer.echo(render_diagnostic(found, text, str(file)) + "\n")
        elif output is Format.GITHUB:
            place = f"file={file},line={line},col={column},endLine={end_line},endColumn={end_column}"
            message = f"{found.message} {found.hint}".strip().replace("%", "%25").replace("\n", "%0A")
            typer.echo(f"::{found.severity} {place},title={found.code}::{message}")
    if output is Format.JSON:
        print_json(rows)


def plan(
    script: Annotated[Path, typer.Argument(help="The script.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the explanation as JSON.")] = False,
) -> None:
    """Show what running the script would do: steps, options in force and their origin, what exists."""
    from sqlrec.plan.explain import explain, render_explanation
    from sqlrec.spec import codec

    world = catalog()
    explanation = explain(compile_script(script, world), world)
    if as_json:
        print_json(codec.encode(explanation))
    else:
        typer.echo(render_explanation(explanation))
