"""The header line of a CSV file. Standard library alone: compiling a script reads it, too."""

from __future__ import annotations

import csv
import gzip
from contextlib import nullcontext

from sqlrec.artifacts.store import opened
from sqlrec.errors import DataError
from sqlrec.spec.table import TableSource


def has_header(source: TableSource) -> bool:
    """Whether the first line of the table's files names the columns."""
    return source.options.get("header", "true").casefold() != "false"


def delimiter(source: TableSource) -> str:
    """What separates the values of a line."""
    return source.options.get("delimiter", ",").replace("\\t", "\t")


def header(source: TableSource, file: str) -> tuple[str, ...]:
    """Column names of a CSV file in its order; without a header line they are the declared ones.

    Raises ``DataError`` SR405 (no UTF-8, or no line at all) and SR407 (cannot be read).
    """
    if not has_header(source):
        inside = {p.casefold() for p in source.partitions}
        return tuple(f.name for f in source.schema if f.name.casefold() not in inside)
    try:
        with opened(file) as data, gzip.open(data) if file.endswith(".gz") else nullcontext(data) as lines:
            text = lines.readline().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(
            "SR405",
            f"{file}, line 1: the text is not UTF-8",
            hint="convert it: iconv -f latin1 -t utf-8 old > new",
        ) from None
    except (OSError, EOFError) as error:
        raise DataError("SR407", f"cannot read {file}: {error}") from None
    names = _split(text.rstrip("\r\n"), delimiter(source))
    if not names:
        raise DataError(
            "SR405", f"{file} is empty: no header line", hint="set the table option 'header' = 'false'"
        )
    return _unique(names)


def _split(line: str, delimiter: str) -> list[str]:
    """Values of one line; Python's reader knows no delimiter of several characters."""
    if len(delimiter) > 1:
        return line.split(delimiter) if line else []
    return next(csv.reader([line], delimiter=delimiter), [])


def _unique(names: list[str]) -> tuple[str, ...]:
    """Names as DuckDB makes them differ: the second ``a`` is ``a_1``, an empty one ``column2``."""
    seen: dict[str, int] = {}
    out = []
    for index, raw in enumerate(names):
        name = raw or f"column{index}"
        count = seen.get(name.casefold(), 0)
        seen[name.casefold()] = count + 1
        out.append(f"{name}_{count}" if count else name)
    return tuple(out)
