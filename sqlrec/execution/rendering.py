"""Templates of a step rendered without Airflow, for a session.

A session knows the names that a run of today's date would have, and its parameters; what only a scheduler
knows (``dag_run``, ``macros``) it does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from sqlrec.errors import SetupError, StateError
from sqlrec.plan.plan import Step
from sqlrec.spec import codec

VERBATIM = frozenset({"query", "sql", "ddl", "source"})
"""Fields of a step that are SQL text: their templates became parameters when the script was compiled."""


def run_values(at: datetime, run_id: str, params: Mapping[str, object]) -> dict[str, object]:
    """What templates may name, by Airflow's names for it."""
    ds = at.strftime("%Y-%m-%d")
    return {
        "ds": ds,
        "ds_nodash": ds.replace("-", ""),
        "ts": at.isoformat(),
        "ts_nodash": at.strftime("%Y%m%dT%H%M%S"),
        "logical_date": at,
        "run_id": run_id,
        "params": dict(params),
    }


def rendered(step: Step, values: Mapping[str, object]) -> Step:
    """The step with ``values`` in its templates.

    Raises ``StateError`` SR724 for a template that needs more, ``SetupError`` SR730 when Jinja is missing.
    """
    encoded = codec.encode(step)
    if not _is_templated(encoded):
        return step
    try:
        from jinja2 import StrictUndefined, TemplateError
        from jinja2.sandbox import SandboxedEnvironment
    except ImportError:
        raise SetupError(
            "SR730", "templates need the package jinja2", hint="pip install 'sqlrec[shell]'"
        ) from None
    engine = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)

    def render(text: str) -> str:
        try:
            return engine.from_string(text).render(values)
        except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
            raise StateError(
                "SR724",
                f"the template {text!r} cannot be rendered: {error}",
                hint=f"a session has {', '.join(values)}; the rest is known to a run",
            ) from error

    return cast("Step", codec.decode(Step, _each(encoded, render)))


def _is_templated(node: object) -> bool:
    found = False

    def look(text: str) -> str:
        nonlocal found
        found = True
        return text

    _each(node, look)
    return found


def _each(node: Any, change: Any) -> Any:
    """The plain data with ``change`` applied to every string that holds a template."""
    match node:
        case dict():
            return {
                key: value if key in VERBATIM and isinstance(value, str) else _each(value, change)
                for key, value in node.items()
            }
        case list():
            return [_each(item, change) for item in node]
        case str():
            return change(node) if "{{" in node else node
        case _:
            return node
