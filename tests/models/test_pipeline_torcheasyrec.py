"""TorchEasyRec as the trainer: a job like any other, around programs that check all they are given."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlrec.artifacts.folder import is_complete, read_result
from sqlrec.errors import SqlRecError
from sqlrec.jobs.__main__ import with_config
from sqlrec.jobs.harness import run
from sqlrec.models.beside import job_files
from sqlrec.models.deep.controller import DeepModel
from sqlrec.models.deep.controllers import DIN, DSSM, MMOE, WIDE_AND_DEEP
from sqlrec.spec import codec
from sqlrec.spec.job import ExportWork, JobKind, JobSpec, TrainWork
from sqlrec.spec.options import OptionValue
from sqlrec.spec.table import Relation, TableFormat, TableSource
from tests.models.pipeline_world import CASES, COLUMNS, a_model, a_training, an_export

FAKE = Path(__file__).parent / "fake_tzrec"
RANKED = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}

Train: TypeAlias = Callable[..., JobSpec]


@pytest.fixture
def clicks(tmp_path: Path) -> Relation:
    count = 200
    table = pa.table(
        {
            "USER_ID": pa.array(range(count), pa.int64()),
            "item_id": pa.array([i % 7 for i in range(count)], pa.int32()),
            "shop": pa.array([f"s{i % 3}" for i in range(count)]),
            "price": pa.array([Decimal(i) / 2 for i in range(count)], pa.decimal128(9, 2)),
            "is_new": pa.array([i % 2 == 0 for i in range(count)]),
            "seen": pa.array([[1, 2]] * count, pa.list_(pa.int64())),
            "tags": pa.array([["a"], None] * (count // 2), pa.list_(pa.string())),
            "clicked": pa.array([i % 4 == 0 for i in range(count)]),
            "bought": pa.array([i % 5 == 0 for i in range(count)], pa.bool_()).cast(pa.int32()),
            "weight": pa.array([1.0 + i % 2 for i in range(count)]),
        }
    )
    path = tmp_path / "clicks.parquet"
    pq.write_table(table, path)
    source = TableSource(name="clicks", format=TableFormat.PARQUET, path=str(path))
    return Relation(query="SELECT * FROM clicks WHERE user_id < 180", sources={"clicks": source})


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """TorchEasyRec is installed, and this process is the first of one that torchrun started."""
    root = Path(__file__).parents[2]
    monkeypatch.syspath_prepend(FAKE)
    monkeypatch.setenv("PYTHONPATH", f"{FAKE}{os.pathsep}{root}")
    for name, value in RANKED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
def training(tmp_path: Path, clicks: Relation) -> Train:
    """``training(kind, options, **statement)``: a job with trainer = 'tzrec' and its output."""

    def make(
        kind: DeepModel = WIDE_AND_DEEP,
        options: Mapping[str, OptionValue] | None = None,
        **statement: OptionValue,
    ) -> JobSpec:
        model = a_model(kind, COLUMNS, options or CASES["wide_and_deep"][1])
        given: dict[str, OptionValue] = {"trainer": "tzrec", "sample_weight_column": "weight", **statement}
        work = replace(a_training(kind, model, given), data=clicks)
        return JobSpec(id="train", kind=JobKind.TRAIN, work=work, output_uri=str(tmp_path / "v1"))

    return make


def _export(tmp_path: Path, job: JobSpec, kind: DeepModel, sample: Relation | None = None) -> JobSpec:
    assert isinstance(job.work, TrainWork)
    work: ExportWork = an_export(kind, job.work.model, job.output_uri)
    work = replace(work, options={**work.options, "trainer": "tzrec"}, sample=sample)
    return JobSpec(id="export", kind=JobKind.EXPORT, work=work, output_uri=str(tmp_path / "v1_export"))


def test_trains_and_exports(
    world: pytest.MonkeyPatch, training: Train, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    job = training(num_epochs=2)
    run(job)
    output = Path(job.output_uri)
    result = read_result(output)
    assert result.rows + int(result.params["validation_rows"]) == 180
    assert result.params["trainer"] == "tzrec"
    assert result.params["tzrec_version"] == "1.3.16"
    assert result.metrics == {"auc": 0.7, "logloss": 0.7, "rows": float(result.rows)}
    assert [(p.name, p.step) for p in result.curves] == [
        (name, step) for step in (10, 20) for name in ("auc", "logloss")
    ]
    assert sorted(p.name for p in (output / "tzrec").glob("model.ckpt-*")) == ["model.ckpt-20"]
    assert "num_epochs: 2" in (output / "tzrec" / "pipeline.config").read_text()
    assert "rank 0 learnt" in capfd.readouterr().out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["clicks.parquet", "v1"]

    exported = _export(tmp_path, job, WIDE_AND_DEEP)
    run(exported)
    folder = Path(exported.output_uri)
    assert is_complete(folder)
    assert {p.name for p in folder.iterdir()} >= {"scripted_model.pt", "fg.json", "pipeline.config"}
    assert f'"{output}/sample.parquet"' in (folder / "pipeline.config").read_text()


def test_a_query_and_a_table_of_validation_become_files(
    world: pytest.MonkeyPatch, training: Train, clicks: Relation
) -> None:
    held = replace(clicks, query="SELECT * EXCLUDE (weight) FROM clicks WHERE user_id >= 180")
    job = training()
    assert isinstance(job.work, TrainWork)
    job = replace(job, work=replace(job.work, validation=held))
    run(job)
    result = read_result(Path(job.output_uri))
    assert (result.rows, result.params["validation_rows"]) == (180, "20")
    rows = pq.read_table(Path(job.output_uri) / "sample.parquet")
    assert rows.schema.names == [*list(COLUMNS)[:7], "clicked", "weight"]
    assert rows.column("is_new").to_pylist()[:2] == [1, 0]
    assert rows.column("price").to_pylist()[:2] == [0.0, 0.5]
    assert rows.column("clicked").to_pylist()[:5] == [1, 0, 0, 0, 1]


@pytest.mark.parametrize(
    ("kind", "options", "metrics"),
    [
        (MMOE, {"label_columns": "clicked,bought"}, {"auc": 0.7, "auc.clicked": 0.7, "logloss.bought": 0.7}),
        (DIN, {"label_columns": "clicked", "column.seen.target": "item_id"}, {"auc": 0.7}),
        (DSSM, {"item_features": "item_id,shop", "label_columns": "clicked"}, {"batch_recall_5": 0.25}),
    ],
)
def test_other_types(
    world: pytest.MonkeyPatch,
    training: Train,
    tmp_path: Path,
    clicks: Relation,
    kind: DeepModel,
    options: dict[str, OptionValue],
    metrics: dict[str, float],
) -> None:
    job = training(kind, options)
    run(job)
    result = read_result(Path(job.output_uri))
    assert {name: result.metrics[name] for name in metrics} == metrics
    if kind is DSSM:
        assert result.rows + int(result.params["validation_rows"]) == 45
        exported = _export(
            tmp_path, job, kind, replace(clicks, query="SELECT * EXCLUDE (clicked) FROM clicks")
        )
        run(exported)
        for part in ("item", "user"):
            assert read_result(Path(exported.output_uri) / part).files["scripted_model.pt"]


def test_a_file_of_the_user_is_what_torcheasyrec_gets(
    world: pytest.MonkeyPatch, training: Train, tmp_path: Path
) -> None:
    job = training()
    text = job_files(job)["pipeline.config"].replace("adagrad_optimizer", "adam_optimizer")
    path = tmp_path / "mine.config"
    path.write_text(text)
    run(with_config(job, path))
    saved = (Path(job.output_uri) / "tzrec" / "pipeline.config").read_text()
    assert saved.count("adam_optimizer") == 2
    assert f'model_dir: "{job.output_uri}.progress/tzrec/model"' in saved


def test_a_killed_job_goes_on(
    world: pytest.MonkeyPatch, training: Train, capfd: pytest.CaptureFixture[str]
) -> None:
    job = training()
    world.setenv("FAIL", "1")
    with pytest.raises(SqlRecError, match="out of memory") as error:
        run(job)
    assert error.value.code == "SR388"
    assert json.loads(Path(f"{job.output_uri}.error.json").read_text())["code"] == "SR388"
    place = Path(f"{job.output_uri}.progress/tzrec")
    written = (place / "rows" / "train" / "part-00000.parquet").stat().st_mtime_ns
    (place / "model" / "model.ckpt-5" / "model").mkdir(parents=True)
    world.delenv("FAIL")
    run(job)
    assert "--continue_train" in capfd.readouterr().out
    assert is_complete(Path(job.output_uri))
    assert written > 0
    assert not place.exists()


def test_what_another_job_left_is_not_used(world: pytest.MonkeyPatch, training: Train) -> None:
    job = training()
    place = Path(f"{job.output_uri}.progress/tzrec")
    (place / "model" / "model.ckpt-5").mkdir(parents=True)
    (place / "rows").mkdir()
    (place / "ready").write_text("another")
    run(job)
    assert read_result(Path(job.output_uri)).curves[0].step == 10


def test_continues_a_checkpoint_of_its_own(
    world: pytest.MonkeyPatch, training: Train, tmp_path: Path
) -> None:
    first = training()
    run(first)
    again = training()
    assert isinstance(again.work, TrainWork)
    work = replace(again.work, base_uri=first.output_uri)
    second = replace(again, work=work, output_uri=str(tmp_path / "v2"))
    run(second)
    saved = (tmp_path / "v2" / "tzrec" / "pipeline.config").read_text()
    assert f'fine_tune_checkpoint: "{first.output_uri}/tzrec"' in saved
    ours = replace(
        second,
        work=replace(work, options={**work.options, "trainer": "sqlrec"}),
        output_uri=str(tmp_path / "v3"),
    )
    with pytest.raises(
        SqlRecError, match="trained with trainer = 'tzrec', and the job has 'sqlrec'"
    ) as error:
        run(ours)
    assert error.value.code == "SR384"


def test_an_export_that_leaves_nothing_is_none(
    world: pytest.MonkeyPatch, training: Train, tmp_path: Path
) -> None:
    job = training()
    run(job)
    world.setenv("FAIL", "1")
    exported = _export(tmp_path, job, WIDE_AND_DEEP)
    with pytest.raises(SqlRecError, match=r"left no scripted_model\.pt"):
        run(exported)
    assert not Path(exported.output_uri).exists()


def test_without_torcheasyrec_the_error_says_what_to_install(training: Train) -> None:
    job = training()
    with pytest.raises(SqlRecError, match="has no package tzrec") as error:
        run(job)
    assert error.value.code == "SR383"
    assert "image" in error.value.hint


def test_two_processes_share_one_preparation(
    world: pytest.MonkeyPatch, training: Train, tmp_path: Path
) -> None:
    job = training(nproc_per_node=2)
    spec = tmp_path / "spec.json"
    spec.write_text(codec.dumps(job))
    command = [sys.executable, "-m", "sqlrec.jobs", "--spec", str(spec)]
    both = [
        subprocess.Popen(
            command, env={**os.environ, "RANK": rank, "WORLD_SIZE": "2"}, stdout=subprocess.PIPE, text=True
        )
        for rank in ("1", "0")
    ]
    outputs = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert "rank 1 learnt" in outputs[0]
    assert is_complete(Path(job.output_uri))


@pytest.mark.ml
def test_one_process_is_started_by_torchrun(world: pytest.MonkeyPatch, training: Train) -> None:
    for name in RANKED:
        world.delenv(name)
    job = training()
    run(job)
    assert read_result(Path(job.output_uri)).params["trainer"] == "tzrec"
