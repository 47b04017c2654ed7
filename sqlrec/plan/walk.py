"""From statement to statement: each is put into force, or judged and turned into a step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlrec.errors import Diagnostic
from sqlrec.plan.checks import is_resolvable, run_checks
from sqlrec.plan.checks.tables import is_there
from sqlrec.plan.declare import Declaring, cached_tables
from sqlrec.plan.effects import record
from sqlrec.plan.functions import FunctionBlock, Unit
from sqlrec.plan.functions_checks import check_block
from sqlrec.plan.functions_place import compile_programs, is_put_in_place, judge, put_in_place
from sqlrec.plan.functions_steps import define_function
from sqlrec.plan.plan import Step
from sqlrec.plan.refused import Refused, refusal
from sqlrec.plan.resolve import Acting, resolve, resolve_made
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

    def through(self, units: Iterable[Unit]) -> None:
        """Take statements in order. Declarations were taken before: they hold for the whole script."""
        for unit in units:
            if isinstance(unit, FunctionBlock):
                self._define(unit)
            elif not isinstance(unit, Declaring):
                self.take(unit)

    def finish(self) -> None:
        """Judge the bodies of functions that no statement of the script calls."""
        for name, block in self.scope.blocks.items():
            if name not in self.scope.called and block.text == self.scope.text:
                self.found += judge(block, self.scope, _walked)

    def _define(self, block: FunctionBlock) -> None:
        """A function; one that does not end may be called all the same."""
        if block.returns is None:
            self.scope.unread += self.scope.text[block.span.start : block.span.end]
            return
        step = define_function(block, self.scope)
        self.found += check_block(block, step.function, self.scope)
        self.scope.blocks[block.name.casefold()] = block
        self.scope.called.discard(block.name.casefold())
        self.add(step)

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
        else:
            assert isinstance(statement, Flush), "functions are blocks by now"

    def _act(self, statement: Acting) -> None:
        self.found += run_checks(statement, self.scope)
        if not is_resolvable(statement, self.scope):
            self._unread(statement)
        elif is_put_in_place(statement):
            steps, last, found = put_in_place(statement, self.scope, _walked)
            self.steps += steps
            self.found += found
            if last is not None:
                self.add(last)
        elif not is_there(statement, self.scope):
            self.found += compile_programs(statement, self.scope, _walked)
            step = resolve(statement, self.scope)
            self.add(step)
            for more in resolve_made(step, self.scope):
                self.add(more)

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


def _walked(scope: ScriptScope, statements: Iterable[Statement]) -> tuple[list[Step], list[Diagnostic]]:
    """Steps of statements in a scope of their own, and what is wrong with them."""
    walk = Walk(scope)
    walk.through(statements)
    return walk.steps, walk.found
