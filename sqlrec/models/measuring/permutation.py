"""Permutation importance: how much worse a model answers when one raw column belongs to other rows.

Breiman 2001 (Random Forests), of any model that scores tables: the column's values are shuffled among the
scored rows, and the drop of the metric that decides is the column's importance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sqlrec.models.controller import Progress
from sqlrec.models.measuring.measures import PRIMARY, TITLES, primary
from sqlrec.models.measuring.objectives import Outputs, report_of
from sqlrec.models.objective import Objective

Array = npt.NDArray[Any]

Order = npt.NDArray[np.int64]
Measure = Callable[[str, Order], float | None]
"""The metric when the values of a column come from the rows ``order``; None where it is undefined."""

SAMPLE_ROWS = 5000
REPEATS = 2
"""Shuffles of each column; the importance is their mean."""


def unit(objective: Objective) -> str:
    """What the importance is, for the axis of a picture."""
    change = "loss" if primary(objective)[1] else "growth"
    return f"{change} of {TITLES[PRIMARY[objective]]} when the column is shuffled"


def permutation_importance(
    score: Callable[[pa.Table], Outputs],
    table: pa.Table,
    labels: npt.ArrayLike,
    objective: Objective,
    *,
    columns: Sequence[str] = (),
    groups: Array | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, float]:
    """Drop of the primary metric for each of ``columns`` (all of ``table``), the largest first.

    At most :data:`SAMPLE_ROWS` random rows are scored; ``labels`` and ``groups`` are those of
    :func:`~sqlrec.models.measuring.objectives.report_of`. A positive number says that the metric gets worse
    without the column, whichever way the metric counts; one around 0, that the column is not needed. Empty
    when the metric is undefined on the rows.
    """
    truth = np.asarray(labels)
    if (drawn := sampled(table.num_rows, seed)) is not None:
        table, truth = table.take(drawn), truth[drawn]
        groups = None if groups is None else groups[drawn]

    def measure(name: str, order: Order) -> float | None:
        rows = _reordered(table, name, order) if name else table
        return report_of(objective, truth, score(rows), groups=groups).primary

    names = list(columns) or table.column_names
    found = drops(names, measure, table.num_rows, seed=seed, progress=progress)
    sign = 1.0 if primary(objective)[1] else -1.0
    return ordered({name: sign * drop for name, drop in found.items()})


def drops(
    names: Sequence[str], measure: Measure, rows: int, *, seed: int = 0, progress: Progress | None = None
) -> dict[str, float]:
    """How much lower ``measure`` is for each column when its values belong to other rows.

    It is asked with the name of a column and the rows that its values come from, and with no name for the
    rows as they are. Empty when it is undefined for these.
    """
    generator = np.random.default_rng(seed)
    whole = measure("", np.arange(rows))
    if whole is None:
        return {}
    found = {}
    for done, name in enumerate(names):
        if progress is not None:
            progress(f"importance of {name} ({done + 1} of {len(names)})")
        values = [measure(name, generator.permutation(rows)) for _ in range(REPEATS)]
        found[name] = float(np.mean([whole - value for value in values if value is not None]))
    return found


def sampled(rows: int, seed: int) -> Order | None:
    """The rows that are scored, ascending; None for all."""
    if rows <= SAMPLE_ROWS:
        return None
    return np.sort(np.random.default_rng(seed).choice(rows, SAMPLE_ROWS, replace=False))


def ordered(importance: Mapping[str, float]) -> dict[str, float]:
    """The largest first."""
    return dict(sorted(importance.items(), key=lambda item: (-item[1], item[0])))


def _reordered(table: pa.Table, name: str, order: Order) -> pa.Table:
    position = table.column_names.index(name)
    return table.set_column(
        position, table.schema.field(position), table.column(position).take(pa.array(order))
    )
