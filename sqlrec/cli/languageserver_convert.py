"""What we know, in the words of the language server protocol."""

from __future__ import annotations

from lsprotocol import types

from sqlrec.assist.candidates import Candidate, CandidateKind
from sqlrec.assist.outline import Symbol
from sqlrec.assist.positions import Lines
from sqlrec.errors import Diagnostic, Severity, Span

ITEM_KINDS = {
    CandidateKind.KEYWORD: types.CompletionItemKind.Keyword,
    CandidateKind.MODEL: types.CompletionItemKind.Class,
    CandidateKind.TYPE: types.CompletionItemKind.TypeParameter,
    CandidateKind.TABLE: types.CompletionItemKind.Struct,
    CandidateKind.COLUMN: types.CompletionItemKind.Field,
    CandidateKind.SERVICE: types.CompletionItemKind.Interface,
    CandidateKind.CHECKPOINT: types.CompletionItemKind.File,
    CandidateKind.FUNCTION: types.CompletionItemKind.Function,
    CandidateKind.API: types.CompletionItemKind.Interface,
    CandidateKind.OPTION: types.CompletionItemKind.Property,
    CandidateKind.VALUE: types.CompletionItemKind.Value,
    CandidateKind.DATABASE: types.CompletionItemKind.Module,
    CandidateKind.TEMPLATE: types.CompletionItemKind.Variable,
}
SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
}


def offset_of(lines: Lines, position: types.Position) -> int:
    """The character at a position."""
    return lines.offset(position.line, position.character)


def range_of(lines: Lines, span: Span) -> types.Range:
    """A piece of the script; an empty one is one character long, so that it is seen."""
    end = max(span.end, span.start + 1)
    return types.Range(
        start=types.Position(*lines.position(span.start)), end=types.Position(*lines.position(end))
    )


def diagnostic_of(lines: Lines, found: Diagnostic) -> types.Diagnostic:
    """A finding with its help."""
    return types.Diagnostic(
        range=range_of(lines, found.span),
        message=f"{found.message}\n{found.hint}" if found.hint else found.message,
        severity=SEVERITIES[found.severity],
        code=found.code,
        source="sqlrec",
    )


def item_of(lines: Lines, candidate: Candidate, number: int) -> types.CompletionItem:
    """A candidate; editors keep the order of ``number``."""
    span = Span(candidate.start, candidate.end)
    start, end = (types.Position(*lines.position(offset)) for offset in (span.start, span.end))
    return types.CompletionItem(
        label=candidate.text,
        kind=ITEM_KINDS[candidate.kind],
        detail=candidate.detail or None,
        documentation=markdown(candidate.doc) if candidate.doc else None,
        sort_text=f"{number:04}",
        filter_text=candidate.text,
        text_edit=types.TextEdit(range=types.Range(start=start, end=end), new_text=candidate.text),
    )


def symbol_of(lines: Lines, symbol: Symbol) -> types.DocumentSymbol:
    """A statement of the outline."""
    return types.DocumentSymbol(
        name=symbol.title,
        kind=types.SymbolKind.Function,
        range=range_of(lines, symbol.span),
        selection_range=range_of(lines, symbol.name),
    )


def markdown(text: str) -> types.MarkupContent:
    """A text in Markdown."""
    return types.MarkupContent(kind=types.MarkupKind.Markdown, value=text)


def whole(lines: Lines) -> types.Range:
    """All of a text."""
    return types.Range(start=types.Position(0, 0), end=types.Position(*lines.position(len(lines.text))))
