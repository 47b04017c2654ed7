"""What an editor may ask about the world around a script."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from sqlrec.errors import ScriptError
from sqlrec.models.lookup import get_controller
from sqlrec.plan.build import plan_in
from sqlrec.plan.catalog import Catalog, ReadColumns, no_columns
from sqlrec.plan.scope import GetController, ScriptScope


def _no_tables() -> Iterable[str]:
    return ()


class World(Protocol):
    """Names in force, and tables of the warehouse."""

    def scope(self, text: str) -> ScriptScope:
        """Names in force after ``text``, whatever is wrong with it."""

    def tables(self) -> Iterable[str]:
        """Tables that no statement declares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The world of a script that is a file of a project."""

    catalog: Catalog
    controllers: GetController = get_controller
    columns: ReadColumns = no_columns
    warehouse: Callable[[], Iterable[str]] = _no_tables

    def scope(self, text: str) -> ScriptScope:
        """Names in force after ``text``, whatever is wrong with it."""
        scope = ScriptScope(
            text=text, catalog=self.catalog, controllers=self.controllers, columns=self.columns
        )
        with suppress(ScriptError):
            plan_in(scope, path="", name="")
        return scope

    def tables(self) -> Iterable[str]:
        """Tables of the warehouse."""
        return self.warehouse()
