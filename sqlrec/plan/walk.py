"""From statement to statement: each is put into force, or judged and turned into a step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlrec.errors import Diagnostic
from sqlrec.plan.checks import is_resolvable, run_checks
from sqlrec.plan.checks.tables import is_there
from sqlrec.plan.declare import Declaring, cached_tables
from sqlrec.plan.effects import record
from sqlrec.plan.plan import Step
from sqlrec.plan.refused import Refused, refusal
from sqlrec.plan.resolve import Acting, resolve
from sqlrec.plan.scope import ScriptScope
from sqlrec.plan.session import Session, act
from sqlrec.plan.variables import UnknownVariable, substituted
from sqlrec.sql.statements import Flush, Statement


@dataclass(slots=True)
class Walk:
    """What the statements so far make, and what is wrong with them. Steps have no ids yet."""

    scope: ScriptScope
    steps: list[Step] = field(default_factory=list)
    found: list[Diagnostic] = field(default_factory=list)

    def through(self, statements: Iterable[Statement]) -> None:
        """Take statements in order. Declarations were taken before: they hold for the whole script."""
        for statement in statements:
            if not isinstance(statement, Declaring):
                self.take(statement)

    def take(self, statement: Statement) -> None:
        """One statement."""
        try:
            statement = substituted(statement, self.scope)
        except UnknownVariable as error:
            self._unread(statement, error.diagnostic)
            return
        if isinstance(statement, Session):
            self.found += act(statement, self.scope)
        elif isinstance(statement, Refused):
            self.found.append(refusal(statement, self.scope))
        elif isinstance(statement, Acting):
            self._act(statement)
        elif not isinstance(statement, Flush):
            self._unread(statement, _not_yet(statement))

    def _act(self, statement: Acting) -> None:
        self.found += run_checks(statement, self.scope)
        if is_resolvable(statement) and not is_there(statement, self.scope):
            self.add(resolve(statement, self.scope))
        elif not is_resolvable(statement):
            self._unread(statement)

    def add(self, step: Step) -> None:
        """A step, and what it means for the statements after it."""
        self.steps.append(step)
        record(step, self.scope)

    def _unread(self, statement: Statement, *found: Diagnostic) -> None:
        """A statement that makes no step: names that it would have made may exist all the same."""
        self.found += found
        for table in cached_tables(statement):
            self.scope.upcoming.pop(table.text.casefold(), None)
        self.scope.unread += self.scope.text[statement.span.start : statement.span.end]


def _not_yet(statement: Statement) -> Diagnostic:
    return Diagnostic(code="SR190", message="this statement is not supported yet", span=statement.span)
