"""``pytest tests/sql --update-golden`` writes the expected error texts anew."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from sqlrec.errors import Span
from sqlrec.sql.script import parse
from sqlrec.sql.statements import Statement


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
    if isinstance(value, tuple):
        return tuple(map(_without_places, value))
    if dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
        return (type(value).__name__, *((f.name, _without_places(getattr(value, f.name))) for f in fields))
    return (type(value).__name__, value)


@pytest.fixture(scope="session")
def read_one() -> Callable[[str], Statement]:
    """The one statement of a script without problems."""
    return _read_one


@pytest.fixture(scope="session")
def without_places() -> Callable[[object], object]:
    """A statement as nested tuples, spans left out; 1, 1.0 and True differ."""
    return _without_places
