"""The MovieLens example on a slice of the real data, where that data is at hand; its preparation always."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.e2e.whole_project import Project, started_before

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "movielens"
DATA = Path(os.environ.get("MOVIELENS_1M", ROOT.parent / "shared" / "data" / "ml-1m"))
USERS = 300


@pytest.fixture
def movielens(tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path / "movielens")
    shutil.copytree(EXAMPLE, project.folder)
    try:
        yield started_before(project)
    finally:
        project.kill_all()


@pytest.mark.skipif(not (DATA / "ctr.parquet").is_file(), reason="MovieLens-1M is not there: MOVIELENS_1M")
def test_the_example_on_a_slice(movielens: Project) -> None:
    (movielens.folder / "data").mkdir()
    rows = pq.read_table(DATA / "ctr.parquet", filters=[("user_id", "<=", USERS)])
    pq.write_table(rows, movielens.folder / "data" / "ctr.parquet")
    report = movielens.json("run", movielens.folder / "rank.sql")
    outcome = {task["id"]: task["outcome"] for task in report["tasks"]}
    assert outcome["train_movie_rank"]["metrics"]["auc"] > 0.8
    assert outcome["score_scored"]["rows"] == outcome["cache_candidates"]["rows"] > 0


def test_preparation_gives_every_rating_a_movie_the_user_did_not_rate(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "ml-1m.zip", "w") as archive:
        archive.writestr("ml-1m/users.dat", "1::F::1::10::48067\n2::M::56::16::70072\n")
        movies = "".join(f"{i}::Movie {i} ({1990 + i})::Drama|War\n" for i in range(1, 9))
        archive.writestr("ml-1m/movies.dat", movies)
        ratings = [(1, 1), (1, 2), (1, 3), (2, 4), (2, 5), (2, 6), (2, 7), (1, 8)]
        archive.writestr("ml-1m/ratings.dat", "".join(f"{u}::{i}::5::978300760\n" for u, i in ratings))
    out = tmp_path / "data" / "ctr.parquet"
    subprocess.run([sys.executable, EXAMPLE / "prepare.py", tmp_path / "ml-1m.zip", out], check=True)
    rows = pq.read_table(out).to_pylist()
    clicked = {(r["user_id"], r["item_id"]) for r in rows if r["label"] == 1}
    assert clicked == set(ratings)
    assert not clicked & {(r["user_id"], r["item_id"]) for r in rows if r["label"] == 0}
    assert len(rows) == 2 * len(ratings)
    assert {r["zip3"] for r in rows} == {"480", "700"}
    assert all(r["release_year"] == 1990 + r["item_id"] and r["genre"] == "Drama" for r in rows)
