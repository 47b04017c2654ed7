"""Our trainer with a pipeline.config: what the file says is what is trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pytest

from sqlrec.artifacts.folder import read_result
from sqlrec.errors import OptionError, SqlRecError
from sqlrec.jobs.__main__ import with_config
from sqlrec.jobs.harness import run
from sqlrec.models.beside import job_files
from sqlrec.spec.job import JobKind, JobSpec, TrainWork
from sqlrec.spec.model import ModelSpec

Make: TypeAlias = Callable[..., TrainWork]
Clicks: TypeAlias = Callable[..., pa.Table]


@pytest.fixture
def job(make_work: Make, clicks: Clicks, make_model: Callable[..., ModelSpec], tmp_path: Path) -> JobSpec:
    columns = {"user": "BIGINT", "shop": "STRING", "price": "DOUBLE", "tags": "ARRAY<STRING>", "label": "INT"}
    work = make_work(clicks(300), model=make_model(columns), feature_importance=False)
    return JobSpec(id="train", kind=JobKind.TRAIN, work=work, output_uri=str(tmp_path / "v1"))


@pytest.mark.ml
def test_an_edited_file_is_what_is_trained(
    job: JobSpec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = job_files(job)["pipeline.config"]
    path = tmp_path / "pipeline.config"
    path.write_text(
        text.replace("num_epochs: 1", "num_epochs: 2").replace("hidden_units: 16", "hidden_units: 5")
    )
    run(with_config(job, path))
    output = Path(job.output_uri)
    assert read_result(output).params["epochs"] == "2"
    assert json.loads((output / "options.json").read_text())["num_epochs"] == 2
    assert '"5,8"' in (output / "model.json").read_text()
    told = capsys.readouterr().out
    assert "pipeline.config sets num_epochs = 2" in told
    assert "pipeline.config sets hidden_units = (5, 8)" in told
    assert told.count("pipeline.config sets") == 2


def test_a_file_that_is_not_followed_trains_nothing(job: JobSpec, tmp_path: Path) -> None:
    path = tmp_path / "pipeline.config"
    path.write_text(job_files(job)["pipeline.config"].replace("num_epochs", "num_steps"))
    with pytest.raises(OptionError, match=r"no train_config\.num_steps") as error:
        run(with_config(job, path))
    assert error.value.code == "SR386"
    assert not Path(job.output_uri).exists()


def test_a_file_that_is_not_there_is_told(job: JobSpec, tmp_path: Path) -> None:
    with pytest.raises(SqlRecError, match=r"cannot read .*gone\.config") as error:
        run(with_config(job, tmp_path / "gone.config"))
    assert error.value.code == "SR385"


def test_a_file_that_the_script_names_comes_first(job: JobSpec, tmp_path: Path) -> None:
    own = replace(job, work=replace(job.work, options={"pipeline_config": "/mnt/own.config"}))
    assert with_config(own, tmp_path / "other").work == own.work
    assert with_config(job, None) is job


def test_other_types_follow_no_file(job: JobSpec, tmp_path: Path) -> None:
    assert isinstance(job.work, TrainWork)
    trees = replace(job, work=replace(job.work, model=replace(job.work.model, type="gbdt.lightgbm")))
    assert job_files(trees) == {}
    with pytest.raises(OptionError, match="unknown option 'pipeline_config'"):
        with_config(trees, tmp_path / "pipeline.config")
