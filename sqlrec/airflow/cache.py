"""Scripts compiled once: text to plan, stored by content.

The DAG processor parses its files every half minute and every task process parses them again, so nothing
there may read SQL. A plan is kept as JSON under the SHA-256 of the script's text, name and path and of the
compiler's own files; reading it back imports no SQL library.
"""

from __future__ import annotations

import functools
import hashlib
from contextlib import suppress
from pathlib import Path
from typing import cast

import sqlrec
from sqlrec.artifacts.durable import make_folder, write_text
from sqlrec.errors import NameNotFoundError, SetupError
from sqlrec.plan.plan import Plan
from sqlrec.spec import codec

COMPILER = ("sql", "plan", "models", "spec")
"""Packages whose code decides what a script's plan is."""


def read_script(path: Path) -> str:
    """Text of a script; raises SR705 when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise NameNotFoundError("SR705", f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise NameNotFoundError("SR705", f"{path} is not UTF-8 text: {error.reason}") from None


def plan_of(path: Path, store: Path) -> Plan:
    """The plan of a script, from the store when it is there; raises ``ScriptError`` with all problems.

    A store that cannot be read or written costs time and nothing else.
    """
    text = read_script(path)
    stored = store / f"{_key(text, path)}.json"
    with suppress(OSError, codec.CodecError):
        return cast(Plan, codec.loads(Plan, stored.read_bytes()))
    plan = _compile(text, path)
    with suppress(SetupError):
        write_text(make_folder(store) / stored.name, codec.dumps(plan))
    return plan


def _compile(text: str, path: Path) -> Plan:
    from sqlrec.plan.build import build_plan
    from sqlrec.plan.catalog import OpenCatalog

    return build_plan(text, path=path.name, name=path.stem, catalog=OpenCatalog())


def _key(text: str, path: Path) -> str:
    facts = "\0".join((compiler_version(), path.name, text))
    return hashlib.sha256(facts.encode()).hexdigest()


@functools.cache
def compiler_version() -> str:
    """The version of sqlrec and the state of its compiler's files, which a working copy changes freely."""
    root = Path(sqlrec.__file__).parent
    files = sorted(f for package in COMPILER for f in (root / package).rglob("*.py"))
    states = (f"{f.relative_to(root)} {f.stat().st_size} {f.stat().st_mtime_ns}" for f in files)
    return f"{sqlrec.__version__} {hashlib.sha256(chr(10).join(states).encode()).hexdigest()}"
