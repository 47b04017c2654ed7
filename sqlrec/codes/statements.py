"""How each statement is written: pure data, read by the reference and the shell's help."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementEntry:
    """A statement: what it does, its grammar, and an example, which is a script of its own."""

    name: str
    group: str
    text: str
    grammar: str
    example: str


@functools.cache
def statement_entries() -> tuple[StatementEntry, ...]:
    """All statements, in the order of the reference."""
    text = files(__package__).joinpath("statements.toml").read_text(encoding="utf-8")
    return tuple(
        StatementEntry(name=name, **{key: value.strip() for key, value in facts.items()})
        for name, facts in tomllib.loads(text).items()
    )
