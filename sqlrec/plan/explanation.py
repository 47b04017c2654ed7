"""An explanation as data, and as text for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from sqlrec.plan.plan import Param
from sqlrec.spec.options import Parsed

WIDTH = 96
"""Columns of the text of one item."""


class Change(StrEnum):
    """What becomes of the thing a step writes."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    DROPPED = "dropped"
    UNKNOWN = "known when it runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedOption:
    """An option in force; ``origin`` is default, model, statement or script."""

    key: str
    value: Parsed
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedData:
    """Rows that a job reads (``role``: data, validation, sample).

    ``pruning`` are the conditions that choose partitions, so that other files are not read; ``filters``
    those that are tested on each row.
    """

    role: str
    tables: tuple[str, ...]
    pruning: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedStep:
    """One step. ``does`` says it in words, ``detail`` what exists already."""

    id: str
    line: int
    does: str
    change: Change
    detail: str = ""
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()
    options: tuple[ExplainedOption, ...] = ()
    data: tuple[ExplainedData, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedTable:
    """A declared table."""

    name: str
    format: str
    path: str
    columns: int
    partitions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedWarning:
    """A finding that does not stop the script."""

    code: str
    line: int
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What running a script would do."""

    name: str
    path: str
    digest: str
    steps: tuple[ExplainedStep, ...]
    settings: tuple[ExplainedOption, ...] = ()
    params: tuple[Param, ...] = ()
    tables: tuple[ExplainedTable, ...] = ()
    warnings: tuple[ExplainedWarning, ...] = ()


def render_explanation(explanation: Explanation) -> str:
    """Plain text, one block a step, what is written rather than defaulted first."""
    return "\n".join(_lines(explanation)) + "\n"


def render_step(step: ExplainedStep) -> str:
    """Plain text of one step, as :func:`render_explanation` has it."""
    return "\n".join(_step(step)) + "\n"


def _lines(explanation: Explanation) -> Iterator[str]:
    count = len(explanation.steps)
    shown = f"{count} step{'' if count == 1 else 's'}, plan {explanation.digest[:12]}"
    yield f"{explanation.name} ({explanation.path}): {shown}"
    written = [o for o in explanation.settings if o.origin != "default"]
    yield from _block("settings", [f"{o.key} = {value_text(o.value)}" for o in written])
    yield from _block("params", [_param(param) for param in explanation.params])
    yield from _block("tables", [_table(table) for table in explanation.tables])
    for step in explanation.steps:
        yield ""
        yield from _step(step)
    for warning in explanation.warnings:
        yield ""
        yield f"warning[{warning.code}] line {warning.line}: {warning.message}"
        if warning.hint:
            yield f"  help: {warning.hint}"


def _block(title: str, items: list[str]) -> Iterator[str]:
    """Items under each other beside their title; one that is too long goes on below."""
    first = True
    for item in items:
        for line in textwrap.wrap(item, WIDTH, break_long_words=False, break_on_hyphens=False):
            yield f"  {title if first else '':<10} {line}"
            first = False


def _param(param: Param) -> str:
    default = "must be given" if param.default is None else f"default {value_text(param.default)}"
    return f"{param.name} {param.type}, {default}"


def _table(table: ExplainedTable) -> str:
    parted = f", partitioned by {', '.join(table.partitions)}" if table.partitions else ""
    columns = f"{table.columns} columns" if table.columns else "columns of its files"
    return f"{table.name}: {table.format} at {table.path}, {columns}{parted}"


def _step(step: ExplainedStep) -> Iterator[str]:
    detail = f" ({step.detail})" if step.detail else ""
    yield f"{step.id}: {step.change}{detail}"
    yield from _block(f"line {step.line}", [step.does])
    yield from _block("after", [", ".join(step.upstream)])
    yield from _block("reads", list(step.reads))
    yield from _block("writes", list(step.writes))
    for data in step.data:
        yield from _block(data.role, list(_data(data)))
    written = [o for o in step.options if o.origin != "default"]
    yield from _block("options", [f"{o.key} = {value_text(o.value)}  ({o.origin})" for o in written])
    defaults = [o for o in step.options if o.origin == "default" and o.value is not None]
    yield from _block("defaults", [", ".join(f"{o.key} = {value_text(o.value)}" for o in defaults)])


def _data(data: ExplainedData) -> Iterator[str]:
    yield ", ".join(data.tables)
    for condition in data.pruning:
        yield f"partitions where {condition}"
    for condition in data.filters:
        yield f"rows where {condition}"


def value_text(value: Parsed) -> str:
    """A value as it would be written in a script."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, tuple):
        return "'" + ",".join(map(str, value)) + "'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, float):
        return f"{value:g}"
    return "unset" if value is None else str(value)
