"""The index of codes. The entries are TOML files beside this module: texts and scripts, no program."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from importlib.resources import files

FAMILIES = {
    "syntax": "Syntax",
    "names": "Names and state",
    "options": "Options and secrets",
    "data": "Data, schemas and model definitions",
    "jobs": "Jobs and runtimes",
    "serving": "Calling and serving models",
    "environment": "Environment and orchestration",
}
"""The files of entries, in the order of their codes, and what each is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a code means.

    ``bad`` is a script that gives it, ``good`` the same script without the mistake;
    both are empty for codes that no text alone can give.
    """

    code: str
    family: str
    title: str
    meaning: str
    fix: str
    bad: str = ""
    good: str = ""


@functools.cache
def entries() -> dict[str, Entry]:
    """All entries by code, in order."""
    found = {}
    for family in FAMILIES:
        text = files(__package__).joinpath(f"{family}.toml").read_text(encoding="utf-8")
        for code, facts in tomllib.loads(text).items():
            found[code] = Entry(code=code, family=family, **{k: v.strip() for k, v in facts.items()})
    return dict(sorted(found.items()))
