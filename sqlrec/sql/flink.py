"""What Flink's dialect writes in another way than DuckDB's, where the meaning is the same.

Tokens are replaced one by one, so that the rest of the query stays as it was written:

* ``CROSS APPLY`` and ``OUTER APPLY`` are joins with LATERAL;
* ``FOR SYSTEM_TIME AS OF moment`` goes: a table of files has one version, so a lookup join is a join;
* ``MAP['a', 1]`` is ``MAP {'a': 1}``;
* some functions have another name, another order of arguments, or take another pattern.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from sqlrec.errors import Span
from sqlrec.sql.cursor import CLOSING, problem
from sqlrec.sql.lexer import TEMPLATE, Kind, Token

RENAMED = {"NVL": "COALESCE", "RAND": "random", "TRUNCATE": "trunc", "PROCTIME": "now"}
_NO_ALIAS = """
WHERE GROUP HAVING ORDER LIMIT OFFSET FETCH WINDOW QUALIFY UNION EXCEPT INTERSECT JOIN CROSS OUTER LEFT RIGHT
FULL INNER NATURAL ASOF SEMI ANTI POSITIONAL ON USING LATERAL TABLESAMPLE
"""
NO_ALIAS = frozenset(_NO_ALIAS.split())
"""Words after a table that are not its alias."""
TYPED = ("INTERVAL", "TIMESTAMP", "DATE", "TIME")
ORIGIN = "TIMESTAMP '1970-01-01'"
"""Where Flink's windows begin to count."""
_PATTERN = re.compile(r"'(?:[^']|'')*'|([A-Za-z])\1*|[^A-Za-z']+|'")
_LETTERS = """
yyyy %Y yy %y MMMM %B MMM %b MM %m M %-m dd %d d %-d DDD %j EEEE %A EEE %a E %a
HH %H H %-H hh %I h %-I mm %M m %-M ss %S s %-S SSS %g SSSSSS %f a %p
"""
_FORMATS = dict(zip(_LETTERS.split()[::2], _LETTERS.split()[1::2], strict=True))
"""Letters of Java's date patterns and what they are in DuckDB's ``strftime``."""

Tokens = Sequence[Token]


def translate(tokens: Tokens, pieces: list[str]) -> None:
    """Write the query of ``tokens`` in DuckDB's dialect; ``pieces`` is their text, changed in place.

    A token without text is passed over. Raises ``SyntaxProblem`` for a date pattern that DuckDB has not.
    """
    for index, token in enumerate(tokens):
        if not pieces[index]:
            continue
        following = tokens[index + 1].key if index + 1 < len(tokens) else ""
        if token.key == "APPLY" and index and tokens[index - 1].key in ("CROSS", "OUTER"):
            _apply(tokens, pieces, index)
        elif token.key == "FOR" and [t.key for t in tokens[index + 1 : index + 4]] == _AS_OF:
            for blank in range(index, _moment_end(tokens, index + 4)):
                pieces[blank] = ""
        elif token.key == "MAP" and following == "[":
            _map(tokens, pieces, index + 1)
        elif following == "(" and token.kind is Kind.WORD:
            pieces[index] = RENAMED.get(token.key, pieces[index])
            if token.key in FUNCTIONS:
                FUNCTIONS[token.key](tokens, pieces, index)


_AS_OF = ["SYSTEM_TIME", "AS", "OF"]


def closing(tokens: Tokens, index: int) -> int:
    """The bracket that closes the one at ``index``; brackets match."""
    depth = 0
    for place in range(index, len(tokens)):
        depth += (tokens[place].key in CLOSING) - (tokens[place].key in CLOSING.values())
        if not depth:
            return place
    return len(tokens) - 1


def _commas(tokens: Tokens, opening: int) -> list[int]:
    """The commas between the arguments of the bracket at ``opening``."""
    found, index, end = [], opening + 1, closing(tokens, opening)
    while index < end:
        if tokens[index].key in CLOSING:
            index = closing(tokens, index)
        elif tokens[index].key == ",":
            found.append(index)
        index += 1
    return found


def _apply(tokens: Tokens, pieces: list[str], index: int) -> None:
    """CROSS APPLY item → CROSS JOIN LATERAL item; OUTER APPLY item → LEFT JOIN LATERAL item ON TRUE."""
    lateral = [token.key for token in tokens[index + 1 : index + 2]] == ["("]
    pieces[index] = "JOIN LATERAL" if lateral else "JOIN"
    if tokens[index - 1].key == "CROSS" or index + 1 == len(tokens):
        return
    pieces[index - 1] = "LEFT"
    end = _item_end(tokens, index + 1)
    pieces[end] = f"{pieces[end]} ON TRUE".strip()


def _item_end(tokens: Tokens, index: int) -> int:
    """The last token of a table with its alias, ``(…) [AS] alias [(column, …)]``; there may be none."""
    while index + 1 < len(tokens) and tokens[index].key in ("LATERAL", "TABLE"):
        index += 1
    end = _operand_end(tokens, index) - 1
    if end + 1 < len(tokens) and tokens[end + 1].key == "AS":
        end += 1
    names = (Kind.WORD, Kind.QUOTED, Kind.DOUBLE)
    if end + 1 < len(tokens) and tokens[end + 1].kind in names and tokens[end + 1].key not in NO_ALIAS:
        end += 1
        if end + 1 < len(tokens) and tokens[end + 1].key == "(":
            end = closing(tokens, end + 1)
    return end


def _moment_end(tokens: Tokens, index: int) -> int:
    """Where the moment after AS OF ends: operands joined by + and -."""
    index = _operand_end(tokens, index)
    while index < len(tokens) and tokens[index].key in ("+", "-"):
        index = _operand_end(tokens, index + 1)
    return index


def _operand_end(tokens: Tokens, index: int) -> int:
    """Where a name, a call, a literal or a bracket ends."""
    if index >= len(tokens):
        end = tokens[-1].end
        hint = "write FOR SYSTEM_TIME AS OF t.column"
        raise problem("SR101", "expected a moment after FOR SYSTEM_TIME AS OF", Span(end, end + 1), hint)
    if tokens[index].key == "(":
        return closing(tokens, index) + 1
    if tokens[index].key in TYPED and index + 1 < len(tokens) and tokens[index + 1].kind is Kind.STRING:
        return index + (3 if tokens[index].key == "INTERVAL" else 2)
    index += 1
    while index + 1 < len(tokens) and tokens[index].key == ".":
        index += 2
    if index < len(tokens) and tokens[index].key == "(":
        return closing(tokens, index) + 1
    return index


def _map(tokens: Tokens, pieces: list[str], opening: int) -> None:
    """``[key, value, …]`` → ``{key: value, …}``."""
    pieces[opening], pieces[closing(tokens, opening)] = "{", "}"
    for comma in _commas(tokens, opening)[::2]:
        pieces[comma] = ":"


def _tumble(tokens: Tokens, pieces: list[str], index: int) -> None:
    """``TUMBLE(time, size)``, its _START and its _END → ``time_bucket(size, time, origin)``."""
    commas, end = _commas(tokens, index + 1), closing(tokens, index + 1)
    if len(commas) != 1:
        return
    size = " ".join(piece for piece in pieces[commas[0] + 1 : end] if piece)
    pieces[commas[0] : end] = [""] * (end - commas[0])
    is_end = tokens[index].key == "TUMBLE_END"
    pieces[index] = "(time_bucket" if is_end else "time_bucket"
    pieces[index + 1] = f"({size},"
    pieces[end] = f", {ORIGIN}) + {size})" if is_end else f", {ORIGIN})"


def _date_format(tokens: Tokens, pieces: list[str], index: int) -> None:
    """``DATE_FORMAT(time, 'pattern')`` → ``strftime(CAST(time AS TIMESTAMP), '%…')``."""
    commas, end = _commas(tokens, index + 1), closing(tokens, index + 1)
    if len(commas) != 1 or end != commas[0] + 2:
        return
    pattern = tokens[commas[0] + 1]
    if pattern.kind is not Kind.STRING or TEMPLATE.search(pattern.value):
        return
    text = _strftime(pattern).replace("'", "''")
    pieces[index], pieces[index + 1] = "strftime", "(CAST("
    pieces[commas[0]], pieces[commas[0] + 1] = " AS TIMESTAMP),", f"'{text}'"


def _strftime(pattern: Token) -> str:
    """Java's pattern in DuckDB's letters."""
    out = []
    for match in _PATTERN.finditer(pattern.value):
        part = match[0]
        if match[1] and part not in _FORMATS:
            message = f"{part!r} in a date pattern has no counterpart in DuckDB"
            raise problem("SR109", message, pattern.span, "use strftime with its own pattern: '%Y-%m-%d'")
        quoted = part[1:-1].replace("''", "'") or "'" if part[0] == "'" and len(part) > 1 else part
        out.append(_FORMATS[part] if match[1] else quoted.replace("%", "%%"))
    return "".join(out)


def _difference(tokens: Tokens, pieces: list[str], index: int) -> None:
    """``TIMESTAMPDIFF(DAY, a, b)`` → ``date_sub('DAY', a, b)``: whole units that have passed."""
    unit = index + 2
    if len(_commas(tokens, index + 1)) == 2 and tokens[unit].kind is Kind.WORD:
        pieces[index], pieces[unit] = "date_sub", f"'{tokens[unit].key}'"


def _to_date(tokens: Tokens, pieces: list[str], index: int) -> None:
    """``TO_DATE(text)`` → ``CAST(text AS DATE)``."""
    if not _commas(tokens, index + 1):
        pieces[index], pieces[closing(tokens, index + 1)] = "CAST", " AS DATE)"


FUNCTIONS: dict[str, Callable[[Tokens, list[str], int], None]] = {
    "TUMBLE": _tumble,
    "TUMBLE_START": _tumble,
    "TUMBLE_END": _tumble,
    "DATE_FORMAT": _date_format,
    "TIMESTAMPDIFF": _difference,
    "TO_DATE": _to_date,
}
