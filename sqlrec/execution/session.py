"""A session: statements are done one after the other, each where the names of those before are in force.

What only the session knows (cached and declared tables, temporary models, parameters, settings, the current
database) is kept here; models, checkpoints, services and functions are asked of the catalog every time, so
that what others change meanwhile is seen.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from copy import copy
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path

from sqlrec.errors import Diagnostic, ScriptError, Span, position
from sqlrec.execution.call import Report
from sqlrec.execution.environment import Environment, with_runtime
from sqlrec.execution.key import RunKey
from sqlrec.execution.outcome import Outcome
from sqlrec.execution.params import bind_params
from sqlrec.execution.rendering import rendered, run_values
from sqlrec.execution.run_step import run_step
from sqlrec.execution.session_folder import PREFIX, held_folder
from sqlrec.models.lookup import get_controller
from sqlrec.plan.build import plan_in
from sqlrec.plan.catalog import Catalog, ReadColumns, no_columns
from sqlrec.plan.checks.parts import inner
from sqlrec.plan.masking import masked_findings
from sqlrec.plan.plan import Plan, Step
from sqlrec.plan.scope import EARLIER, GetController, ScriptScope
from sqlrec.plan.script_options import effective_settings
from sqlrec.spec import codec
from sqlrec.spec.table import Relation, TableFormat, TableSource
from sqlrec.sql.blocks import blocks
from sqlrec.sql.script import parse
from sqlrec.sql.statements import CacheTable, CreateTable, CreateView, Declare, Explain, Statement

SHOWN_ROWS = 100
"""Rows of a result that are read back to be shown."""
DAG = "shell"
ASKED = frozenset(
    {
        *("models", "registered", "checkpoints", "aliases", "services", "functions", "apis"),
        *("emptied", "gates", "upcoming"),
    }
)
"""What a scope holds of one script, or of what the catalog knows: a session does not keep it."""


Working = Callable[[Step], AbstractContextManager[Report]]
"""What surrounds a step while it is done; gives what takes the step's lines of progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The first rows of a result and how many there are; a None is a NULL."""

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a step of a statement did, in which time."""

    step: Step
    outcome: Outcome
    seconds: float
    rows: Rows | None


@dataclass(frozen=True, slots=True)
class Block:
    """A statement, or a function's statements, at its place in what was typed."""

    statements: tuple[Statement, ...]
    text: str
    path: str

    @property
    def span(self) -> Span:
        """All of it."""
        return self.statements[0].span.to(self.statements[-1].span)

    @property
    def sql(self) -> str:
        """As written."""
        return self.text[self.span.start : self.span.end]


def read(text: str, path: str) -> list[Block]:
    """The blocks of a text; raises ``ScriptError`` with all that is wrong with its grammar."""
    parsed = parse(text)
    if parsed.diagnostics:
        found, shown = masked_findings(parsed.diagnostics, text)
        raise ScriptError(found, text=shown, path=path)
    return [Block(statements, text, path) for statements in blocks(parsed.statements)]


@dataclass(frozen=True, slots=True)
class Planned:
    """A block that may be done, and the names in force after it."""

    plan: Plan
    scope: ScriptScope


@dataclass(slots=True, kw_only=True)
class Session:
    """Statements done so far, as far as they matter to the next. ``given`` are values of parameters.

    Made by :func:`open_session`.
    """

    env: Environment
    kept: ScriptScope
    given: Mapping[str, str]
    began: datetime
    run_id: str
    _done: int = 0

    @property
    def namespace(self) -> str:
        """The current catalog and database."""
        return ".".join(self.kept.namespace)

    def scope(self, text: str) -> ScriptScope:
        """Names in force after ``text``, whatever is wrong with it; nothing is done."""
        scope = self._fork(text, parse(text).statements)
        with suppress(ScriptError):
            plan_in(scope, path="", name=DAG)
        return scope

    def tables(self) -> Iterable[str]:
        """Tables of the warehouse."""
        from sqlrec.data.source import known_tables

        return known_tables(self.env.settings.warehouse)

    def plan(self, block: Block) -> Planned:
        """What a block would do now; raises ``ScriptError`` with its problems at their places."""
        span = block.span
        line, column = position(block.text, span.start)
        before = "\n" * (line - 1) + " " * (column - 1)
        scope = self._fork(before + block.sql, block.statements[:1])
        shift = span.start - len(before)
        try:
            plan = plan_in(scope, path=block.path, name=DAG)
        except ScriptError as error:
            found, shown = masked_findings([_moved(d, shift) for d in error.diagnostics], block.text)
            raise ScriptError(found, text=shown, path=block.path) from None
        after = self.kept if isinstance(block.statements[0], Explain) else scope
        return Planned(replace(plan, warnings=tuple(_moved(d, shift) for d in plan.warnings)), after)

    def do(self, planned: Planned, working: Working) -> Iterator[Done]:
        """Do the steps of a block, one by one; ``working`` surrounds each and takes its progress.

        When one fails or is interrupted, the session is as it was before the block.
        """
        env = self._environment(planned.plan)
        for step in planned.plan.steps:
            self._done += 1
            key = RunKey(dag_id=DAG, run_id=self.run_id, task_id=f"s{self._done}_{step.id}")
            began = time.monotonic()
            with working(step) as report:
                outcome = run_step(self._rendered(step, planned.scope), env, key=key, report=report)
            rows = self._rows(outcome)
            yield Done(step=step, outcome=outcome, seconds=time.monotonic() - began, rows=rows)
        self.kept = planned.scope

    def _fork(self, text: str, statements: Iterable[Statement]) -> ScriptScope:
        """The scope of the next statements, which may name anew what the session has named."""
        own = {f.name: copy(getattr(self.kept, f.name)) for f in fields(self.kept)}
        if self.kept.catalog.closed:
            own |= {name: type(own[name])() for name in ASKED}
        lines = dict.fromkeys(self.kept.lines, EARLIER)
        scope = ScriptScope(**{**own, "lines": lines, "text": text, "unread": ""})
        for statement in statements:
            _free(statement, scope)
        return scope

    def _environment(self, plan: Plan) -> Environment:
        """The environment, with another runtime when SET names one."""
        named = str(effective_settings(plan.settings)["runtime"].value or "")
        if named in ("", self.env.settings.runtime):
            return self.env
        return replace(self.env, settings=with_runtime(self.env.settings, named))

    def _rendered(self, step: Step, scope: ScriptScope) -> Step:
        """The step with the values of its templates; parameters it does not name need no value."""
        text = codec.dumps(step)
        used = {n: p for n, p in scope.params.items() if re.search(rf"\bparams\W+{n}\b", text)}
        params = bind_params(used.values(), {n: v for n, v in self.given.items() if n in used})
        return rendered(step, run_values(self.began, self.run_id, params))

    def _rows(self, outcome: Outcome) -> Rows | None:
        """The rows that a statement shows: those of its file in the session's folder, or its preview."""
        path = Path(outcome.facts.get("path", ""))
        shown = outcome.preview
        if path.is_relative_to(folder_of(self.env, self.run_id) / "results") and outcome.rows:
            return _head(path, outcome.rows)
        return Rows(columns=shown.columns, rows=shown.rows, total=shown.total) if shown else None


@contextmanager
def open_session(
    env: Environment,
    *,
    catalog: Catalog,
    controllers: GetController = get_controller,
    columns: ReadColumns = no_columns,
    given: Mapping[str, str] | None = None,
) -> Iterator[Session]:
    """A session in a folder of its own, which goes with it. Raises ``SetupError`` SR703."""
    began = datetime.now(UTC)
    run_id = f"{PREFIX}{began:%Y%m%dT%H%M%S}-{os.getpid()}"
    scope = ScriptScope(text="", catalog=catalog, controllers=controllers, columns=columns, adopts=True)
    with held_folder(folder_of(env, run_id)):
        yield Session(env=env, kept=scope, given=given or {}, began=began, run_id=run_id)


def folder_of(env: Environment, run_id: str) -> Path:
    """Where a session keeps its tables and results."""
    return env.runs / RunKey(dag_id=DAG, run_id=run_id, task_id="").run_folder


def _free(statement: Statement, scope: ScriptScope) -> None:
    """Take the names that a statement gives anew, itself or in a branch, out of the scope."""
    match statement:
        case Declare():
            scope.params.pop(statement.name.text, None)
        case CreateTable(if_not_exists=False):
            scope.tables.pop(statement.name.text.casefold(), None)
        case CacheTable() | CreateView(if_not_exists=False):
            scope.caches.pop(statement.name.text.casefold(), None)
        case _:
            for part in inner(statement):
                _free(part, scope)


def _head(path: Path, total: int) -> Rows:
    from sqlrec.data.engine import Engine

    source = TableSource(name="result", format=TableFormat.PARQUET, path=str(path))
    wanted = Relation(query=f"SELECT * FROM result LIMIT {SHOWN_ROWS}", sources={"result": source})  # noqa: S608 - a number
    with Engine() as engine:
        table = engine.table(wanted)
    columns = [column.to_pylist() for column in table.columns]
    return Rows(columns=tuple(table.column_names), rows=tuple(zip(*columns, strict=True)), total=total)


def _moved(found: Diagnostic, by: int) -> Diagnostic:
    return replace(found, span=Span(found.span.start + by, found.span.end + by))
