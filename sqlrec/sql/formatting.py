"""A script in its canonical form: what ``sqlrec fmt`` writes.

Statements are printed anew, one after the other, each ended by ``;``. Comments, the blank lines between
statements (one of several) and the words of queries stay. A statement that cannot be printed anew without
losing a comment stays as it is written, without blanks at the ends of its lines. So formatting changes no
statement's meaning, and formatting twice changes nothing more.
"""

from __future__ import annotations

from sqlrec.errors import ScriptError, Span
from sqlrec.sql.layout import Page, trimmed
from sqlrec.sql.lexer import comments, tokens
from sqlrec.sql.script import parse
from sqlrec.sql.weaving import comment_at, woven


def format_script(text: str, *, path: str) -> str:
    """The script's canonical text; raises ``ScriptError`` when it cannot be read.

    A byte-order mark is dropped. Line breaks outside quotes become like the first one (CR LF or LF);
    those inside quotes belong to the value and stay.
    """
    source = text.removeprefix("\ufeff")
    parsed = parse(source)
    if parsed.diagnostics:
        raise ScriptError(parsed.diagnostics, text=source, path=path)
    page = Page()
    position = 0
    for statement in parsed.statements:
        span = statement.span
        _between(page, source, Span(position, span.start))
        page.write((woven(source, statement) or trimmed(source[span.start : span.end])) + ";")
        position = span.end
    _between(page, source, Span(position, len(source)))
    written = page.text.strip()
    lines = f"{written}\n" if written else ""
    return _with_returns(lines) if source.partition("\n")[0].endswith("\r") else lines


def _between(page: Page, source: str, span: Span) -> None:
    """What stands between two statements: comments and blank lines."""
    position, least = span.start, 0
    for place in comments(source[span.start : span.end]):
        here = Span(place.start + span.start, place.end + span.start)
        comment = comment_at(source, here)
        breaks = max(least, _breaks(source[position : here.start]))
        page.write(("\n" * breaks or " ") if page.line else "")
        page.write(comment.at(len(page.line)))
        position, least = here.end, int(comment.ends_line)
    page.write("\n" * max(1, _breaks(source[position : span.end])) if page.line else "")


def _breaks(blanks: str) -> int:
    """Line breaks to keep of blanks: two, for one blank line, at most. What comes before a ``;`` is none."""
    return min(2, blanks.rpartition(";")[2].count("\n"))


def _with_returns(text: str) -> str:
    """The text with CR LF for the line breaks outside quotes."""
    out: list[str] = []
    position = 0
    for token in tokens(text):
        out += text[position : token.start].replace("\n", "\r\n"), text[token.start : token.end]
        position = token.end
    return "".join([*out, text[position:].replace("\n", "\r\n")])
