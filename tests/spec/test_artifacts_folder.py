from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from sqlrec.artifacts import folder as folders
from sqlrec.errors import StateError
from sqlrec.spec.job import JobResult
from sqlrec.spec.schema import DataType
from sqlrec.spec.signature import InputColumn, Signature


def filled(final: Path, text: str = "weights") -> Path:
    staged = folders.staging(final)
    (staged / "sub").mkdir()
    (staged / "model.bin").write_text(text)
    (staged / "sub" / "result.json").write_text("{}")
    return staged


def test_a_result_appears_with_its_digests(tmp_path: Path) -> None:
    final = tmp_path / "m" / "v1"
    staged = filled(final)
    assert not folders.is_complete(final)
    result = folders.publish(staged, final, JobResult(rows=3))
    assert not staged.exists()
    assert folders.is_complete(final)
    assert folders.read_result(final) == result
    assert list(result.files) == ["model.bin", "sub/result.json"]
    assert result.files["model.bin"] == hashlib.sha256(b"weights").hexdigest()
    assert folders.digests(final) == result.files


def test_the_first_result_is_kept(tmp_path: Path) -> None:
    final = tmp_path / "v1"
    first = folders.publish(filled(final), final, JobResult(rows=1))
    second = filled(final, "other")
    assert folders.publish(second, final, JobResult(rows=2)) == first
    assert not second.exists()
    assert (final / "model.bin").read_text() == "weights"


def test_leftovers_in_the_way_are_replaced(tmp_path: Path) -> None:
    final = tmp_path / "v1"
    final.mkdir()
    (final / "half").write_text("…")
    folders.publish(filled(final), final, JobResult())
    assert not (final / "half").exists()
    assert folders.is_complete(final)


def test_one_of_several_publishers_wins(tmp_path: Path) -> None:
    final = tmp_path / "v1"
    staged = [filled(final, str(i)) for i in range(8)]
    results: list[JobResult] = []
    barrier = threading.Barrier(8)

    def publish(index: int) -> None:
        barrier.wait()
        results.append(folders.publish(staged[index], final, JobResult(rows=index)))

    threads = [threading.Thread(target=publish, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    assert set(map(str, results)) == {str(folders.read_result(final))}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["v1"]


def test_a_place_that_cannot_be_written_keeps_the_work(tmp_path: Path) -> None:
    final = tmp_path / "v1"
    staged = filled(final)
    final.write_text("a file, not a folder")
    with pytest.raises(NotADirectoryError):
        folders.publish(staged, final, JobResult())
    assert (staged / "model.bin").exists()
    assert final.read_text() == "a file, not a folder"


def test_a_folder_completed_meanwhile_is_not_cleared(tmp_path: Path) -> None:
    final = tmp_path / "v1"
    folders.publish(filled(final), final, JobResult())
    folders._clear(final)
    assert folders.is_complete(final)


def test_the_combined_digest_is_of_names_and_contents() -> None:
    assert folders.combined({"a": "1", "b": "2"}) == folders.combined({"b": "2", "a": "1"})
    assert folders.combined({"a": "1"}) != folders.combined({"b": "1"})


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="no finished result"):
        folders.read_result(tmp_path)
    with pytest.raises(StateError, match="not an exported model"):
        folders.read_signature(tmp_path)


def test_a_signature_reads_back(tmp_path: Path) -> None:
    signature = Signature(
        model="m",
        type="t",
        checkpoint="v1_export",
        inputs=(InputColumn(name="u", type=DataType.parse("INT"), tensor="int64"),),
        outputs=(),
        variants={},
    )
    folders.write_signature(tmp_path, signature)
    assert folders.read_signature(tmp_path) == signature


def test_what_killed_programs_left_of_this_folder_is_swept(tmp_path: Path) -> None:
    mine, other = folders.staging(tmp_path / "v1"), folders.staging(tmp_path / "v2")
    (mine / "half.bin").touch()
    folders.sweep(tmp_path / "v1")
    assert (mine.exists(), other.exists()) == (False, True)
    folders.sweep(tmp_path / "absent" / "v1")


def test_every_start_of_a_job_finds_the_same_progress_folder(tmp_path: Path) -> None:
    final = tmp_path / "v1.2"
    starts = [folders.staging(final), folders.staging(final), final]
    assert {folders.progress_folder(folder) for folder in starts} == {tmp_path / "v1.2.progress"}
    folders.progress_folder(final).mkdir()
    folders.sweep(final)
    assert [path.name for path in tmp_path.iterdir()] == ["v1.2.progress"], "sweeping leaves it"


def test_jobs_of_one_place_go_on_from_the_same_states(tmp_path: Path) -> None:
    places = [folders.output_place(str(tmp_path / "train_ctr"), told * 32) for told in ("0a", "1b")]
    assert len({*places}) == 2
    states = {folders.progress_folder(Path(place)) for place in places}
    states |= {folders.progress_folder(folders.staging(Path(place))) for place in places}
    assert states == {tmp_path / "train_ctr.progress"}
    assert folders.progress_place("s3://b/train_ctr.0a0a0a0a0a0a/") == "s3://b/train_ctr.progress"
