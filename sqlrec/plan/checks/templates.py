"""Templates in the strings and queries of a statement."""

from __future__ import annotations

from collections.abc import Iterator

from sqlrec.errors import Diagnostic, Span
from sqlrec.plan.resolve import Acting
from sqlrec.plan.scope import ScriptScope
from sqlrec.plan.templates import is_templated, problems, secret_reference
from sqlrec.sql import queries
from sqlrec.sql.statements import (
    CacheTable,
    CreateModel,
    CreateService,
    DataSource,
    ExportModel,
    Insert,
    OptionItem,
    QueryText,
    Select,
    Text,
    TrainModel,
)


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
    match statement:
        case CreateModel():
            yield from option_texts(statement.options)
        case TrainModel():
            yield from _texts(statement.checkpoint, statement.base)
            yield from _sources(statement.data, statement.validation)
            yield from option_texts(statement.options)
        case ExportModel():
            yield from _texts(statement.checkpoint)
            yield from _sources(statement.sample)
            yield from option_texts(statement.options)
        case CreateService():
            yield from _texts(statement.checkpoint)
            yield from option_texts(statement.options)
        case CacheTable(source=QueryText() as query) | Select(query=query) | Insert(query=query):
            if is_templated(query.sql):
                yield from _parameters(queries.lower(query), query.span)
        case _:
            pass


def _texts(*texts: Text | None) -> Iterator[tuple[str, Span]]:
    return ((text.value, text.span) for text in texts if text)


def _sources(*sources: DataSource | None) -> Iterator[tuple[str, Span]]:
    for source in sources:
        parts = (source.query, source.where) if source else ()
        if source and any(part and is_templated(part.sql) for part in parts):
            yield from _parameters(queries.lower_source(source), source.span)


def _parameters(lowered: queries.Lowered, span: Span) -> Iterator[tuple[str, Span]]:
    return ((text, span) for text in lowered.parameters.values())
