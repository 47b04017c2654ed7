"""Findings as SARIF 2.1.0 (OASIS), which code hosts and editors show beside the lines they are about."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlrec import __version__
from sqlrec.cli.compiling_formats import Found
from sqlrec.codes.index import Entry, entries

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
FINGERPRINT = "sqlrec/v1"
"""Name of our fingerprint; a change of what goes into it needs another name."""


def log(found: Sequence[Found]) -> dict[str, Any]:
    """The log of one run: the rules that were broken, and where."""
    codes = list(dict.fromkeys(finding.diagnostic.code for finding in found))
    driver = {
        "name": "sqlrec",
        "semanticVersion": __version__,
        "rules": [_rule(code) for code in codes],
    }
    seen: dict[str, int] = {}
    results = [_result(finding, codes.index(finding.diagnostic.code), seen) for finding in found]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str) -> dict[str, Any]:
    entry = entries().get(code)
    if entry is None:
        return {"id": code, "shortDescription": {"text": code}, "helpUri": _help_uri(code)}
    return {
        "id": code,
        "name": "".join(word.capitalize() for word in entry.title.split() if word.isalpha()),
        "shortDescription": {"text": entry.title},
        "fullDescription": {"text": entry.meaning},
        "help": {"text": f"{entry.meaning} {entry.fix}".strip(), "markdown": _markdown(entry)},
        "helpUri": _help_uri(code),
        "defaultConfiguration": {"level": "error"},
    }


def _markdown(entry: Entry) -> str:
    example = f"\n\n```sql\n{entry.good}\n```" if entry.good else ""
    return f"{entry.meaning}\n\n{entry.fix}{example}"


def _help_uri(code: str) -> str:
    """An absolute URI that does not depend on where the documentation lies: ``sqlrec explain CODE``."""
    return f"urn:sqlrec:error:{code}"


def _result(finding: Found, rule: int, seen: dict[str, int]) -> dict[str, Any]:
    diagnostic = finding.diagnostic
    (line, column), (end_line, end_column) = finding.begins, finding.ends
    shown = finding.text.split("\n")[line - 1].rstrip("\r")
    place = {
        "artifactLocation": {"uri": _uri(finding.file)},
        "region": {
            "startLine": line,
            "startColumn": column,
            "endLine": end_line,
            "endColumn": end_column,
            "snippet": {"text": shown},
        },
    }
    help_text = f"\nhelp: {diagnostic.hint}" if diagnostic.hint else ""
    return {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": str(diagnostic.severity),
        "message": {"text": diagnostic.message + help_text},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {FINGERPRINT: _fingerprint(finding, shown, seen)},
    }


def _uri(file: str) -> str:
    """A relative path as it is, which readers take from the root of the sources; an absolute one as a URI."""
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def _fingerprint(finding: Found, shown: str, seen: dict[str, int]) -> str:
    """The same for the same finding after lines before it came or went: no line number goes into it."""
    facts = (Path(finding.file).name, finding.diagnostic.code, finding.diagnostic.message, shown.strip())
    digest = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:32]
    seen[digest] = seen.get(digest, 0) + 1
    return f"{digest}:{seen[digest]}"
