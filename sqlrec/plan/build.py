"""Script text → plan: the order in which everything else of this package happens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlrec.errors import Diagnostic, ScriptError, Severity
from sqlrec.models.lookup import get_controller
from sqlrec.plan.catalog import Catalog, OpenCatalog, ReadColumns, no_columns
from sqlrec.plan.checks.templates import option_texts, template_findings
from sqlrec.plan.declare import Declaring, announce, declare
from sqlrec.plan.edges import upstream
from sqlrec.plan.functions import FunctionBlock, grouped
from sqlrec.plan.ids import inner_ids, step_ids
from sqlrec.plan.masking import masked_findings
from sqlrec.plan.plan import Plan, Step
from sqlrec.plan.scope import GetController, ScriptScope
from sqlrec.plan.session import script_settings
from sqlrec.plan.strict import strict_findings
from sqlrec.plan.strict_rules import Strict
from sqlrec.plan.walk import Walk
from sqlrec.sql.script import parse
from sqlrec.sql.statements import CreateTable, Statement


def build_plan(
    text: str,
    *,
    path: str,
    name: str,
    catalog: Catalog | None = None,
    controllers: GetController = get_controller,
    columns: ReadColumns = no_columns,
    strict: Strict | None = None,
) -> Plan:
    """The plan of a script; the same text and catalog always give the same plan.

    Without a ``catalog`` (:class:`OpenCatalog`) the plan depends on the script alone. ``columns`` reads
    those of tables that the script does not declare; it helps to find mistakes and changes no plan. With
    ``strict``, or the setting of that name, what that dialect does not have is a finding. Raises
    ``ScriptError`` with all problems of the script, in the order of their places.
    """
    scope = ScriptScope(text=text, catalog=catalog or OpenCatalog(), controllers=controllers, columns=columns)
    return plan_in(scope, path=path, name=name, strict=strict)


def plan_in(scope: ScriptScope, *, path: str, name: str, strict: Strict | None = None) -> Plan:
    """As :func:`build_plan`, of ``scope.text`` where names are in force already, as in a session.

    The scope then holds what the script makes, too. Raises ``ScriptError``.
    """
    text = scope.text
    parsed = parse(text)
    errors = any(found.severity is Severity.ERROR for found in parsed.diagnostics)
    scope.unread = _unread(text, parsed.statements) if errors else ""
    units, found = grouped(parsed.statements, text)
    outside = [unit for unit in units if not isinstance(unit, FunctionBlock)]
    declaring = [statement for statement in outside if isinstance(statement, Declaring)]
    found += declare(declaring, scope)
    found += _table_templates(declaring, scope)
    announce(outside, scope)
    walk = Walk(scope)
    walk.through(units)
    walk.finish()
    found += walk.found
    if mode := strict or scope.settings.get("strict"):
        found += strict_findings(text, parsed.statements, Strict(str(mode).strip().casefold()))
    warnings = _judged([*parsed.diagnostics, *found], text, path)
    return Plan(
        name=name,
        path=path,
        steps=_connected(walk.steps),
        params=tuple(scope.params.values()),
        tables={table.name: table for table in scope.tables.values()},
        settings=script_settings(scope),
        warnings=warnings,
        source=text,
    )


def _unread(text: str, statements: Iterable[Statement]) -> str:
    """The text outside all statements that could be parsed."""
    rest, end = [], 0
    for statement in sorted(statements, key=lambda s: s.span.start):
        rest.append(text[end : statement.span.start])
        end = statement.span.end
    return " ".join([*rest, text[end:]])


def _table_templates(declaring: Iterable[Declaring], scope: ScriptScope) -> Iterable[Diagnostic]:
    """Templates of table options, judged when all parameters are known."""
    for statement in declaring:
        if isinstance(statement, CreateTable):
            for value, span in option_texts(statement.options):
                yield from template_findings(value, span, scope)


def _judged(found: Sequence[Diagnostic], text: str, path: str) -> tuple[Diagnostic, ...]:
    """The findings in order of place when none is an error, else ``ScriptError``."""
    unique = dict.fromkeys(found)
    ordered = sorted(unique, key=lambda d: (d.span.start, d.span.end, d.code, d.message))
    if any(d.severity is Severity.ERROR for d in ordered):
        findings, shown = masked_findings(ordered, text)
        raise ScriptError(findings, text=shown, path=path)
    return tuple(ordered)


def _connected(steps: Sequence[Step]) -> tuple[Step, ...]:
    ids = step_ids(steps)
    return tuple(
        inner_ids(replace(step, id=id_, upstream=tuple(ids[i] for i in waits)))
        for step, id_, waits in zip(steps, ids, upstream(steps), strict=True)
    )
