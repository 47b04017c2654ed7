"""Shares of requests, and how many pods come nearest to them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.errors import OptionError
from sqlrec.spec.canary import canary_share, pods_of_canary, without_canary


@pytest.mark.parametrize(
    ("text", "share"), [("10%", 0.1), ("0.1", 0.1), (" 12.5 % ", 0.125), ("90%", 0.9), (".5", 0.5)]
)
def test_a_share_is_read(text: str, share: float) -> None:
    assert canary_share({"canary": text, "replicas": 2}) == pytest.approx(share)


@pytest.mark.parametrize("text", ["10", "0", "0.5%", "91%", "a tenth", "", "1e-1", "10%%"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="SR270"):
        canary_share({"canary": text})


def test_no_option_is_no_canary() -> None:
    assert canary_share({"replicas": 2}) is None
    assert without_canary({"canary": "10%", "replicas": 2}) == {"replicas": 2}


@pytest.mark.parametrize(
    ("share", "stable", "pods"),
    [(0.1, 3, 1), (0.1, 9, 1), (0.1, 18, 2), (0.5, 3, 3), (0.9, 1, 9), (0.01, 1, 1)],
)
def test_pods_of_a_share(share: float, stable: int, pods: int) -> None:
    assert pods_of_canary(share, stable) == pods


@given(share=st.floats(0.01, 0.9), stable=st.integers(1, 200))
def test_no_other_number_of_pods_is_nearer(share: float, stable: int) -> None:
    pods = pods_of_canary(share, stable)
    assert pods >= 1
    error = abs(pods / (pods + stable) - share)
    assert all(error <= abs(n / (n + stable) - share) + 1e-12 for n in range(1, 10 * stable + 10))
