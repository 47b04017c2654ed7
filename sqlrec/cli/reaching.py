"""Columns of tables that scripts do not declare, as ``check`` and ``plan`` see them in the project."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlrec.settings import Settings
    from sqlrec.spec.schema import Schema
    from sqlrec.spec.table import TableSource


@dataclass(frozen=True, slots=True)
class Reach:
    """What ``build_plan`` asks for columns: ``build_plan(…, columns=Reach(settings))``.

    Each table's files are looked at once; nothing heavy is imported before a table is asked for.
    """

    settings: Settings
    _known: dict[tuple[str, str, str], Schema | None] = field(default_factory=dict, repr=False)

    def __call__(self, table: TableSource) -> Schema | None:
        """Columns of a table, or None when they are out of reach."""
        key = (table.name.casefold(), table.format.value, table.path)
        if key not in self._known:
            from sqlrec.data.columns import read_columns

            place = {"project": self.settings.project, "warehouse": self.settings.warehouse}
            self._known[key] = read_columns(table, **place)
        return self._known[key]
