"""The text of a script → its statements, or all its problems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from sqlrec.errors import Diagnostic, Severity
from sqlrec.sql.cursor import Cursor, SyntaxProblem, problem
from sqlrec.sql.grammar.dispatch import statement
from sqlrec.sql.grammar.neighbours import recognised
from sqlrec.sql.lexer import Split, Token, runs_over
from sqlrec.sql.statements import Statement


@dataclass(frozen=True, slots=True)
class Parsed:
    """What was read. Places are characters from the beginning of the whole script.

    A statement with an error is not among ``statements``, so names it would define are unknown; one that
    is only warned of is.
    """

    statements: tuple[Statement, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that are no warnings."""
        return tuple(found for found in self.diagnostics if found.severity is Severity.ERROR)


def parse(text: str) -> Parsed:
    """Read a script. Nothing is raised: each statement stands on its own and all problems are returned.

    The time is linear in the length of the text.
    """
    split = Split(text).read()
    statements: list[Statement] = []
    problems = split.problems
    for tokens in split.statements:
        found, wrong = _read(text, tokens)
        statements += found
        problems += wrong
    return Parsed(tuple(statements), tuple(sorted(problems, key=lambda d: d.span.start)))


def _read(text: str, tokens: Sequence[Token]) -> tuple[list[Statement], list[Diagnostic]]:
    cursor = Cursor(text, tokens)
    found: list[Statement] = []
    try:
        _check_templates(tokens)
        found = [statement(cursor)]
    except SyntaxProblem as error:
        cursor.found.append(error.diagnostic)
    if all(diagnostic.severity is Severity.WARNING for diagnostic in cursor.found):
        return found, cursor.found
    explained = _lost_quote(text, tokens) or recognised(tokens, text)
    return [], [explained] if explained else cursor.found


def _check_templates(tokens: Sequence[Token]) -> None:
    for token, following in pairwise(tokens):
        if token.key == "{" and following.key in ("{", "%", "#") and token.end == following.start:
            hint = "write '{{ … }}': the quotes belong to the string, the braces to the template"
            raise problem("SR110", "templates stand inside quotes only", token.span.to(following.span), hint)


def _lost_quote(text: str, tokens: Sequence[Token]) -> Diagnostic | None:
    """A string that swallowed the end of its statement, if there is one."""
    for token in tokens:
        if runs_over(text, token):
            return Diagnostic(
                code="SR102",
                message="this string runs over the end of its statement",
                span=token.span,
                hint="is its closing quote missing?",
            )
    return None
