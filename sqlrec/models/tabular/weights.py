"""What a training row weighs: its own weight times that of its class."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from sqlrec.models.objective import Objective
from sqlrec.spec.options import Parsed

Floats = npt.NDArray[np.float32]


def row_weights(
    labels: Floats, weights: Floats | None, objective: Objective, options: Mapping[str, Parsed]
) -> Floats | None:
    """Weights float32 ``[rows]``; None when all rows weigh the same.

    ``class_weights = 'balanced'`` lets all classes weigh the same together, and as much in sum as before;
    ``positive_weight`` multiplies the rows with label 1 of two classes.
    """
    if objective not in (Objective.BINARY, Objective.MULTICLASS):
        return weights
    codes = labels.astype(np.int64)
    factors = np.ones(int(codes.max()) + 1)
    if options.get("class_weights") == "balanced":
        totals = np.bincount(codes, weights)
        present = totals > 0
        factors[present] = totals.sum() / (present.sum() * totals[present])
    if objective is Objective.BINARY and options.get("positive_weight"):
        factors[1:] *= float(str(options["positive_weight"]))
    if np.all(factors == 1):
        return weights
    product: Floats = (factors[codes] * (1 if weights is None else weights)).astype(np.float32)
    return product
