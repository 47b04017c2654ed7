"""Names and strings as canonical text: names in back-quotes where SQLRec or Flink reserves the word."""

from __future__ import annotations

import re

from sqlrec.sql.reserved import RESERVED
from sqlrec.sql.statements import Ident


def name_text(name: Ident) -> str:
    """A name with its parts joined by dots."""
    return ".".join(map(part_text, name.parts))


def part_text(part: str) -> str:
    """One part of a name."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", part) and part.upper() not in RESERVED
    return part if plain else "`" + part.replace("`", "``") + "`"


def string_text(value: str) -> str:
    """A string literal."""
    return "'" + value.replace("'", "''") + "'"
