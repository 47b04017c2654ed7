"""What EVALUATE MODEL measures: names, options, and the bounds that a checkpoint must keep.

Light, because a controller declares these options; :mod:`sqlrec.models.measuring.quality` computes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlrec.errors import OptionError, PolicyError
from sqlrec.spec.options import Option, OptionKind, Parsed, Scope

EVALUATE = frozenset({Scope.EVALUATE})

TITLES = {
    "auc": "AUC",
    "logloss": "LogLoss",
    "gauc": "GAUC",
    "average_precision": "Average Precision",
    "calibration_error": "Calibration Error",
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "mae": "MAE",
    "mse": "MSE",
    "rmse": "RMSE",
    "mape": "MAPE",
    "r2": "R2",
}
"""Metrics by the name that options use, and as results show them: those of Flink's tasks as Flink does."""

GROUPED = "gauc"
"""The metric that needs ``group_column``."""

BINARY = ("auc", "logloss", "accuracy", "precision", "recall", "f1", "rmse")
"""What is measured of a model of two classes unless ``metrics`` says otherwise."""


def measure_options(default: tuple[str, ...] = BINARY) -> tuple[Option, ...]:
    """Options of EVALUATE MODEL: what to measure (``default`` if not told) and a bound for each metric."""
    return (
        Option(
            key="metrics",
            kind=OptionKind.STRING_LIST,
            scopes=EVALUATE,
            default=default,
            choices=tuple(TITLES),
            doc="What to measure; a metric with a bound is measured too, gauc when group_column is given.",
        ),
        Option(
            key="group_column",
            kind=OptionKind.STRING,
            scopes=EVALUATE,
            doc="Column whose values are the groups of gauc, such as the user.",
        ),
        Option(
            key="threshold",
            kind=OptionKind.DOUBLE,
            scopes=EVALUATE,
            default=0.5,
            minimum=0,
            maximum=1,
            doc="Smallest score that accuracy, precision, recall and f1 take for label 1.",
        ),
        *(_bound(side, name) for name in TITLES for side in ("min", "max")),
    )


def _bound(side: str, name: str) -> Option:
    word = "least" if side == "min" else "greatest"
    doc = f"The {word} {TITLES[name]} allowed: EVALUATE fails beyond it, and so what comes after it."
    return Option(key=f"{side}_{name}", kind=OptionKind.DOUBLE, scopes=EVALUATE, doc=doc)


@dataclass(frozen=True, slots=True)
class Bound:
    """``min_auc = 0.75``: a value that a metric must reach (``min``) or must not pass (``max``)."""

    side: str
    metric: str
    value: float

    def broken(self, value: float | None) -> str:
        """What is wrong with a metric's value, or an empty string. An undefined one keeps no bound."""
        title, option = TITLES[self.metric], f"{self.side}_{self.metric} = {self.value:g}"
        if value is None:
            return f"{title} is undefined on these rows, which breaks {option}"
        if self.side == "min" and value < self.value:
            return f"{title} is {value:.8g}, below {option}"
        if self.side == "max" and value > self.value:
            return f"{title} is {value:.8g}, above {option}"
        return ""


def bounds(options: Mapping[str, Parsed]) -> Iterator[Bound]:
    """The bounds among the effective options of EVALUATE MODEL."""
    for name in TITLES:
        for side in ("min", "max"):
            value = options.get(f"{side}_{name}")
            if isinstance(value, int | float):
                yield Bound(side, name, float(value))


def wanted(options: Mapping[str, Parsed]) -> tuple[str, ...]:
    """Names of the metrics to compute, each once, in the order asked for.

    Raises ``OptionError`` SR265 when one needs ``group_column`` and there is none.
    """
    asked = options.get("metrics") or ()
    names = [str(name) for name in (asked if isinstance(asked, tuple) else (asked,))]
    names += [bound.metric for bound in bounds(options)]
    if options.get("group_column"):
        names.append(GROUPED)
    elif GROUPED in names:
        raise OptionError(
            "SR265", f"{GROUPED} needs groups", hint="add the option group_column, such as 'user_id'"
        )
    return tuple(dict.fromkeys(names))


def require_bounds(options: Mapping[str, Parsed], measured: Mapping[str, float], what: str) -> None:
    """Raise ``PolicyError`` SR260 when a metric of ``what`` is beyond a bound; all broken ones are named."""
    broken = list(filter(None, (bound.broken(measured.get(bound.metric)) for bound in bounds(options))))
    if broken:
        raise PolicyError(
            "SR260",
            f"{what} does not pass: {'; '.join(broken)}",
            hint="train a better checkpoint, or change the bound",
        )
