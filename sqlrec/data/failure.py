"""What DuckDB and Arrow complain about, said in our words: no raw exception of theirs leaves this package.

DuckDB's reader reports errors in the middle of a stream as ``OSError`` with its own text, so the text,
not the exception class, tells what happened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlrec.errors import DataError, NameNotFoundError, SchemaError, SetupError, SqlRecError, suggest

_COLUMN = re.compile(
    r'(?:Referenced column|Values list ".+?" does not have a column named|^Binder Error: Column) "([^"]+)"'
)
_TABLE = re.compile(r"Table with name (.+?) does not exist")
_CSV = re.compile(r"CSV Error on Line: (\d+)\s+Original Line: (.*)", re.DOTALL)
_CSV_FILE = re.compile(r"^\s+file = (.+)$", re.MULTILINE)
_CSV_VALUE = re.compile(
    r"converting column \"(.+?)\"\. Could not convert string \"(.*?)\" to '(\w+)'", re.DOTALL
)
_CSV_WIDTH = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")


def translated(error: Exception, tables: Iterable[str] = (), columns: Iterable[str] = ()) -> SqlRecError:
    """The error of our tree for one of DuckDB or Arrow. ``tables`` and ``columns`` a query may use."""
    text = str(error)
    kind, _, rest = text.partition(" Error: ")
    headline = rest.strip().split("\n")[0] or text.strip().split("\n")[0]
    if "CSV Error on Line" in text:
        return _csv(text)
    if "Error when sniffing file" in text or "CSV Parser state machine" in text:
        hint = "its rows differ in columns, quotes or line endings: write it again with one CSV library"
        return DataError("SR405", headline.rstrip("."), hint=hint)
    if "Out of Memory" in text:
        return SetupError("SR704", f"not enough memory: {headline}", hint="give the job more memory")
    match kind:
        case "Parser":
            return SchemaError("SR403", f"the query cannot be read: {headline}", hint=_line(text))
        case "Binder" | "Catalog":
            return _name(text, headline, tables, columns)
        case "Conversion" | "Out of Range":
            return DataError("SR404", headline, hint="correct the value, or use TRY_CAST to get NULL instead")
        case "IO" | "HTTP":
            return DataError(
                "SR407", headline, hint="the table may have been replaced while it was read: run it again"
            )
        case _:
            return _file(headline)


def _line(text: str) -> str:
    """The names that DuckDB offers, or the line that it prints below a message."""
    found = re.search(r"^(Candidate .*|LINE \d+: .*)$", text, re.MULTILINE)
    return found[1] if found else ""


def _closest(name: str, known: Iterable[str], what: str) -> str:
    names = sorted(set(known))
    return suggest(name, names) or (f"{what}: {', '.join(names[:30])}" if names else "")


def _name(text: str, headline: str, tables: Iterable[str], columns: Iterable[str]) -> SqlRecError:
    if found := _COLUMN.search(text):
        hint = _closest(found[1], columns, "columns")
        return NameNotFoundError("SR402", f"column {found[1]!r} does not exist", hint=hint)
    if found := _TABLE.search(text):
        hint = _closest(found[1], tables, "tables")
        return NameNotFoundError("SR401", f"table {found[1]!r} does not exist", hint=hint)
    if "extension" in headline:
        return SetupError(
            "SR704", headline, hint="extensions are not downloaded: read the data as parquet or CSV"
        )
    return SchemaError("SR403", f"the query is wrong: {headline}", hint=_line(text))


def _file(headline: str) -> SqlRecError:
    if "schema mismatch" in headline.lower():
        return SchemaError("SR406", headline, hint="all files of a table must have its columns")
    return DataError("SR407", headline)


def _csv(text: str) -> DataError:
    place = _CSV.search(text)
    file = _CSV_FILE.search(text)
    where = f"{file[1].strip() if file else 'CSV file'}, line {place[1] if place else '?'}"
    if "not utf-8" in text:
        return DataError(
            "SR405", f"{where}: the text is not UTF-8", hint="convert it: iconv -f latin1 -t utf-8 old > new"
        )
    if found := _CSV_WIDTH.search(text):
        hint = "quote values that hold the delimiter (\"a, b\"), or set the table option 'delimiter'"
        return DataError("SR405", f"{where}: expected {found[1]} columns, found {found[2]}", hint=hint)
    if found := _CSV_VALUE.search(text):
        column, value, wanted = found.groups()
        hint = f"correct the value, or declare column {column!r} as STRING in CREATE TABLE"
        return DataError("SR404", f"{where}, column {column!r}: {value[:80]!r} is no {wanted}", hint=hint)
    if "unterminated quote" in text:
        return DataError("SR405", f"{where}: a quoted value has no end", hint='write " inside quotes as ""')
    return DataError("SR405", f"{where}: {text.partition('Error on Line')[2].strip()[:200]}")
