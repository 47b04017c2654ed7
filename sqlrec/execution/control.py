"""ASSERT and IF: conditions are queries, and what was decided once in a run stays decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

from sqlrec.errors import DataError, PolicyError, RemoteError
from sqlrec.execution.branches import require_same_columns
from sqlrec.execution.cached import Caching, cached_table, without_rows
from sqlrec.execution.call import Call
from sqlrec.execution.interruptible import interruptible
from sqlrec.execution.limit import TimeIsUp, time_limit
from sqlrec.execution.outcome import Outcome
from sqlrec.execution.tables import concrete
from sqlrec.plan.plan import AssertStep, IfStep, Step

Run = Callable[[Step, Call], Outcome]
"""Does a whole step, once per run."""

THEN, ELSE = "then", "else"
BRANCH = "branch"
NO_ANSWER = "SR610"
"""What a service says that did not answer in its own time."""
SHOWN_CHARACTERS = 300
ASSERTED = "correct the data, or the condition: every value of at least one row has to be true"


def run_assert(step: AssertStep, call: Call) -> Outcome:
    """Check that every value is true.

    Raises ``SchemaError`` SR267 for a column that is not BOOLEAN and ``PolicyError`` SR266 when there is no
    row, or a row with another value: the first is shown.
    """
    from sqlrec.data.engine import Engine
    from sqlrec.programs.conditions import first_untrue, require_boolean

    shown = _shortened(step.sql)
    query = concrete(step.query, call)
    with Engine() as engine:

        def work() -> int:
            reader = engine.reader(query)
            for column in reader.schema:
                require_boolean(column, shown)
            rows = 0
            for batch in reader:
                if wrong := first_untrue(batch, rows):
                    raise PolicyError("SR266", f"{shown} does not hold: {wrong}", hint=ASSERTED)
                rows += batch.num_rows
            return rows

        rows = interruptible(work, engine.interrupt)
    if not rows:
        raise PolicyError("SR266", f"{shown} does not hold: the query has no rows", hint=ASSERTED)
    return Outcome(message=f"holds: {shown}", rows=rows)


def run_if(step: IfStep, call: Call, run: Run) -> Outcome:
    """Do one branch, or nothing; which one is decided once per run.

    Raises ``DataError`` SR268 for a condition that gives not one value, and ``SchemaError`` SR267 for one
    of another type, SR645 for branches that cache different columns.
    """
    from sqlrec.programs.conditions import as_milliseconds

    decided = call.journal.read(_decision(call))
    if decided is None:
        require_same_columns(step, call)
    if decided is not None:
        branch, why = decided.facts[BRANCH], decided.message
    elif step.timein:
        milliseconds = as_milliseconds(_value(step, call))
        outcome = _in_time(step, milliseconds, call, run)
        branch = ELSE if outcome is None else THEN
        limit = f"within {milliseconds / 1000:g} s" if milliseconds > 0 else "without a limit of time"
        why = f"{'not ' if outcome is None else ''}done {limit}"
    else:
        holds = bool(_value(step, call))
        branch, why = (THEN, "the condition is true") if holds else (ELSE, "the condition is false")
    call.journal.write(_decision(call), Outcome(message=why, facts={BRANCH: branch}))
    outcome = _done(step, branch, call, run)
    return replace(outcome, message=f"{why}: {outcome.message}", facts={**outcome.facts, BRANCH: branch})


def taken(step: IfStep, outcome: Outcome) -> Step | None:
    """The branch that was done, if there was one."""
    return step.then if outcome.facts.get(BRANCH) == THEN else step.otherwise


def _done(step: IfStep, branch: str, call: Call, run: Run) -> Outcome:
    inner = _inner(call, branch)
    chosen = step.then if branch == THEN else step.otherwise
    if chosen is not None:
        return run(chosen, inner)
    if cached_table(step.then) is None:
        return Outcome(message="nothing to do")
    return run(without_rows(cast("Caching | IfStep", step.then)), inner)


def _in_time(step: IfStep, milliseconds: float, call: Call, run: Run) -> Outcome | None:
    """What THEN gave, or None when the time was over or a service did not answer in its own.

    A time of 0 or less is no limit: THEN is done as if it stood alone, as SQLRec has it.
    """
    if milliseconds <= 0:
        return run(step.then, _inner(call, THEN))
    try:
        with time_limit(milliseconds / 1000):
            return run(step.then, _inner(call, THEN))
    except TimeIsUp:
        call.report(f"THEN was not done in {milliseconds / 1000:g} s and was stopped")
    except RemoteError as error:
        if error.code != NO_ANSWER:
            raise
        call.report(f"THEN failed in its time: {error}")
    return None


def _inner(call: Call, branch: str) -> Call:
    return replace(call, key=call.key.of(f"{call.key.task_id}.{branch}"))


def _decision(call: Call) -> str:
    return f"{call.key.task_id}.decision"


def _value(step: IfStep, call: Call) -> object:
    """The one value of the condition; a BOOLEAN unless it gives the time of TIMEIN."""
    from sqlrec.data.engine import Engine
    from sqlrec.programs.conditions import require_boolean

    what = _shortened(f"IF ({step.condition.query})")
    limited = replace(step.condition, query=f"SELECT * FROM (\n{step.condition.query}\n) LIMIT 2")  # noqa: S608 - a query
    condition = concrete(limited, call)
    with Engine() as engine:
        table = interruptible(lambda: engine.table(condition), engine.interrupt)
    if (table.num_rows, table.num_columns) != (1, 1):
        rows = f"{table.num_rows} rows" if table.num_rows < 2 else "several rows"
        raise DataError(
            "SR268",
            f"{what}: the condition gives {rows} and {table.num_columns} columns, not one value",
            hint="select one value, such as SELECT count(*) > 0 FROM …",
        )
    if not step.timein:
        require_boolean(table.schema.field(0), what)
    value: object = table.column(0)[0].as_py()
    if value is None:
        raise DataError("SR268", f"{what}: the condition is NULL", hint="write coalesce(…, false)")
    return value


def _shortened(sql: str) -> str:
    line = " ".join(sql.split())
    return line if len(line) <= SHOWN_CHARACTERS else f"{line[: SHOWN_CHARACTERS - 1]}…"
