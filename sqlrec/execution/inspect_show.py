"""SHOW: lists of what there is, narrowed by FROM and LIKE."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from sqlrec.execution.call import Call
from sqlrec.execution.inspect_rows import (
    base_of,
    checkpoint_rows,
    known_model,
    model_rows,
    moment,
    numbers,
    service_rows,
    table,
)
from sqlrec.execution.masking import masked_options
from sqlrec.execution.outcome import Preview
from sqlrec.plan.plan import InspectStep
from sqlrec.plan.script_options import SCRIPT_OPTIONS
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import DEFAULT_CATALOG, DEFAULT_DATABASE, ModelName
from sqlrec.spec.options import OptionValue, Scope
from sqlrec.spec.table import TableFormat
from sqlrec.sql.statements import ObjectKind

CHECKPOINTS = (
    "name",
    "type",
    "status",
    "base",
    "rows",
    "metrics",
    "started",
    "finished",
    "used by",
    "version",
    "aliases",
)
SERVICES = ("service name", "model", "checkpoint", "version", "state", "url")


def show(step: InspectStep, call: Call) -> Preview:
    """The rows of SHOW; the pattern of LIKE is compared with the first column."""
    found = SHOW[step.kind](step, call)
    rows = (
        [row for row in found.rows if is_like(row[0], step.like) is not step.negated] if step.like else None
    )
    return found if rows is None else table(found.columns, rows)


def is_like(text: str, pattern: str) -> bool:
    """Whether a name fits a pattern of SQL, in which ``%`` and ``_`` stand for any; case does not count."""
    parts = re.split(r"([%_])", pattern)
    wild = {"%": ".*", "_": "."}
    regex = "".join(wild.get(part, re.escape(part)) for part in parts)
    return re.fullmatch(regex, text, re.IGNORECASE | re.DOTALL) is not None


def _names(column: str, names: Iterable[str]) -> Preview:
    return table((column,), ((name,) for name in names))


def _distinct(names: Iterable[str]) -> Sequence[str]:
    """Names once, in any spelling, sorted."""
    by_key = {name.casefold(): name for name in names}
    return [by_key[key] for key in sorted(by_key)]


# Models and where they are


def _model_names(step: InspectStep, call: Call) -> Preview:
    return _names("model name", (spec.name.name for spec in _models(step, call)))


def _models(step: InspectStep, call: Call) -> list[ModelSpec]:
    """Models of a database; a temporary one hides the registered one of its name."""
    wanted = (step.name or step.database).casefold()
    found = {spec.name.key: spec for spec in (*model_rows(call.env.catalog), *step.temporary)}
    return [found[key] for key in sorted(found) if key.rpartition(".")[0] == wanted]


def _namespaces(step: InspectStep, call: Call) -> Sequence[str]:
    """``catalog.database`` of all models, the default one and the current one."""
    names = (*map(ModelName.parse, call.env.catalog.models()), *(spec.name for spec in step.temporary))
    holding = (f"{name.catalog}.{name.database}" for name in names)
    return _distinct((f"{DEFAULT_CATALOG}.{DEFAULT_DATABASE}", step.database, *holding))


def _databases(step: InspectStep, call: Call) -> Preview:
    catalog = step.name.rpartition(".")[2] if step.name else step.database.partition(".")[0]
    parts = (name.partition(".") for name in _namespaces(step, call))
    return _names("database name", _distinct(d for c, _, d in parts if c.casefold() == catalog.casefold()))


def _catalogs(step: InspectStep, call: Call) -> Preview:
    return _names("catalog name", _distinct(name.partition(".")[0] for name in _namespaces(step, call)))


# Checkpoints, services, functions


def _checkpoints(step: InspectStep, call: Call) -> Preview:
    name = ModelName.parse(step.name)
    if any(spec.name == name for spec in step.temporary):
        return table(CHECKPOINTS, ())
    return table(CHECKPOINTS, _checkpoint_texts(known_model(call.env.catalog, name).name, call))


def _checkpoint_texts(model: ModelName, call: Call) -> list[tuple[str, ...]]:
    return [
        (
            row.checkpoint.name,
            row.checkpoint.kind.value,
            row.checkpoint.status.value,
            base_of(row.checkpoint),
            str(row.checkpoint.rows),
            numbers(row.checkpoint.metrics),
            moment(row.started),
            moment(row.checkpoint.created_at),
            ", ".join(row.services),
            str(row.checkpoint.version),
            ", ".join(f"@{alias}" for alias in row.aliases),
        )
        for row in checkpoint_rows(call.env.catalog, model)
    ]


def _services(step: InspectStep, call: Call) -> Preview:
    rows = service_rows(call.env.catalog, call.env.services.endpoint)
    return table(
        SERVICES,
        (
            (
                row.name,
                ", ".join(str(made.model) for made in row.checkpoints),
                ", ".join(made.name for made in row.checkpoints),
                ", ".join(str(made.version) for made in row.checkpoints),
                row.endpoint.state.value if row.endpoint else "",
                row.endpoint.url if row.endpoint else "",
            )
            for row in rows
        ),
    )


def _apis(step: InspectStep, call: Call) -> Preview:
    return _names("api name", call.env.catalog.apis())


def _functions(step: InspectStep, call: Call) -> Preview:
    return _names("function name", call.env.catalog.functions())


# Tables and settings


def _table_names(step: InspectStep, call: Call) -> Preview:
    return _names("table name", _tables(step, call))


def _views(step: InspectStep, call: Call) -> Preview:
    """What the script caches: a view is kept as a cached table is."""
    cached = (name for name, made in step.tables.items() if made.format is TableFormat.CACHE)
    return _names("view name", _distinct(cached))


def _tables(step: InspectStep, call: Call) -> Sequence[str]:
    """Tables that the script declares or caches, and those of the warehouse; of FROM, one of its folders."""
    from sqlrec.data.source import known_tables

    names = _distinct((*known_tables(call.env.settings.warehouse), *step.tables))
    if not step.name:
        return names
    database = step.name.rpartition(".")[2].casefold()
    parts = (name.rpartition(".") for name in names)
    return [name for of, _, name in parts if (of or DEFAULT_DATABASE).casefold() == database]


def _settings(step: InspectStep, call: Call) -> Preview:
    """What SET gave, and the defaults of the rest."""
    given = masked_options(step.settings, SCRIPT_OPTIONS)
    defaults = SCRIPT_OPTIONS.effective(Scope.SCRIPT)
    rows = {key: (key, _text(option.value), "default") for key, option in defaults.items()}
    rows |= {key: (key, _text(value), "script") for key, value in given.items()}
    return table(("key", "value", "origin"), (rows[key] for key in sorted(rows)))


def _text(value: OptionValue | tuple[object, ...] | None) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, tuple) else "" if value is None else str(value)


SHOW: dict[ObjectKind, Callable[[InspectStep, Call], Preview]] = {
    ObjectKind.MODEL: _model_names,
    ObjectKind.CHECKPOINT: _checkpoints,
    ObjectKind.SERVICE: _services,
    ObjectKind.API: _apis,
    ObjectKind.FUNCTION: _functions,
    ObjectKind.TABLE: _table_names,
    ObjectKind.VIEW: _views,
    ObjectKind.DATABASE: _databases,
    ObjectKind.CATALOG: _catalogs,
    ObjectKind.SETTING: _settings,
}
"""What the kinds after SHOW list."""
