"""Places as editors count them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.assist.positions import Lines

TEXT = "aé🙂b\r\nzwei\rdrei\n"


@pytest.mark.parametrize(
    ("encoding", "columns"), [("utf-16", (1, 2, 4, 5)), ("utf-32", (1, 2, 3, 4)), ("utf-8", (1, 3, 7, 8))]
)
def test_columns_in_the_units_of_an_encoding(encoding: str, columns: tuple[int, ...]) -> None:
    lines = Lines(TEXT, encoding)
    assert [lines.position(offset) for offset in range(1, 5)] == [(0, column) for column in columns]
    assert [lines.offset(0, column) for column in columns] == [1, 2, 3, 4]


def test_lines_end_as_editors_end_them() -> None:
    lines = Lines(TEXT)
    assert [lines.position(TEXT.index(word)) for word in ("zwei", "drei")] == [(1, 0), (2, 0)]
    assert lines.position(len(TEXT)) == (3, 0)
    assert Lines("a\u2028b\x0cc").position(4) == (0, 4)


def test_places_that_are_not_there() -> None:
    lines = Lines(TEXT)
    assert lines.position(1000) == (3, 0)
    assert lines.offset(0, 99) == TEXT.index("\r")
    assert lines.offset(1, 99) == TEXT.index("\rdrei")
    assert lines.offset(9, 0) == len(TEXT)


@given(text=st.text(st.characters(codec="utf-8"), max_size=20), data=st.data())
def test_a_place_comes_back(text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    encoding = data.draw(st.sampled_from(["utf-8", "utf-16", "utf-32"]))
    lines = Lines(text, encoding)
    back = lines.offset(*lines.position(offset))
    assert back == offset or (text[back:offset] == "\r" and text[offset : offset + 1] == "\n")
