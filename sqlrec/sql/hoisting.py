"""``WITH … INSERT INTO t SELECT …``: a query whose WITH stands before the statement that it belongs to.

Some write it so; Flink and we print ``INSERT INTO t WITH … SELECT …``. The text of the query keeps its
places: what stands between its two parts becomes blanks.
"""

from __future__ import annotations

from sqlrec.errors import Span
from sqlrec.sql.cursor import CLOSING, Cursor
from sqlrec.sql.statements import QueryText


def with_before_insert(cursor: Cursor) -> Span | None:
    """The place of the WITH list at the cursor, when INSERT follows it; the cursor moves to INSERT."""
    if not cursor.at("WITH"):
        return None
    depth = 0
    for index in range(cursor.index, len(cursor.tokens)):
        key = cursor.tokens[index].key
        depth += (key in CLOSING) - (key in CLOSING.values())
        if not depth and key in ("SELECT", "VALUES", "FROM"):
            return None
        if not depth and key == "INSERT":
            span = cursor.peek().span.to(cursor.tokens[index - 1].span)
            cursor.index = index
            return span
    return None


def hoisted(text: str, head: Span, query: QueryText) -> QueryText:
    """The query with the WITH list at ``head`` before it; ``text`` is that of the whole script."""
    between = text[head.end : query.span.start]
    blanks = "".join(c if c == "\n" else " " for c in between)
    return QueryText(text[head.start : head.end] + blanks + query.sql, head.to(query.span))
