"""A short soak; `make soak` is a long one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlrec.spec.service import ServiceSpec
from tests.serving.soaking import MARGIN, soak


def test_the_server_stays_as_large_as_it_was(
    add_folder: Path, make_spec: Callable[..., ServiceSpec], tmp_path: Path
) -> None:
    soaked = soak(make_spec(add_folder), tmp_path, seconds=8.0)
    assert soaked.wrong == []
    assert set(soaked.statuses) <= {"broken off", "200", "400", "404", "422", "429"}
    assert soaked.statuses["200"] > 0
    assert soaked.updates >= 2
    assert soaked.growth < MARGIN
    assert soaked.after.files <= soaked.idle.files
    assert soaked.after.threads <= soaked.warm.threads
