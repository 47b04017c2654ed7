"""``sqlrec fmt``: scripts in their canonical form."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sqlrec.artifacts.durable import writing
from sqlrec.cli.arguments import add_command
from sqlrec.errors import EXIT_FINDINGS, EXIT_OK, NameNotFoundError, ScriptError

if TYPE_CHECKING:
    from sqlrec.cli.arguments import Commands

STDIN = Path("-")


def add_to(commands: Commands) -> None:
    """Declare ``fmt``."""
    parser = add_command(
        commands,
        "fmt",
        lambda a: fmt(a.paths, check=a.check, diff=a.diff),
        "write the scripts in their canonical form: comments stay, queries stay as written",
    )
    parser.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="scripts, folders of *.sql files, or - for the standard input, written to the standard output",
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 3 when a script would change"
    )
    parser.add_argument("--diff", action="store_true", help="write nothing; show what would change")


def fmt(paths: Iterable[Path], *, check: bool, diff: bool) -> int:
    """Format scripts in place; gives the exit status.

    A script that cannot be read stays as it is and its problems are shown; the others are formatted all the
    same. Raises SR705 for a path without a script or a file that is no text.
    """
    files = [file for path in paths for file in _scripts(path)]
    changed = bad = 0
    for file in files:
        try:
            changed += _format(file, check=check, diff=diff)
        except ScriptError as error:
            bad += 1
            _show(error)
    if STDIN not in files:
        _tell(changed, len(files), bad, dry=check or diff)
    return EXIT_FINDINGS if bad or (check and changed) else EXIT_OK


def _show(error: ScriptError) -> None:
    from sqlrec.plan.masking import masked_findings

    found, shown = masked_findings(error.diagnostics, error.text)
    print(f"{ScriptError(found, text=shown, path=error.path)}\n", file=sys.stderr)


def _scripts(path: Path) -> list[Path]:
    found = sorted(path.rglob("*.sql")) if path.is_dir() else [path]
    if not found:
        raise NameNotFoundError("SR705", f"there is no *.sql file in {path}")
    return found


def _format(file: Path, *, check: bool, diff: bool) -> bool:
    """Format one script; gives whether it changes."""
    from sqlrec.sql.formatting import format_script

    raw = _read(file)
    shown = "<stdin>" if file == STDIN else str(file)
    text = _decoded(raw, shown)
    done = format_script(text, path=shown)
    new = done.encode()
    if diff:
        sys.stdout.writelines(_difference(raw.decode(), done, shown))
    elif check:
        if new != raw:
            print(f"would format {shown}", file=sys.stderr)
    elif file == STDIN:
        sys.stdout.buffer.write(new)
    elif new != raw:
        _replace(file, new)
        print(f"formatted {shown}", file=sys.stderr)
    return new != raw


def _read(file: Path) -> bytes:
    if file == STDIN:
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise NameNotFoundError("SR705", f"cannot read {file}: {error.strerror}") from None


def _decoded(raw: bytes, shown: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NameNotFoundError(
            "SR705",
            f"{shown} is not UTF-8 text: {error.reason} at byte {error.start}",
            hint="convert it: iconv -f latin1 -t utf-8 old > new",
        ) from None


def _difference(before: str, after: str, shown: str) -> Iterable[str]:
    """A unified diff; a last line without a line break says so, as ``diff`` does."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), shown, f"{shown} (formatted)"
    )
    return (line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _replace(file: Path, new: bytes) -> None:
    """Replace a file in one step, with its mode; what a link points to is replaced, not the link."""
    target = file.resolve()
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    with writing(target):
        try:
            with draft.open("wb") as out:
                out.write(new)
                out.flush()
                os.fsync(out.fileno())
            draft.chmod(target.stat().st_mode & 0o7777)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)


def _tell(changed: int, files: int, bad: int, *, dry: bool) -> None:
    verb = "would be formatted" if dry else "formatted"
    wrong = f", {bad} with errors left as they are" if bad else ""
    print(f"{files} script(s): {changed} {verb}{wrong}", file=sys.stderr)
