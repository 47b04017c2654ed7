"""Rows on disk: what is written is read, nothing is left, and a full disk is said."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from sqlrec.errors import SetupError
from sqlrec.models.deep.rows import Rows
from sqlrec.models.deep.spool import Spool, having_room, row_bytes, shapes_of


def some_rows(count: int) -> Rows:
    return Rows(
        ids=torch.arange(3 * count).view(count, 3).int(),
        bags=(torch.arange(2 * count).view(count, 2).int(),),
        dense=torch.empty(count, 0),
        labels=torch.rand(count, 1),
        histories=(torch.arange(4 * count).view(count, 2, 2).int(),),
    )


def same(left: Rows, right: Rows) -> bool:
    pairs = zip(left.tensors.items(), right.tensors.items(), strict=True)
    return all(a == b and torch.equal(x, y) and x.dtype is y.dtype for (a, x), (b, y) in pairs)


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_rows_are_read_as_they_were_written_after_their_files_have_gone(temporary: Path) -> None:
    rows = some_rows(50)
    spool = Spool.make(shapes_of(rows), 50)
    for start in (30, 0):
        spool.write(start, rows.slice(start, start + 30))
    other = Spool.open(spool.folder, spool.shapes, 50)
    assert len(list(spool.folder.iterdir())) == 5
    spool.unlink()
    assert list(temporary.iterdir()) == []
    for opened in (spool, other):
        opened.expect([(0, 50)])
        assert same(opened.read([(40, 45), (0, 50)]), rows.take(torch.tensor([*range(40, 45), *range(50)])))
    assert row_bytes(spool.shapes) == 4 * (3 + 2 + 0 + 1 + 4)


def test_files_are_closed_and_removed_with_the_spool(temporary: Path) -> None:
    spool = Spool.make(shapes_of(some_rows(1)), 1)
    file = spool.files["ids"]
    os.fstat(file)
    del spool
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(file)
    assert list(temporary.iterdir()) == []


def test_rows_that_are_cut_off_are_an_error_not_a_hang() -> None:
    spool = Spool.make(shapes_of(some_rows(9)), 9)
    spool.write(0, some_rows(5))
    with pytest.raises(EOFError):
        spool.read([(0, 9)])


def test_too_many_rows_for_the_disk_are_refused_at_once(temporary: Path) -> None:
    with pytest.raises(SetupError, match="no room") as caught:
        Spool.make(shapes_of(some_rows(1)), 1 << 50)
    assert caught.value.code == "SR570"
    assert "TMPDIR" in caught.value.hint
    assert list(temporary.iterdir()) == []


def test_a_disk_that_fills_up_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SetupError) as caught, having_room(tmp_path), open("/dev/full", "wb", 0) as full:
        full.write(b"x")
    assert caught.value.code == "SR570"
    assert "No space left" in caught.value.message
    with pytest.raises(PermissionError), having_room(tmp_path):
        raise PermissionError(13, "denied")
