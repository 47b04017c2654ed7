"""Every error of sqlrec, drawn once.

    SqlRecError                 code, message, hint, exit status
    ├── ScriptError             all problems of one script, each with its place
    ├── NameNotFoundError       an object that does not exist, with close matches
    ├── OptionError             key, value, what is allowed
    ├── SchemaError             columns, types, features, labels
    ├── StateError              object exists, is missing, is in use, is not finished
    ├── DataError               rows that cannot be read or used
    ├── JobError                a training, export or scoring job failed
    ├── RemoteError             a service answered badly or not at all (``retriable``)
    ├── PolicyError             refused by a rule the user set (a metric gate, strict mode)
    └── SetupError              the machine: path not writable, package missing, database broken

Codes: SR1xx syntax, SR2xx names and state, SR3xx options and secrets, SR4xx data and schemas,
SR5xx jobs and runtimes, SR6xx serving and scoring, SR7xx orchestration and environment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_FINDINGS, EXIT_REFUSED, EXIT_SETUP = range(6)


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open piece ``[start, end)`` of a script, in characters from its beginning."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        """The span from the start of this one to the end of ``other``."""
        return Span(self.start, other.end)


class Severity(StrEnum):
    """How bad a finding is: an error stops a script, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding about a script, at a place in it."""

    code: str
    message: str
    span: Span
    hint: str = ""
    severity: Severity = Severity.ERROR


def position(text: str, offset: int) -> tuple[int, int]:
    """Line and column of a character offset, both counted from 1."""
    offset = min(offset, len(text))
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    return line, column


def render_diagnostic(diagnostic: Diagnostic, text: str, path: str) -> str:
    """A finding as a compiler prints it: headline, place, source line, caret, help."""
    line, column = position(text, diagnostic.span.start)
    begin = min(diagnostic.span.start, len(text)) - column + 1
    source = text[begin : _line_end(text, begin)].rstrip("\r")
    width = max(1, min(diagnostic.span.end - diagnostic.span.start, len(source) - column + 1))
    gutter = " " * len(str(line))
    shown = source.replace("\t", " ")
    out = [
        f"{diagnostic.severity}[{diagnostic.code}]: {diagnostic.message}",
        f"{gutter}--> {path}:{line}:{column}",
        f"{gutter} |",
        f"{line} | {shown}",
        f"{gutter} | {' ' * (column - 1)}{'^' * width}",
    ]
    if diagnostic.hint:
        out.append(f"{gutter} = help: {diagnostic.hint}")
    return "\n".join(out)


def _line_end(text: str, begin: int) -> int:
    end = text.find("\n", begin)
    return len(text) if end < 0 else end


def suggest(word: str, known: Iterable[str]) -> str:
    """``Did you mean x?`` for the closest of ``known``, or an empty string."""
    close = _closest(word, known)
    return f"Did you mean {close!r}?" if close else ""


def misspelt(missing: str, given: Iterable[str]) -> str:
    """``Did you mean missing by x?`` for the closest of what is ``given``, or an empty string."""
    close = _closest(missing, given)
    return f"Did you mean {missing!r} by {close!r}?" if close else ""


def _closest(word: str, known: Iterable[str]) -> str:
    by_folded = {name.casefold(): name for name in known}
    close = get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.7)
    return by_folded[close[0]] if close else ""


class SqlRecError(Exception):
    """Base of all errors a user may see. ``str()`` gives message and hint."""

    exit_status = EXIT_FAILED

    def __init__(self, code: str, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        text = f"[{self.code}] {self.message}"
        return f"{text} ({self.hint})" if self.hint else text

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(cls: type[SqlRecError], args: tuple[object, ...], state: dict[str, object]) -> SqlRecError:
    error = cls.__new__(cls)
    Exception.__init__(error, *args)
    error.__dict__.update(state)
    return error


class ScriptError(SqlRecError):
    """A script with one or more problems; ``str()`` shows each at its place."""

    exit_status = EXIT_FINDINGS

    def __init__(self, diagnostics: Sequence[Diagnostic], *, text: str, path: str) -> None:
        worst = next((d for d in diagnostics if d.severity is Severity.ERROR), diagnostics[0])
        super().__init__(worst.code, worst.message, hint=worst.hint)
        self.diagnostics = tuple(diagnostics)
        self.text = text
        self.path = path

    def __str__(self) -> str:
        return "\n\n".join(render_diagnostic(d, self.text, self.path) for d in self.diagnostics)


class NameNotFoundError(SqlRecError):
    """A model, checkpoint, service, table or column that does not exist."""


class OptionError(SqlRecError):
    """An option with an unknown key, a wrong type or a value out of range."""


class SchemaError(SqlRecError):
    """Columns, features, labels or types that do not fit together."""


class StateError(SqlRecError):
    """An object in a state that forbids the operation: exists, in use, not finished."""


class DataError(SqlRecError):
    """Rows that cannot be read, or cannot be trained on or scored."""


class JobError(SqlRecError):
    """A job that failed; the message ends with the last lines of its log."""


class RemoteError(SqlRecError):
    """A model service that failed. ``retriable`` tells whether asking again can help."""

    def __init__(
        self, code: str, message: str, *, hint: str = "", retriable: bool, status: int | None = None
    ) -> None:
        super().__init__(code, message, hint=hint)
        self.retriable = retriable
        self.status = status


class PolicyError(SqlRecError):
    """Refused by a rule the user declared."""

    exit_status = EXIT_REFUSED


class SetupError(SqlRecError):
    """The machine or its configuration does not allow the operation."""

    exit_status = EXIT_SETUP
