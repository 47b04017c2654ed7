"""Values as people read them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sqlrec.execution.display import shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "NULL"),
        (True, "true"),
        (0.123456789, "0.123457"),
        (3, "3"),
        ("a b", "a b"),
        (Decimal("1.50"), "1.50"),
        ([1.0, None], "[1, NULL]"),
        ([], "[]"),
        ({"a": 1, "b": [True]}, "{a=1, b=[true]}"),
        ([("auc", 0.5), ("n", 2.0)], "{auc=0.5, n=2}"),
        ([[1, 2], [3, 4]], "[[1, 2], [3, 4]]"),
    ],
)
def test_values(value: object, text: str) -> None:
    assert shown(value) == text
