from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.serving.frame import Frame, join

MISSING = {"a": 0, "tags": -1}
cells = st.lists(st.integers(-9, 9), max_size=4)
tables = st.lists(st.tuples(st.integers(-9, 9), cells), max_size=4)


def frame(rows: list[tuple[int, list[int]]]) -> Frame:
    width = max([1, *(len(tags) for _, tags in rows)])
    tags = np.full((len(rows), width), -1)
    for place, (_, values) in enumerate(rows):
        tags[place, : len(values)] = values
    a = np.array([a for a, _ in rows], dtype=np.int64)
    zeros = int((a == 0).sum())
    return Frame({"a": a, "tags": tags}, len(rows), {"a": zeros} if zeros else {}, len(rows))


@given(st.lists(tables, min_size=1, max_size=5))
def test_joined_frames_hold_all_rows_in_order(parts: list[list[tuple[int, list[int]]]]) -> None:
    together = join([frame(rows) for rows in parts], MISSING)
    rows = [row for part in parts for row in part]
    assert (together.rows, together.unknown) == (len(rows), len(rows))
    assert together.nulls.get("a", 0) == sum(a == 0 for a, _ in rows)
    assert together.tensors["a"].tolist() == [a for a, _ in rows]
    found = [[tag for tag in tags if tag != -1] for tags in together.tensors["tags"].tolist()]
    assert found == [[tag for tag in tags if tag != -1] for _, tags in rows]
