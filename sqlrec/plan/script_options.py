"""Options of SET: how the whole script is scheduled and run, and how its calls score.

Those of the DAG hold for the script, wherever in it they stand; those of scoring for the calls after them.
The DAG builder reads their values from here (:func:`effective_settings`), so that a default has one home.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from sqlrec.plan.strict_rules import Strict
from sqlrec.scoring.options import SCORE_OPTIONS
from sqlrec.spec.options import Effective, Option, OptionKind, OptionSet, OptionValue, Parsed, Scope

SCHEDULES = ("@once", "@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly", "@continuous")
"""Names of schedules, beside cron expressions and ``none``."""

SCRIPT = frozenset({Scope.SCRIPT})
SCORE = "score."
"""What options of batch scoring begin with in SET."""


def _option(key: str, kind: OptionKind, doc: str, default: Parsed = None, **bounds: float) -> Option:
    return Option(
        key=key,
        kind=kind,
        doc=doc,
        default=default,
        scopes=SCRIPT,
        minimum=bounds.get("minimum"),
        maximum=bounds.get("maximum"),
    )


SCRIPT_OPTIONS = OptionSet(
    (
        _option(
            "dag.schedule",
            OptionKind.STRING,
            f"When the script runs: a cron expression, one of {', '.join(SCHEDULES)}, or none (by hand).",
        ),
        _option(
            "dag.start_date",
            OptionKind.STRING,
            "First date of the schedule, as 2026-01-31 or 2026-01-31T04:00:00+00:00 (UTC unless given).",
            default="2026-01-01",
        ),
        _option("dag.catchup", OptionKind.BOOLEAN, "Run the dates missed since the start date.", False),
        _option("dag.owner", OptionKind.STRING, "Who is asked about the script.", "sqlrec"),
        _option("dag.tags", OptionKind.STRING_LIST, "Tags of the DAG, besides sqlrec.", ()),
        _option("dag.description", OptionKind.STRING, "One line about the script.", ""),
        _option("dag.retries", OptionKind.INT, "Retries of a failed task.", 0, minimum=0, maximum=100),
        _option("dag.retry_delay", OptionKind.DURATION, "Time before a retry.", 60.0, minimum=0),
        _option("dag.timeout", OptionKind.DURATION, "Longest time of one task; unset: no limit.", minimum=1),
        _option("dag.max_active_runs", OptionKind.INT, "Runs at the same time.", 1, minimum=1),
        _option("dag.max_active_tasks", OptionKind.INT, "Tasks of a run at the same time.", 16, minimum=1),
        _option("dag.pool", OptionKind.STRING, "Airflow pool of the tasks.", "default_pool"),
        Option(
            key="runtime",
            kind=OptionKind.STRING,
            doc="Where jobs and services run; unset: as the project is configured.",
            scopes=SCRIPT,
            choices=("local", "kubernetes"),
        ),
        Option(
            key="strict",
            kind=OptionKind.STRING,
            doc="Refuse what the parser of SQLRec or Flink would refuse; unset: refuse nothing.",
            scopes=SCRIPT,
            choices=tuple(map(str, Strict)),
        ),
        *(replace(option, key=SCORE + option.key) for option in SCORE_OPTIONS.options),
    )
)


_NAMESPACES = frozenset(option.key.partition(".")[0] for option in SCRIPT_OPTIONS.options)


def is_option(key: str) -> bool:
    """Whether a canonical key is one of ours, known or misspelt; any other is a variable's."""
    return key.partition(".")[0] in _NAMESPACES


def is_script_wide(key: str) -> bool:
    """Whether a canonical key is an option that holds for the whole script."""
    return is_option(key) and not key.startswith(SCORE)


def effective_settings(settings: Mapping[str, OptionValue]) -> dict[str, Effective]:
    """Values in force of a plan's ``settings``, by canonical key; origin ``script`` or ``default``."""
    values = SCRIPT_OPTIONS.effective(Scope.SCRIPT, script=settings)
    return {key: value for key, value in values.items() if is_script_wide(key)}


def score_settings(settings: Mapping[str, OptionValue]) -> dict[str, OptionValue]:
    """The settings that are options of batch scoring, by their keys there."""
    return {key.removeprefix(SCORE): v for key, v in settings.items() if key.startswith(SCORE)}


def _schedule_problem(text: str) -> str:
    if text.casefold() in (*SCHEDULES, "none"):
        return ""
    parts = text.split()
    if text.startswith("@") or len(parts) != 5:
        return f"a schedule is a cron expression of five fields, one of {', '.join(SCHEDULES)}, or none"
    limits = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
    for part, (low, high), names in zip(parts, limits, _CRON_NAMES, strict=True):
        if not all(_is_cron_item(item, low, high, names) for item in part.split(",")):
            return f"{part!r} is no field of a cron expression from {low} to {high}"
    return ""


_CRON_NAMES = (
    "",
    "",
    "",
    "jan feb mar apr may jun jul aug sep oct nov dec",
    "sun mon tue wed thu fri sat",
)


def _is_cron_item(item: str, low: int, high: int, names: str) -> bool:
    match = re.fullmatch(r"(\*|(\w+)(?:-(\w+))?)(?:/([0-9]{1,2}))?", item)
    if match is None:
        return re.fullmatch(r"\w{1,3}#[1-5]", item) is not None
    if match[2] and match[2].casefold() == "l":
        return True
    numbers = [_cron_number(text, low, names) for text in (match[2], match[3]) if text]
    inside = all(number is not None and low <= number <= high for number in numbers)
    return inside and match[4] not in ("0", "00")


def _cron_number(text: str, low: int, names: str) -> int | None:
    if re.fullmatch("[0-9]{1,2}", text):
        return int(text)
    return names.split().index(text.casefold()) + low if text.casefold() in names.split() else None


def _date_problem(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return f"{text!r} is no date; write it as 2026-01-31"
    return ""


_RULES: dict[str, Callable[[str], str]] = {
    "dag.schedule": _schedule_problem,
    "dag.start_date": _date_problem,
}


def setting_problem(key: str, value: OptionValue) -> str:
    """What is wrong with a value beyond its declared type, or an empty string."""
    rule = _RULES.get(key)
    return rule(str(value).strip()) if rule else ""
