"""One statement in canonical text, with the comments of its source put back where they stood.

The printer knows no comments, so they are woven in: the tokens of the source are matched with those of the
canonical text, and each comment goes between the tokens it stood between. When there is no such place for
one, :func:`woven` gives up rather than lose it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from difflib import SequenceMatcher

from sqlrec.errors import Span
from sqlrec.sql.layout import STEP, Page, moved, passage, trimmed
from sqlrec.sql.lexer import comments, tokens
from sqlrec.sql.render import render
from sqlrec.sql.script import parse
from sqlrec.sql.statements import Base, QueryText, Statement


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment of the source. ``alone``: nothing but blanks stands before it in its line."""

    text: str
    column: int
    alone: bool

    @property
    def ends_line(self) -> bool:
        """Whether nothing can follow in its line."""
        return self.text.startswith("--")

    def at(self, column: int) -> str:
        """Its lines when it begins at ``column``: they move together."""
        return moved(trimmed(self.text), column - self.column)


@dataclass(frozen=True, slots=True)
class _Unit:
    """Tokens that the printer may write in another way but not divide: a name, a value, a type, a query."""

    key: str
    start: int
    end: int
    query: bool


def comment_at(text: str, span: Span) -> Comment:
    """The comment at a place of a script."""
    before = text[text.rfind("\n", 0, span.start) + 1 : span.start]
    return Comment(text[span.start : span.end], len(before), not before.strip())


def woven(text: str, statement: Statement) -> str | None:
    """Canonical text of a statement of ``text``, without ``;``; None when a comment has no place in it.

    Queries stay as written and move to their new indentation as a whole.
    """
    canonical = render(statement)
    printed = parse(canonical).statements
    same = [meaning(s, queries=False) for s in printed] == [meaning(statement, queries=False)]
    return _woven(text, statement, canonical, printed[0]) if same else None


def _woven(text: str, statement: Statement, canonical: str, printed: Statement) -> str | None:
    units, target = _units(text, statement), _units(canonical, printed)
    placed = _placed(text, units, target, statement.span)
    written = _written(text, units, canonical, target, placed) if placed is not None else ""
    return written if _told(written) == _told(text[statement.span.start : statement.span.end]) else None


def _told(text: str) -> list[list[str]]:
    """The comments of a text, line by line."""
    found = (text[place.start : place.end] for place in comments(text))
    return [[line.strip() for line in comment.split("\n")] for comment in found]


# What a statement says


def meaning(node: object, *, queries: bool = True) -> object:
    """A statement as nested tuples, without places and kinds of literals; of ``queries`` the tokens."""
    match node:
        case Span():
            return None
        case QueryText():
            return tuple((token.kind, token.value) for token in tokens(node.sql)) if queries else None
        case bool():
            return str(node).lower()
        case int() | float():
            return repr(node)
        case tuple():
            return tuple(meaning(item, queries=queries) for item in node)
    if is_dataclass(node):
        parts = (meaning(getattr(node, part.name), queries=queries) for part in fields(node))
        return (type(node).__name__, *parts)
    return node


def _parts(node: object) -> Iterator[tuple[Span, bool]]:
    """Places of the parts of a statement, and whether they are queries."""
    if isinstance(node, tuple):
        for item in node:
            yield from _parts(item)
    elif is_dataclass(node):
        for part in fields(node):
            value = getattr(node, part.name)
            if not isinstance(value, Span):
                yield from _parts(value)
            elif not isinstance(node, Base) or part.name != "span":
                yield value, isinstance(node, QueryText)


def _units(text: str, statement: Statement) -> list[_Unit]:
    """The statement's tokens, those of its smallest parts taken together."""
    ordered = sorted(set(_parts(statement)), key=lambda part: (part[0].start, -part[0].end))
    smallest = [
        part
        for part, after in zip(ordered, [*ordered[1:], None], strict=False)
        if after is None or after[0].end > part[0].end
    ]
    starts = [span.start for span, _ in smallest]
    base = statement.span.start
    units: list[_Unit] = []
    for token in tokens(text[base : statement.span.end]):
        start, end = token.start + base, token.end + base
        index = bisect_right(starts, start) - 1
        part = smallest[index] if index >= 0 and start < smallest[index][0].end else None
        if part and units and units[-1].start == part[0].start:
            units[-1] = _Unit(units[-1].key + token.value.casefold(), units[-1].start, end, part[1])
        else:
            units.append(_Unit(token.value.casefold(), start, end, part is not None and part[1]))
    return units


# Where comments go


def _placed(
    text: str, units: Sequence[_Unit], target: Sequence[_Unit], span: Span
) -> dict[int, list[Comment]] | None:
    """Comments outside queries, by the index of the target's unit they follow; None: one has no place."""
    matched = _matched(units, target)
    starts = [unit.start for unit in units]
    placed: dict[int, list[Comment]] = {}
    last = 0
    for place in comments(text[span.start : span.end]):
        here = Span(place.start + span.start, place.end + span.start)
        index = bisect_right(starts, here.start) - 1
        if here.start < units[index].end:
            if units[index].query:
                continue
            return None
        comment = comment_at(text, here)
        gap = _gap(index, comment, matched)
        if gap is None or gap == len(target) - 1:  # behind the last unit it would swallow the ;
            return None
        last = max(last, _behind_comma(gap, target))
        placed.setdefault(last, []).append(comment)
    return placed


def _gap(index: int, comment: Comment, matched: dict[int, int]) -> int | None:
    """Index of the target's unit before the place of a comment that stands after unit ``index``."""
    before = matched.get(index)
    following = matched[index + 1] - 1 if index + 1 in matched else None
    first, second = (following, before) if comment.alone else (before, following)
    return second if first is None else first


def _behind_comma(gap: int, target: Sequence[_Unit]) -> int:
    """A comment goes behind the comma that follows it."""
    return gap + 1 if target[gap + 1].key == "," else gap


def _matched(units: Sequence[_Unit], target: Sequence[_Unit]) -> dict[int, int]:
    """Units of the source → those of the target, by index. As many that differ in a row are pairs too."""
    matcher = SequenceMatcher(None, [u.key for u in units], [u.key for u in target], autojunk=False)
    pairs: dict[int, int] = {}
    for kind, low, high, other, end in matcher.get_opcodes():
        if kind == "equal" or (kind == "replace" and high - low == end - other):
            pairs.update(zip(range(low, high), range(other, end), strict=True))
    return pairs


# Writing


def _written(
    text: str,
    units: Sequence[_Unit],
    canonical: str,
    target: Sequence[_Unit],
    placed: dict[int, list[Comment]],
) -> str:
    """The target's units with the source's queries and comments."""
    queries = iter([unit for unit in units if unit.query])
    writer = _Writer(Page())
    for index, unit in enumerate(target):
        if unit.query:
            source = next(queries)
            writer.query(text, Span(source.start, source.end))
        else:
            writer.page.write(canonical[unit.start : unit.end])
        after = target[index + 1] if index + 1 < len(target) else None
        blanks = canonical[unit.end : after.start] if after else ""
        writer.gap(placed.get(index, []), blanks, closes=after is not None and after.key == ")")
    return writer.page.text


@dataclass(slots=True)
class _Writer:
    """Puts units, blanks and comments together. ``indent`` is that of the canonical line at work."""

    page: Page
    indent: int = 0

    def query(self, text: str, span: Span) -> None:
        """Write the query at a place of the source."""
        line = self.page.line
        fresh = not line.strip()
        self.page.write(passage(text, span, column=len(line), fresh=fresh, indent=self.indent))

    def gap(self, found: Sequence[Comment], blanks: str, *, closes: bool) -> None:
        """Write comments and the canonical ``blanks`` before a unit; ``closes``: it is a parenthesis."""
        breaks = "\n" in blanks
        if breaks:
            self.indent = len(blanks) - blanks.rfind("\n") - 1
        inner = "\n" + " " * (self.indent + (0 if breaks and not closes else STEP))
        alone = ended = False
        for comment in found:
            tight = self.page.line.endswith("(") and not breaks
            alone = comment.alone or ended
            self.page.write(inner if alone else "" if tight else " ")
            self.page.write(comment.at(len(self.page.line)))
            ended = comment.ends_line
        if found and not breaks:
            blanks = inner if ended or alone else blanks or ("" if closes else " ")
        self.page.write(blanks)
