"""The page of all codes."""

from __future__ import annotations

from collections.abc import Iterator

from sqlrec.codes.index import FAMILIES, Entry, entries

NOTICE = "<!-- Made by `sqlrec reference` from the code it describes; edit it there. -->"

INTRODUCTION = """\
Every message has a code. `sqlrec explain SR204` shows its entry; `sqlrec check` gives all problems of a
script at once. Exit codes: 0 ok, 1 a step failed, 2 usage, 3 findings in a script, 4 refused by a rule that
was set, 5 environment.
"""


def errors_page() -> str:
    """docs/errors.md."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from ("# Messages", "", NOTICE, "")
    yield INTRODUCTION.rstrip()
    for family, title in FAMILIES.items():
        yield from ("", f"## {title}")
        for entry in entries().values():
            if entry.family == family:
                yield from _entry(entry)


def _entry(entry: Entry) -> Iterator[str]:
    yield from ("", f"### {entry.code}", "", f"**{entry.title}.** {entry.meaning}", "", entry.fix)
    if entry.bad:
        yield from ("", "```sql", "-- wrong", entry.bad, "-- right", entry.good, "```")
