"""Statements that decide, and those that stop a script."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlrec.sql.statements.parts import Base, QueryText

if TYPE_CHECKING:
    from sqlrec.sql.statements import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class If(Base):
    """IF [TIMEIN] (query) THEN (statement) [ELSE (statement)].

    With TIMEIN the query gives milliseconds: what THEN has not done by then is left to ELSE. 0 or less
    is no limit.
    """

    condition: QueryText
    then: Statement
    otherwise: Statement | None = None
    timein: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Assert(Base):
    """ASSERT query: all its columns are boolean, and every value of its rows, at least one, is true."""

    query: QueryText


@dataclass(frozen=True, slots=True, kw_only=True)
class Flush(Base):
    """FLUSH: forget what was cached of the catalog."""
