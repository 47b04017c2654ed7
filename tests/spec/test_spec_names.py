from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.spec.names import ModelName, export_name, is_checkpoint_name, is_name, slug


@pytest.mark.parametrize(
    ("parts", "full", "shown"),
    [
        (("m",), "sqlrec.default.m", "m"),
        (("d", "m"), "sqlrec.d.m", "sqlrec.d.m"),
        (("c", "d", "m"), "c.d.m", "c.d.m"),
    ],
)
def test_missing_parts_take_the_defaults(parts: tuple[str, ...], full: str, shown: str) -> None:
    name = ModelName.of(*parts)
    assert (name.full, str(name)) == (full, shown)
    assert ModelName.parse(full) == name


@pytest.mark.parametrize("parts", [(), ("a", "b", "c", "d"), ("",), ("a", ""), ("a.b",)])
def test_a_name_has_one_to_three_plain_parts(parts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="one to three parts"):
        ModelName.of(*parts)


def test_names_compare_without_case_and_keep_their_spelling() -> None:
    upper, lower = ModelName.of("Rank"), ModelName.of("rank")
    assert upper == lower
    assert len({upper, lower}) == 1
    assert str(upper) == "Rank"
    assert upper != "Rank"
    assert sorted([ModelName.of("b"), ModelName.of("A")]) == [ModelName.of("a"), ModelName.of("b")]


def test_export_names_end_in_export_or_in_its_part() -> None:
    assert export_name("v1") == "v1_export"
    assert export_name("v1", "user") == "v1_export/user"


@pytest.mark.parametrize(("text", "holds"), [("rank-2", True), ("größe", True), ("a b", False), ("", False)])
def test_plain_names(text: str, holds: bool) -> None:
    assert is_name(text) is holds


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("v1.0", True),
        ("v1_export/user", True),
        ("20260101", True),
        ("..", False),
        ("a/../b", False),
        ("/v1", False),
        ("v 1", False),
        ("", False),
    ],
)
def test_checkpoint_names_cannot_leave_their_folder(text: str, holds: bool) -> None:
    assert is_checkpoint_name(text) is holds


@given(st.text(max_size=200), st.integers(min_value=12, max_value=80))
def test_a_slug_is_a_host_label(text: str, limit: int) -> None:
    made = slug(text, limit)
    assert len(made) <= limit
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", made)


@given(st.text(max_size=30), st.text(max_size=30))
def test_two_texts_never_share_a_slug(one: str, other: str) -> None:
    assert (slug(one) == slug(other)) == (one == other)


def test_a_plain_text_is_its_own_slug() -> None:
    assert slug("rank-v1") == "rank-v1"
    assert slug("a-b") != slug("a_b")
    assert slug("x" * 64) != slug("x" * 65)
