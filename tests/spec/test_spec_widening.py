"""Which types widen into which."""

from __future__ import annotations

import pytest

from sqlrec.spec.schema import DataType
from sqlrec.spec.widening import decimal_size, widens


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("TINYINT", "BIGINT", True),
        ("BIGINT", "INT", False),
        ("INT", "DOUBLE", True),
        ("FLOAT", "DOUBLE", True),
        ("DOUBLE", "FLOAT", False),
        ("DECIMAL(4, 1)", "FLOAT", True),
        ("DECIMAL(4, 1)", "DECIMAL(5, 2)", True),
        ("DECIMAL(4, 1)", "DECIMAL(4, 2)", False),
        ("INT", "STRING", False),
        ("STRING", "INT", False),
        ("BOOLEAN", "INT", False),
        ("DATE", "TIMESTAMP", True),
        ("TIMESTAMP", "DATE", False),
        ("ARRAY<INT>", "ARRAY<BIGINT>", True),
        ("ARRAY<BIGINT>", "ARRAY<INT>", False),
        ("MAP<STRING, INT>", "MAP<STRING, DOUBLE>", True),
        ("ROW<a INT>", "ROW<a BIGINT>", True),
        ("ROW<a INT>", "ROW<b INT>", False),
        ("ROW<a INT>", "ROW<a INT, b INT>", False),
        ("ARRAY<INT>", "INT", False),
    ],
)
def test_widening(source: str, target: str, expected: bool) -> None:
    assert widens(DataType.parse(source), DataType.parse(target)) is expected


@pytest.mark.parametrize(
    ("text", "size"), [("DECIMAL", (10, 0)), ("DECIMAL(4)", (4, 0)), ("DECIMAL(4, 1)", (4, 1))]
)
def test_size_of_a_decimal(text: str, size: tuple[int, int]) -> None:
    assert decimal_size(DataType.parse(text)) == size
