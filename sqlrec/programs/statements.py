"""The statements of a program, those within others included, and where an error of one happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlrec.errors import SqlRecError
from sqlrec.spec.function import ProgramAssert, ProgramIf, ProgramQuery, ProgramScore, ProgramStep
from sqlrec.spec.table import Relation

SHOWN_CHARACTERS = 200


def all_steps(steps: Iterable[ProgramStep]) -> Iterator[ProgramStep]:
    """Steps and the steps within them."""
    for step in steps:
        yield step
        if isinstance(step, ProgramIf):
            yield from all_steps((*step.then, *(step.otherwise or ())))


def relations(steps: Iterable[ProgramStep]) -> Iterator[Relation]:
    """Every query of the steps."""
    for step in all_steps(steps):
        match step:
            case ProgramQuery(query=query) | ProgramAssert(query=query) | ProgramIf(condition=query):
                yield query
            case ProgramScore():
                yield from (r for r in (step.inputs, step.query) if r is not None)


def services(steps: Iterable[ProgramStep]) -> tuple[str, ...]:
    """Services that are called, each once."""
    names = [step.service for step in all_steps(steps) if isinstance(step, ProgramScore)]
    return tuple(dict.fromkeys(names))


@contextmanager
def located(step: ProgramStep) -> Iterator[None]:
    """Let an error inside say which statement it is of."""
    try:
        yield
    except SqlRecError as error:
        if step.sql:
            line = " ".join(step.sql.split())
            shown = line if len(line) <= SHOWN_CHARACTERS else f"{line[: SHOWN_CHARACTERS - 1]}…"
            error.message = f"{error.message}; in: {shown}"
        raise
