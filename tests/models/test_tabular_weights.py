"""What a training row weighs."""

from __future__ import annotations

import numpy as np
import pytest

from sqlrec.models.objective import Objective
from sqlrec.models.tabular.weights import row_weights
from sqlrec.spec.options import Parsed

LABELS = np.array([0, 0, 0, 1], np.float32)
OWN = np.array([1, 1, 2, 4], np.float32)


@pytest.mark.parametrize(
    ("weights", "options", "expected"),
    [
        (None, {}, None),
        (OWN, {}, [1, 1, 2, 4]),
        (None, {"class_weights": "none", "positive_weight": None}, None),
        (None, {"positive_weight": 3.0}, [1, 1, 1, 3]),
        (OWN, {"positive_weight": 3.0}, [1, 1, 2, 12]),
        (None, {"class_weights": "balanced"}, [2 / 3, 2 / 3, 2 / 3, 2]),
        (None, {"class_weights": "balanced", "positive_weight": 2.0}, [2 / 3, 2 / 3, 2 / 3, 4]),
        (OWN, {"class_weights": "balanced"}, [1, 1, 2, 4]),
    ],
)
def test_weights_of_two_classes(
    weights: np.ndarray | None, options: dict[str, Parsed], expected: list[float] | None
) -> None:
    found = row_weights(LABELS, weights, Objective.BINARY, options)
    assert (None if found is None else found.tolist()) == pytest.approx(expected)


def test_balanced_classes_weigh_the_same_and_numbers_have_no_class() -> None:
    labels = np.array([0, 0, 2, 2, 2, 2], np.float32)
    found = row_weights(labels, None, Objective.MULTICLASS, {"class_weights": "balanced"})
    assert found is not None
    assert found[labels == 0].sum() == pytest.approx(found[labels == 2].sum()) == 3
    assert row_weights(labels, None, Objective.REGRESSION, {"class_weights": "balanced"}) is None
