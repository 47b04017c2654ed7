"""What is put in its place is scored as it is elsewhere, to the bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.artifacts.folder import read_signature
from sqlrec.serving.frame import Array
from sqlrec.serving.json_scan import scanner_of
from sqlrec.serving.places import MOST_ROWS, Place
from sqlrec.serving.session import Session
from sqlrec.spec.service import ServiceSpec

MakeSpec = Callable[..., ServiceSpec]


@pytest.fixture(scope="module")
def session(numbers_folder: Path, make_spec: MakeSpec) -> Session:
    return Session(make_spec(numbers_folder).own, read_signature(numbers_folder), 1)


reals = st.floats(width=32, allow_infinity=False)
rows = st.lists(
    st.tuples(reals, st.integers(-(2**62), 2**62), reals, st.integers(0, 1)), min_size=1, max_size=70
)


def same_bytes(ones: list[Array], others: list[Array]) -> bool:
    return [(one.dtype, one.tobytes()) for one in ones] == [(o.dtype, o.tobytes()) for o in others]


@given(rows)
def test_a_place_changes_no_score(session: Session, values: list[tuple[float, int, float, int]]) -> None:
    x, n, y, flag = zip(*values, strict=True)
    integers, floats = np.array([n, flag], np.int64), np.array([x, y], np.float32)
    tensors: dict[str, Array] = {"x": floats[0], "n": integers[0], "y": floats[1], "flag": integers[1]}
    place = session.place(len(values))
    assert (place is None) == (len(values) > MOST_ROWS)
    if place is None:
        return
    place.integers[:], place.reals[:] = integers, floats
    assert same_bytes([place[name] for name in tensors], list(tensors.values()))
    assert same_bytes(session.run(place, len(values)), session.run(tensors, len(values)))


def test_outputs_outlast_the_next_batch(session: Session) -> None:
    place = session.place(2)
    assert place is not None
    assert session.place(2) is place
    place.integers[:] = [[1, 2], [0, 1]]
    place.reals[:] = np.array([[3, 4], [0.5, 0.25]])
    score, total = session.run(place, 2)
    place.integers[:], place.reals[:] = 9, 9
    session.run(place, 2)
    assert (score.tolist(), total.tolist()) == ([2.5, 7.75], [1, 3])


def test_the_scanner_writes_where_the_model_reads(session: Session, numbers_folder: Path) -> None:
    scanner = scanner_of(read_signature(numbers_folder).inputs, missing_as_null=False, max_rows=9)
    if scanner is None:
        pytest.skip("the scanner was not compiled, or is switched off")
    bodies = [
        b'{"x":[1.5,2],"n":[3],"flag":[true,false],"y":[0.5]}',
        b'{"x":[4],"n":[-5],"flag":[1],"y":[null]}',
    ]
    blocks = [block for block in map(scanner.scan, bodies) if block]
    plain, placed = scanner.join(blocks, 3, None), scanner.join(blocks, 3, session.place(3))
    assert type(placed.tensors) is Place
    assert (placed.rows, placed.nulls, placed.unknown) == (plain.rows, plain.nulls, plain.unknown)
    score, total = session.run(placed.tensors, 3)
    assert same_bytes([score, total], session.run(plain.tensors, 3))
    assert (score[:2].tolist(), total.tolist()) == ([4.0, 5.5], [4, 3, -4])


def test_text_and_lists_have_no_place(mixed_folder: Path, make_spec: MakeSpec) -> None:
    session = Session(make_spec(mixed_folder).own, read_signature(mixed_folder), 1)
    assert session.place(1) is None
