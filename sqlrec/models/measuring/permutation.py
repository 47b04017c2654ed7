"""Permutation importance: how much worse a model answers when one raw column belongs to other rows.

Breiman 2001 (Random Forests), of any model that scores tables: the column's values are shuffled among the
scored rows, and the drop of the metric that decides is the column's importance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sqlrec.models.controller import Progress
from sqlrec.models.measuring.measures import PRIMARY, TITLES, primary
from sqlrec.models.measuring.objectives import Outputs, report_of
from sqlrec.models.objective import Objective

Array = npt.NDArray[Any]

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
    generator = np.random.default_rng(seed)
    truth = np.asarray(labels)
    if table.num_rows > SAMPLE_ROWS:
        drawn = np.sort(generator.choice(table.num_rows, SAMPLE_ROWS, replace=False))
        table, truth = table.take(drawn), truth[drawn]
        groups = None if groups is None else groups[drawn]

    def measure(rows: pa.Table) -> float | None:
        return report_of(objective, truth, score(rows), groups=groups).primary

    whole, sign = measure(table), 1.0 if primary(objective)[1] else -1.0
    if whole is None:
        return {}
    drops = {}
    names = list(columns) or table.column_names
    for done, name in enumerate(names):
        if progress is not None:
            progress(f"importance of {name} ({done + 1} of {len(names)})")
        position = table.column_names.index(name)
        found = [measure(_shuffled(table, position, generator)) for _ in range(REPEATS)]
        drops[name] = sign * float(np.mean([whole - value for value in found if value is not None]))
    return dict(sorted(drops.items(), key=lambda item: (-item[1], item[0])))


def _shuffled(table: pa.Table, position: int, generator: np.random.Generator) -> pa.Table:
    values = table.column(position).take(pa.array(generator.permutation(table.num_rows)))
    return table.set_column(position, table.schema.field(position), values)
