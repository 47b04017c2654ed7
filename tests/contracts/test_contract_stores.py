"""Results in any store appear whole or not at all, the first writer wins, and copies are what was written."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sqlrec.artifacts import store
from sqlrec.artifacts.cache import local_copy
from sqlrec.artifacts.failure import clear_failure, read_failure, write_failure
from sqlrec.artifacts.folder import (
    RESULT,
    files_of,
    is_complete,
    publish,
    read_profile,
    read_result,
    read_signature,
    staging,
    sweep,
)
from sqlrec.errors import DataError, StateError
from sqlrec.spec.job import JobResult
from sqlrec.spec.profile import Profile


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an output is to be, with neighbours whose names begin alike."""
    root = str(tmp_path / "store") if request.param == "local" else request.getfixturevalue("bucket")
    return f"{root}/runs/train"


def filled(tmp_path: Path, text: str) -> Path:
    folder = staging(tmp_path / "work" / "output")
    (folder / "plots").mkdir()
    (folder / "weights.bin").write_text(text)
    (folder / "plots" / "roc.png").write_text("png")
    return folder


def published(tmp_path: Path, place: str, text: str = "one") -> JobResult:
    if store.is_local(place):
        Path(place).parent.mkdir(parents=True, exist_ok=True)
    return publish(filled(tmp_path, text), place, JobResult(rows=3))


def test_a_result_is_read_where_it_was_published(tmp_path: Path, place: str) -> None:
    assert not is_complete(place)
    result = published(tmp_path, place)
    assert is_complete(place)
    assert read_result(place) == result
    assert read_result(files_of(place)) == result
    assert set(store.files(files_of(place))) == {"weights.bin", "plots/roc.png", RESULT}
    assert store.read(store.join(files_of(place), "weights.bin")) == b"one"
    assert list((tmp_path / "work").iterdir()) == [], "nothing is left of the staging"


def test_what_is_not_there_is_an_error_that_names_the_place(tmp_path: Path, place: str) -> None:
    with pytest.raises(StateError, match=rf"SR501.*{place}"):
        read_result(place)
    with pytest.raises(StateError, match=rf"SR502.*{place}"):
        read_signature(place)
    assert read_profile(place) == Profile()
    with pytest.raises(FileNotFoundError):
        store.read(place)
    assert store.files(place) == {}
    store.remove(place)


def test_a_second_result_changes_nothing(tmp_path: Path, place: str) -> None:
    first = published(tmp_path, place)
    before = store.files(place)
    assert published(tmp_path, place, "two") == first
    assert store.files(place) == before


def test_of_several_that_publish_at_once_all_end_with_the_same(tmp_path: Path, place: str) -> None:
    Path(place).parent.mkdir(parents=True, exist_ok=True) if store.is_local(place) else None
    texts = ["a", "b", "c", "d"]
    with ThreadPoolExecutor(len(texts)) as pool:
        results = list(pool.map(lambda text: published(tmp_path / text, place, text), texts))
    assert len({result.files["weights.bin"] for result in results}) == 1
    copy = local_copy(files_of(place), root=tmp_path / "cache")
    won = results[0].files["weights.bin"]
    assert store.sha256((copy / "weights.bin").read_bytes()) == won
    assert len(store.files(place)) == (3 if store.is_local(place) else 4), "nothing is left of the others"


def test_a_publication_cut_short_does_not_count_and_is_swept(tmp_path: Path, bucket: str) -> None:
    place = f"{bucket}/runs/train"
    folder = filled(tmp_path, "one")
    store.upload(folder, ["weights.bin"], store.join(place, "0" * 64))
    store.upload(folder, ["weights.bin"], f"{place}-beside")
    assert not is_complete(place)
    with pytest.raises(StateError, match="SR501"):
        local_copy(place)
    result = publish(folder, place, JobResult())
    assert read_result(place) == result
    assert len(store.files(place)) == 4, "the files, their result, and the marker"
    sweep(place)
    assert read_result(place) == result
    assert set(store.files(f"{place}-beside")) == {"weights.bin"}


def test_a_swept_place_that_was_never_complete_is_empty(tmp_path: Path, bucket: str) -> None:
    store.upload(filled(tmp_path, "one"), ["weights.bin"], f"{bucket}/out/{'0' * 64}")
    sweep(f"{bucket}/out")
    assert store.files(f"{bucket}/out") == {}


def test_a_killed_publisher_leaves_nothing_that_counts(tmp_path: Path, bucket: str, s3_server: str) -> None:
    place = f"{bucket}/out"
    program = f"""
import os, signal
from pathlib import Path
from sqlrec.artifacts import store
from sqlrec.artifacts.folder import publish
from sqlrec.spec.job import JobResult

store.create = lambda place, content: os.kill(os.getpid(), signal.SIGKILL)
publish(Path({str(filled(tmp_path, "one"))!r}), {place!r}, JobResult())
"""
    done = subprocess.run([sys.executable, "-c", program], env=dict(os.environ), check=False)
    assert done.returncode == -9
    assert len(store.files(place)) == 3
    assert not is_complete(place)
    again = published(tmp_path, place, "two")
    assert read_result(place) == again
    assert len(store.files(place)) == 4


def test_the_reason_of_a_failure_lies_beside_the_output(tmp_path: Path, place: str) -> None:
    if store.is_local(place):
        Path(place).parent.mkdir(parents=True)
    assert read_failure(place) == {}
    write_failure(place, code="SR451", message="keine Zeilen: 0 €", hint="")
    assert read_failure(place) == {"code": "SR451", "message": "keine Zeilen: 0 €", "hint": ""}
    assert not is_complete(place)
    clear_failure(place)
    clear_failure(place)
    assert read_failure(place) == {}


def test_a_copy_is_made_once_and_shared(tmp_path: Path, bucket: str) -> None:
    place, root = f"{bucket}/out", tmp_path / "cache"
    published(tmp_path, place)
    files = files_of(place)
    copy = local_copy(files, root=root)
    assert (copy / "plots" / "roc.png").read_text() == "png"
    inode = (copy / "weights.bin").stat().st_ino
    store.remove(store.join(files, "weights.bin"))
    assert local_copy(files, root=root) == copy
    program = "from sqlrec.artifacts.cache import local_copy; from pathlib import Path\n"
    program += f"print(local_copy({files!r}, root=Path({str(root)!r})))"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert Path(told.stdout.strip()) == copy
    assert (copy / "weights.bin").stat().st_ino == inode


def test_a_local_folder_is_its_own_copy(tmp_path: Path) -> None:
    assert local_copy(str(tmp_path)) == tmp_path
    assert local_copy(f"file://{tmp_path}/a%20b") == tmp_path / "a b"


def test_a_file_that_is_not_what_the_result_names_is_refused(tmp_path: Path, bucket: str) -> None:
    place, root = f"{bucket}/out", tmp_path / "cache"
    published(tmp_path, place)
    store.write(store.join(files_of(place), "weights.bin"), b"changed")
    with pytest.raises(DataError, match=r"SR754.*weights\.bin"):
        local_copy(files_of(place), root=root)
    store.remove(store.join(files_of(place), "weights.bin"))
    with pytest.raises(DataError, match=r"SR754.*gone"):
        local_copy(files_of(place), root=root)
    assert [path for path in root.iterdir() if path.is_dir()] == []


def test_a_damaged_copy_is_fetched_again(tmp_path: Path, bucket: str) -> None:
    place, root = f"{bucket}/out", tmp_path / "cache"
    published(tmp_path, place)
    program = "from sqlrec.artifacts.cache import local_copy; from pathlib import Path\n"
    program += f"print(local_copy({files_of(place)!r}, root=Path({str(root)!r})))"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    copy = Path(told.stdout.strip())
    (copy / "weights.bin").write_text("damaged")
    assert (local_copy(files_of(place), root=root) / "weights.bin").read_text() == "one"


def test_copies_that_nobody_uses_make_room(tmp_path: Path, bucket: str) -> None:
    root = tmp_path / "cache"
    copies = []
    for name in ("a", "b", "c"):
        published(tmp_path, f"{bucket}/{name}", name)
        copies.append(local_copy(files_of(f"{bucket}/{name}"), root=root))
        os.utime(copies[-1], (len(copies), len(copies)))
    last = local_copy(files_of(f"{bucket}/a"), root=root, limit=1)
    assert last == copies[0]
    assert [copy.is_dir() for copy in copies] == [True, False, False]


def test_a_copy_in_use_by_another_process_stays(tmp_path: Path, bucket: str) -> None:
    root = tmp_path / "cache"
    for name in ("a", "b"):
        published(tmp_path, f"{bucket}/{name}", name)
    program = f"""
import sys
from pathlib import Path
from sqlrec.artifacts.cache import local_copy
print(local_copy({files_of(f"{bucket}/a")!r}, root=Path({str(root)!r})), flush=True)
sys.stdin.read()
"""
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", program], text=True, **pipes) as other:
        assert other.stdout is not None
        used = Path(other.stdout.readline().strip())
        local_copy(files_of(f"{bucket}/b"), root=root, limit=1)
        assert used.is_dir()
        other.communicate("")
    local_copy(files_of(f"{bucket}/b"), root=root, limit=1)
    assert not used.exists()


def test_a_result_with_other_numbers_is_another_result(tmp_path: Path, bucket: str) -> None:
    first = publish(filled(tmp_path, "one"), f"{bucket}/out", JobResult(seconds=1.0))
    second = publish(filled(tmp_path, "one"), f"{bucket}/out", JobResult(seconds=2.0))
    assert second == first
    assert replace(second, seconds=0.0) != first
