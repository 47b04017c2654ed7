"""``pytest tests/sql --update-golden`` writes the expected error texts anew."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from sqlrec.errors import Span
from sqlrec.sql.render import render
from sqlrec.sql.render.words import quoted
from sqlrec.sql.script import parse
from sqlrec.sql.statements import OptionItem, SetOption, Statement


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden", default=False))


def _read_one(text: str) -> Statement:
    parsed = parse(text)
    assert parsed.diagnostics == ()
    (statement,) = parsed.statements
    return statement


def _without_places(value: object) -> object:
    if isinstance(value, Span):
        return None
    if isinstance(value, OptionItem | SetOption):
        return (type(value).__name__, value.key.value, quoted(value.value))
    if isinstance(value, tuple):
        return tuple(map(_without_places, value))
    if dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
        return (type(value).__name__, *((f.name, _without_places(getattr(value, f.name))) for f in fields))
    return (type(value).__name__, value)


def _reads(text: str, canonical: str) -> Statement:
    statement = _read_one(f"  {text} ;")
    shown = render(statement)
    assert " ".join(shown.split()).replace("( ", "(").replace(" )", ")") == canonical
    again = _read_one(shown)
    assert _without_places(again) == _without_places(statement)
    assert render(again) == shown
    assert (statement.span.start, statement.span.end) == (2, 2 + len(text.removesuffix(" -- done")))
    return statement


@pytest.fixture(scope="session")
def read_one() -> Callable[[str], Statement]:
    """The one statement of a script without problems."""
    return _read_one


@pytest.fixture(scope="session")
def reads() -> Callable[[str, str], Statement]:
    """Reads a text whose canonical text, blanks aside, is the second; that text gives the same again."""
    return _reads


@pytest.fixture(scope="session")
def without_places() -> Callable[[object], object]:
    """A statement as nested tuples, spans and kinds of option literals left out; 1, 1.0 and True differ."""
    return _without_places
