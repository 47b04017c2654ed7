"""What models are measured by: names, options of EVALUATE MODEL, and the bounds a checkpoint must keep.

Light, because a controller declares these options; :mod:`sqlrec.models.measuring.objectives` computes.
A metric at k ends in ``_k``: ``recall_10`` is recall@10, ``accuracy_5`` counts the five likeliest classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sqlrec.errors import OptionError, PolicyError
from sqlrec.models.objective import Objective
from sqlrec.spec.options import Option, OptionKind, Parsed, Scope

EVALUATE = frozenset({Scope.EVALUATE})

RANK_CUTS = (5, 10, 20, 50, 100)
"""The k of NDCG@k and recall@k."""
CLASS_CUTS = (3, 5)
"""The k of top-k accuracy."""

TITLES: Mapping[str, str] = MappingProxyType(
    {
        "auc": "AUC",
        "logloss": "LogLoss",
        "gauc": "GAUC",
        "average_precision": "Average Precision",
        "calibration_error": "Calibration Error",
        "accuracy": "Accuracy",
        **{f"accuracy_{k}": f"Top-{k} Accuracy" for k in CLASS_CUTS},
        "precision": "Precision",
        "recall": "Recall",
        "f1": "F1",
        "mae": "MAE",
        "mse": "MSE",
        "rmse": "RMSE",
        "mape": "MAPE",
        "r2": "R2",
        **{f"ndcg_{k}": f"NDCG@{k}" for k in RANK_CUTS},
        **{f"recall_{k}": f"Recall@{k}" for k in RANK_CUTS},
        "map": "MAP",
        "mrr": "MRR",
        "inertia": "Inertia",
        "silhouette": "Silhouette",
        "davies_bouldin": "Davies-Bouldin",
        "explained_variance": "Explained Variance",
    }
)
"""Metrics by the name that options use, and as results show them: those of Flink's tasks as Flink does."""

LOWER_IS_BETTER = frozenset(
    ("logloss", "calibration_error", "mae", "mse", "rmse", "mape", "inertia", "davies_bouldin")
)
"""The metrics of :data:`TITLES` whose small values are the good ones."""

GROUPED = "gauc"
"""The metric of single labels that needs ``group_column``."""

_CLASSES = ("accuracy", "precision", "recall", "f1")
_DISTANCES = ("rmse", "mae", "mse")
_NUMBERS = (*_DISTANCES, "mape", "r2")
_NDCG = tuple(f"ndcg_{k}" for k in RANK_CUTS)
_RECALL = tuple(f"recall_{k}" for k in RANK_CUTS)

METRICS: Mapping[Objective, tuple[str, ...]] = MappingProxyType(
    {
        Objective.BINARY: (
            *("auc", "logloss", GROUPED, "average_precision", "calibration_error"),
            *(*_CLASSES, *_DISTANCES),
        ),
        Objective.MULTICLASS: ("logloss", *_CLASSES, "auc", *(f"accuracy_{k}" for k in CLASS_CUTS)),
        Objective.REGRESSION: _NUMBERS,
        Objective.RANKING: (*_NDCG, *_RECALL, "map", "mrr"),
        Objective.RETRIEVAL: (*_RECALL, *_NDCG, "mrr"),
        Objective.CLUSTERING: ("inertia", "silhouette", "davies_bouldin"),
        Objective.TRANSFORM: ("explained_variance",),
    }
)
"""All that can be measured of a model, by what it is trained for."""

DEFAULTS: Mapping[Objective, tuple[str, ...]] = MappingProxyType(
    {
        Objective.BINARY: ("auc", "logloss", *_CLASSES, "rmse"),
        Objective.MULTICLASS: ("logloss", *_CLASSES, "auc"),
        Objective.REGRESSION: _NUMBERS,
        Objective.RANKING: ("ndcg_5", "ndcg_10", "recall_10", "map", "mrr"),
        Objective.RETRIEVAL: ("recall_10", "recall_50", "recall_100", "ndcg_10", "mrr"),
        Objective.CLUSTERING: ("inertia", "silhouette", "davies_bouldin"),
        Objective.TRANSFORM: ("explained_variance",),
    }
)
"""What EVALUATE MODEL measures unless ``metrics`` says otherwise."""

PRIMARY: Mapping[Objective, str] = MappingProxyType(
    {
        Objective.BINARY: "auc",
        Objective.MULTICLASS: "logloss",
        Objective.REGRESSION: "rmse",
        Objective.RANKING: "ndcg_10",
        Objective.RETRIEVAL: "ndcg_100",
        Objective.CLUSTERING: "inertia",
        Objective.TRANSFORM: "explained_variance",
    }
)
"""The one metric that early stopping, budgets of export variants and feature importance go by.

Of retrieval it is NDCG@100 and not recall@100, which is 1 for any model of fewer than a hundred items.
"""


def higher_is_better(metric: str) -> bool:
    """Whether a larger value of a metric is a better one; ``auc.click`` is judged as ``auc``."""
    return metric.split(".", 1)[0] not in LOWER_IS_BETTER


def title(metric: str) -> str:
    """A metric as results show it: ``AUC``, and of one label of several ``AUC of click``."""
    name, _, label = metric.partition(".")
    shown = TITLES.get(name, name)
    return f"{shown} of {label}" if label else shown


def primary(objective: Objective) -> tuple[str, bool]:
    """Name of the metric that decides, and whether a larger value is better."""
    return PRIMARY[objective], higher_is_better(PRIMARY[objective])


def measurable(*objectives: Objective) -> tuple[str, ...]:
    """Names of all metrics of models of these objectives, in the order of :data:`TITLES`."""
    found = {name for objective in objectives for name in METRICS[objective]}
    return tuple(name for name in TITLES if name in found)


def measure_options(*objectives: Objective) -> tuple[Option, ...]:
    """Options of EVALUATE MODEL for a type whose models have one of ``objectives`` (none: BINARY).

    What to measure, a bound for each metric, and ``group_column`` and ``threshold`` where they mean
    something. A type of ranking models needs its groups in TRAIN too, so there ``group_column`` is an option
    of all three statements and the type does not declare it again.
    """
    kinds = objectives or (Objective.BINARY,)
    names = measurable(*kinds)
    return (
        Option(
            key="metrics",
            kind=OptionKind.STRING_LIST,
            scopes=EVALUATE,
            default=DEFAULTS[kinds[0]] if len(kinds) == 1 else None,
            choices=names,
            doc=_metrics_doc(kinds),
        ),
        *([_group_option(kinds)] if {Objective.BINARY, Objective.RANKING} & set(kinds) else []),
        *([THRESHOLD] if Objective.BINARY in kinds else []),
        *(_bound(side, name) for name in names for side in ("min", "max")),
    )


THRESHOLD = Option(
    key="threshold",
    kind=OptionKind.DOUBLE,
    scopes=EVALUATE,
    default=0.5,
    minimum=0,
    maximum=1,
    doc="Smallest score that accuracy, precision, recall and f1 take for label 1.",
)


def _metrics_doc(kinds: tuple[Objective, ...]) -> str:
    doc = "What to measure; a metric with a bound is measured too"
    if Objective.BINARY in kinds:
        doc += ", gauc when group_column is given"
    if len(kinds) > 1:
        doc += ". Unset: " + "; ".join(f"{', '.join(DEFAULTS[kind])} ({kind})" for kind in kinds)
    return f"{doc}."


def _group_option(kinds: tuple[Objective, ...]) -> Option:
    if Objective.RANKING not in kinds:
        doc = "Column whose values are the groups of gauc, such as the user."
        return Option(key="group_column", kind=OptionKind.STRING, scopes=EVALUATE, doc=doc)
    return Option(
        key="group_column",
        kind=OptionKind.STRING,
        scopes=EVALUATE | {Scope.MODEL, Scope.TRAIN},
        doc="Column whose values are the groups that rows are ranked within (objective ranking) and that "
        "gauc is measured in, such as the user; no feature.",
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


def told(metrics: Mapping[str, float], limit: int = 2) -> str:
    """The main metrics of a checkpoint in a few words: ``AUC 0.8223, LogLoss 0.4701``; empty without any.

    Those of an export are the ones of its full-precision file on the rows of EXPORT … ON, which the model may
    have been trained on, so they end with ``on its sample``.
    """
    names = dict.fromkeys((*PRIMARY.values(), "logloss", "mae", "accuracy", "gauc"))
    found = {name: metrics.get(name, metrics.get(f"fp32.{name}")) for name in names}
    known = [name for name, value in found.items() if value is not None][:limit]
    text = ", ".join(f"{title(name)} {found[name]:.4g}" for name in known)
    return text if not known or known[0] in metrics else f"{text} on its sample"


def wanted(options: Mapping[str, Parsed], objective: Objective | None = None) -> tuple[str, ...]:
    """Names of the metrics to compute, each once, in the order asked for.

    Without ``metrics`` those of the objective; before it is known, only those that the options name.
    Raises ``OptionError`` SR265 when groups are needed and ``group_column`` is not given, SR560 for a metric
    that models of the objective do not have.
    """
    asked = options.get("metrics") or (DEFAULTS[objective] if objective else ())
    names = [str(name) for name in (asked if isinstance(asked, tuple) else (asked,))]
    names += [bound.metric for bound in bounds(options)]
    if options.get("group_column") and objective in (None, Objective.BINARY):
        names.append(GROUPED)
    if objective is not None:
        _require_metrics(names, objective)
    needy = "ranking" if objective is Objective.RANKING else GROUPED if GROUPED in names else ""
    if needy and not options.get("group_column"):
        raise OptionError(
            "SR265", f"{needy} needs groups", hint="add the option group_column, such as 'user_id'"
        )
    return tuple(dict.fromkeys(names))


def _require_metrics(names: list[str], objective: Objective) -> None:
    foreign = [name for name in names if name not in METRICS[objective]]
    if foreign:
        raise OptionError(
            "SR560",
            f"{', '.join(dict.fromkeys(foreign))} is not measured of a {objective} model",
            hint=f"it has {', '.join(METRICS[objective])}",
        )


def require_bounds(options: Mapping[str, Parsed], measured: Mapping[str, float], what: str) -> None:
    """Raise ``PolicyError`` SR260 when a metric of ``what`` is beyond a bound; all broken ones are named."""
    broken = list(filter(None, (bound.broken(measured.get(bound.metric)) for bound in bounds(options))))
    if broken:
        raise PolicyError(
            "SR260",
            f"{what} does not pass: {'; '.join(broken)}",
            hint="train a better checkpoint, or change the bound",
        )
