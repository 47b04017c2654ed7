"""Quantities are numbers with the units that Kubernetes has."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.spec.quantity import quantity
from tests.manifests import amount


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", "1"),
        ("0.5", "0.5"),
        ("500m", "0.5"),
        ("2k", "2000"),
        ("1Ki", "1024"),
        ("2Gi", "2147483648"),
        ("1.5G", "1500000000"),
        ("1P", "1000000000000000"),
        ("3Ei", "3458764513820540928"),
    ],
)
def test_a_quantity_is_a_number(text: str, number: str) -> None:
    assert quantity(text) == Decimal(number)


@pytest.mark.parametrize(
    "text", ["", "Gi", "2GB", "2 Gi", "2gi", "2K", "-1", "1e3", "½", "1.", ".5", "1.5.5", "nan"]
)
def test_other_texts_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="no quantity"):
        quantity(text)


@given(
    st.integers(0, 10**6), st.integers(0, 999), st.sampled_from(["", "m", "k", "M", "Gi", "T", "Ki", "Pi"])
)
def test_whole_and_fraction(whole: int, fraction: int, unit: str) -> None:
    text = f"{whole}.{fraction:03}{unit}"
    assert float(quantity(text)) == pytest.approx(amount(text))


@given(st.text(max_size=8))
def test_any_text_is_a_quantity_or_an_error(text: str) -> None:
    try:
        assert quantity(text) >= 0
    except ValueError:
        assert amount(text) is None or not text.isascii()
