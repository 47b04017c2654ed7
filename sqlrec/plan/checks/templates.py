"""Templates in the strings and queries of a statement."""

from __future__ import annotations

from collections.abc import Iterator

from sqlrec.errors import Diagnostic, Span
from sqlrec.plan.checks.parts import checkpoints_of, options_of, query_of, sources_of
from sqlrec.plan.resolve import Acting
from sqlrec.plan.scope import ScriptScope
from sqlrec.plan.templates import is_templated, problems, secret_reference
from sqlrec.sql import queries
from sqlrec.sql.statements import DataSource, OptionItem


def check_templates(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """Every template is well formed and names what there is; a secret is a whole option value."""
    for text, span in _strings(statement):
        yield from template_findings(text, span, scope)


def option_texts(items: tuple[OptionItem, ...]) -> Iterator[tuple[str, Span]]:
    """Option values that may hold templates; one that is a secret needs no check."""
    for item in items:
        if isinstance(item.value, str) and not secret_reference(item.value):
            yield item.value, item.value_span


def template_findings(text: str, span: Span, scope: ScriptScope) -> Iterator[Diagnostic]:
    """What is wrong with the templates of a text, at the template if it stands as such in ``span``."""
    for problem in problems(text, scope.params):
        start = scope.text.find(problem.fragment, span.start, span.end)
        at = Span(start, start + len(problem.fragment)) if start >= 0 else span
        yield Diagnostic(code=problem.code, message=problem.message, hint=problem.hint, span=at)


def _strings(statement: Acting) -> Iterator[tuple[str, Span]]:
    yield from ((text.value, text.span) for text in checkpoints_of(statement))
    for source in sources_of(statement):
        yield from _source(source)
    query = query_of(statement)
    if query is not None and is_templated(query.sql):
        yield from _parameters(queries.lower(query), query.span)
    yield from option_texts(options_of(statement))


def _source(source: DataSource) -> Iterator[tuple[str, Span]]:
    if any(part and is_templated(part.sql) for part in (source.query, source.where)):
        yield from _parameters(queries.lower_source(source), source.span)


def _parameters(lowered: queries.Lowered, span: Span) -> Iterator[tuple[str, Span]]:
    return ((text, span) for text in lowered.parameters.values())
