"""Rows as scikit-learn works on them fastest: indicators of categories are zeros for the most part."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from sqlrec.models.tabular.estimator import Floats

FILLED = 0.25
"""Matrices with a smaller share of entries that are not 0 are compressed (3 to 4 times faster at 0.06)."""


def compact(matrix: Floats, dtype: npt.DTypeLike) -> Any:
    """The matrix as it is, or compressed by rows, with entries of ``dtype``."""
    is_filled = np.count_nonzero(matrix) >= FILLED * matrix.size
    return (matrix if is_filled else csr_matrix(matrix)).astype(dtype, copy=False)
