"""``sqlrec check`` and ``sqlrec plan``: what a script says, without running it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sqlrec.cli.arguments import add_command, add_json
from sqlrec.cli.compiling_formats import FORMATS, Found, show
from sqlrec.cli.console import print_json
from sqlrec.cli.project import settings
from sqlrec.cli.reaching import Reach
from sqlrec.errors import (
    EXIT_FINDINGS,
    EXIT_OK,
    Diagnostic,
    NameNotFoundError,
    ScriptError,
    Severity,
    Span,
)

if TYPE_CHECKING:
    from sqlrec.cli.arguments import Commands
    from sqlrec.plan.catalog import Catalog, ReadColumns
    from sqlrec.plan.plan import Plan
    from sqlrec.settings import Settings

STDIN = Path("-")
STRICT = ("sqlrec", "flink")
"""Values of ``--strict``; written here again, so that ``--help`` need not import the planner."""


def add_to(commands: Commands) -> None:
    """Declare ``check`` and ``plan``."""
    parser = add_command(
        commands,
        "check",
        lambda a: check(a.paths, output=a.format, syntax_only=a.syntax_only, strict=a.strict),
        "report every problem of the scripts; exit 3 when there is one",
    )
    parser.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="scripts, folders of *.sql files, or - for the standard input",
    )
    parser.add_argument("--format", choices=list(FORMATS), default="text", help="form of the findings")
    parser.add_argument(
        "--syntax-only", action="store_true", help="judge each script alone, without the registry"
    )
    parser.add_argument(
        "--strict", choices=STRICT, help="refuse what the parser of SQLRec or Flink would refuse"
    )
    parser = add_command(
        commands,
        "plan",
        lambda a: manifests(a.script) if a.manifests else plan(a.script, as_json=a.as_json),
        "show what running the script would do: steps, options in force and their origin, what exists",
    )
    parser.add_argument("script", type=Path, help="the script")
    parser.add_argument(
        "--manifests", action="store_true", help="show what a Kubernetes cluster would be given, as JSON"
    )
    add_json(parser)


def catalog() -> Catalog:
    """What is registered in the project now, read without MLflow."""
    return catalog_of(settings())


def catalog_of(chosen: Settings) -> Catalog:
    """What is registered now in the project of some settings."""
    from sqlrec.plan.catalog import OpenCatalog
    from sqlrec.registry.snapshot import SnapshotCatalog

    if not chosen.embedded:
        return OpenCatalog()
    return SnapshotCatalog(Path(chosen.tracking_uri.removeprefix("sqlite:///")))


def check(paths: Iterable[Path], *, output: str, syntax_only: bool, strict: str | None) -> int:
    """Show every problem of the scripts; gives the exit status. Raises SR705 for a path without a script."""
    from sqlrec.plan.catalog import OpenCatalog, no_columns

    world = OpenCatalog() if syntax_only else catalog()
    columns = no_columns if syntax_only else Reach(settings())
    files = [file for path in paths for file in _scripts(path)]
    found = [finding for file in _with_progress(files) for finding in _findings(file, world, columns, strict)]
    show(found, output)
    errors = sum(f.diagnostic.severity is Severity.ERROR for f in found)
    if output == "text":
        warnings = f", {len(found) - errors} warning(s)" if len(found) > errors else ""
        print(f"{len(files)} script(s), {errors} error(s){warnings}", file=sys.stderr)
    return EXIT_FINDINGS if errors else EXIT_OK


def _scripts(path: Path) -> list[Path]:
    """The script itself, or those of a folder."""
    found = sorted(path.rglob("*.sql")) if path.is_dir() else [path]
    if not found:
        raise NameNotFoundError("SR705", f"there is no *.sql file in {path}")
    return found


def _with_progress(files: list[Path]) -> Iterator[Path]:
    """The files, counted on a terminal while they are checked."""
    told = sys.stderr.isatty() and len(files) > 1
    for number, file in enumerate(files, start=1):
        if told:
            print(f"\r\033[Kchecking {number}/{len(files)} {file}", end="", file=sys.stderr, flush=True)
        yield file
    if told:
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def _findings(file: Path, world: Catalog, columns: ReadColumns, strict: str | None) -> list[Found]:
    """Problems of a script, each with the text it is about; a file that is no text is one."""
    from sqlrec.plan.build import build_plan
    from sqlrec.plan.masking import masked_findings
    from sqlrec.plan.strict_rules import Strict

    shown, name = ("<stdin>", "stdin") if file == STDIN else (str(file), file.stem)
    try:
        raw = sys.stdin.buffer.read() if file == STDIN else file.read_bytes()
        text = raw.decode("utf-8-sig")
        mode = Strict(strict) if strict else None
        plan = build_plan(text, path=shown, name=name, catalog=world, columns=columns, strict=mode)
    except ScriptError as error:
        return [Found(shown, found, error.text) for found in error.diagnostics]
    except UnicodeDecodeError as error:
        start = len(raw[: error.start].decode())
        found = Diagnostic(
            code="SR705",
            message=f"this is not UTF-8 text: {error.reason}",
            span=Span(start, start + 1),
            hint="convert it: iconv -f latin1 -t utf-8 old > new",
        )
        return [Found(shown, found, raw.decode(errors="replace"))]
    except OSError as error:
        raise NameNotFoundError("SR705", f"cannot read {file}: {error.strerror}") from None
    warnings, text = masked_findings(plan.warnings, text)
    return [Found(shown, found, text) for found in warnings]


def plan(script: Path, *, as_json: bool) -> None:
    """Show what running the script would do: steps, options in force and their origin, what exists."""
    from sqlrec.plan.explain import explain, render_explanation
    from sqlrec.spec import codec

    world = catalog()
    explanation = explain(_built(script, world), world)
    if as_json:
        print_json(codec.encode(explanation))
    else:
        print(render_explanation(explanation))


def manifests(script: Path) -> None:
    """Show the objects of a cluster as a list that kubectl reads, and what is not shown on standard error."""
    from sqlrec.execution.planned_manifests import planned_manifests

    world = catalog()
    planned = planned_manifests(_built(script, world), world, settings())
    for note in planned.notes:
        print(note, file=sys.stderr)
    print_json({"apiVersion": "v1", "kind": "List", "items": planned.manifests})


def _built(script: Path, world: Catalog) -> Plan:
    from sqlrec.airflow.cache import read_script
    from sqlrec.plan.build import build_plan

    text = read_script(script)
    return build_plan(text, path=str(script), name=script.stem, catalog=world, columns=Reach(settings()))
