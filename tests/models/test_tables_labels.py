"""Labels, weights and groups of training tables: what is accepted, and what is said of the rest."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.errors import DataError, SchemaError
from sqlrec.models.objective import Objective
from sqlrec.models.tables.labels import MAX_CLASSES, class_values, read_labels
from sqlrec.models.tables.rows import NO_GROUP, Groups, read_weights


def column(*blocks: list[Any]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(block) for block in blocks])


@pytest.mark.parametrize(
    ("objective", "values", "expected"),
    [
        (Objective.BINARY, [True, False], [1, 0]),
        (Objective.RETRIEVAL, [1.0, 0.0], [1, 0]),
        (Objective.REGRESSION, [1.5, -2e30], [1.5, -2e30]),
        (Objective.REGRESSION, [Decimal("1.5"), Decimal("-2")], [1.5, -2]),
        (Objective.REGRESSION, [True, False], [1, 0]),
        (Objective.RANKING, [0, 30], [0, 30]),
        (Objective.RANKING, [2.0, 1.0], [2, 1]),
    ],
)
def test_labels_by_objective(objective: Objective, values: list[Any], expected: list[float]) -> None:
    labels = read_labels(column(values), "y", "t", objective=objective)
    assert labels.dtype == np.float32
    assert labels.tolist() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("objective", "values", "words"),
    [
        (Objective.REGRESSION, [1.0, float("inf"), 1e39], "holds 1e+39, inf in 2 of 3 rows (row 12, 13)"),
        (Objective.REGRESSION, ["a"], "string values such as 'a'"),
        (Objective.RANKING, [1, -1, 31, 40], "holds -1, 31, 40 in 3 of 4 rows (row 12, 13, 14)"),
        (Objective.RANKING, [0.5], "holds 0.5"),
        (Objective.RANKING, [[1]], "list"),
        (Objective.MULTICLASS, ["a", "c"], "holds 'c' in 1 of 2 rows (row 12), which the training table"),
        (Objective.MULTICLASS, [0.5], "double values such as 0.5"),
    ],
)
def test_other_labels_are_refused(objective: Objective, values: list[Any], words: str) -> None:
    with pytest.raises(DataError) as caught:
        read_labels(column(values), "y", "t", objective=objective, classes=("a", "b"), before=10)
    assert caught.value.code == "SR454"
    assert words in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("objective", [Objective.BINARY, Objective.MULTICLASS, Objective.RANKING])
def test_a_label_must_be_there(objective: Objective) -> None:
    with pytest.raises(DataError, match=r"no value in 1 of 2 rows \(row 6\)") as caught:
        read_labels(pa.chunked_array([pa.array([None, 1])]), "y", "t", objective=objective, before=5)
    assert caught.value.code == "SR453"


def test_models_without_labels_read_none() -> None:
    with pytest.raises(ValueError, match="no labels"):
        read_labels(column([1]), "y", "t", objective=Objective.CLUSTERING)


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ([["b", "a"], ["c", "a"]], ("a", "b", "c")),
        ([[3, 1], [2]], (1, 2, 3)),
        ([[True], [False]], (False, True)),
        ([["b", None], [None, "a"]], ("a", "b")),
    ],
)
def test_classes_are_sorted_over_blocks(blocks: list[list[Any]], expected: tuple[Any, ...]) -> None:
    classes = class_values([column(block) for block in blocks], "y", "t")
    assert classes == expected
    whole = column(*[[v for v in block if v is not None] for block in blocks])
    codes = read_labels(whole, "y", "t", objective=Objective.MULTICLASS, classes=classes)
    assert [classes[int(code)] for code in codes] == whole.to_pylist()


def test_too_many_classes_are_a_number() -> None:
    with pytest.raises(DataError, match="distinct values") as caught:
        class_values([column(list(range(MAX_CLASSES + 1)))], "y", "t")
    assert caught.value.code == "SR540"
    assert len(class_values([column(list(range(MAX_CLASSES)))], "y", "t")) == MAX_CLASSES


@given(st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=30))
def test_codes_are_positions_among_the_classes(values: list[int]) -> None:
    classes = class_values([column(values)], "y", "t")
    codes = read_labels(column(values), "y", "t", objective=Objective.MULTICLASS, classes=classes)
    assert [classes[int(code)] for code in codes] == values


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1.0, 0.0, -1.0], "holds -1, 0 in 2 of 3 rows (row 2, 3)"),
        ([1.0, float("inf")], "holds inf"),
        ([1.0, 1e-60], "holds 1e-60"),
        ([1.0, None], "no value in 1 of 2 rows"),
        (["heavy"], "string values"),
    ],
)
def test_weights_are_above_zero(values: list[Any], words: str) -> None:
    with pytest.raises(DataError) as caught:
        read_weights(column(values), "w", "t")
    assert caught.value.code == "SR541"
    assert words in caught.value.message
    assert read_weights(column([1, 3]), "w", "t").tolist() == [1, 3]


def test_groups_are_numbered_across_blocks() -> None:
    groups = Groups()
    assert groups.codes(column(["b", "a", None, "b"]), "g").tolist() == [0, 1, NO_GROUP, 0]
    assert groups.codes(column(["c", "a"]), "g").tolist() == [2, 1]
    with pytest.raises(SchemaError, match="list") as caught:
        groups.codes(column([[1]]), "g")
    assert caught.value.code == "SR534"
