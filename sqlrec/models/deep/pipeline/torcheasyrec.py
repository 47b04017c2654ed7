"""Runs TorchEasyRec: rows and configuration before it, its model and what it measured after it.

Every process of the job starts TorchEasyRec's program as torchrun would, with the same environment; a job of
one process starts torchrun. So there is one way to start jobs, and their result is one like any other.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq

from sqlrec.artifacts.cache import local_copy
from sqlrec.artifacts.durable import write_text
from sqlrec.artifacts.folder import progress_folder, seal
from sqlrec.artifacts.scratch import Mirror
from sqlrec.data.engine import Engine
from sqlrec.errors import JobError, SetupError
from sqlrec.models.controller import Progress
from sqlrec.models.deep.controllers import deep_model
from sqlrec.models.deep.pipeline.document import FILE, MODEL_DIR, Places, Subject, document
from sqlrec.models.deep.pipeline.files import require_sayable, written_config
from sqlrec.models.deep.pipeline.measured import curves_of, metrics_of
from sqlrec.models.deep.pipeline.rows import EVAL, TRAIN, Counts, write_features, write_rows
from sqlrec.models.deep.pipeline.text import Field, Message, parse, write
from sqlrec.spec import codec
from sqlrec.spec.job import ExportWork, JobResult, TrainWork

PACKAGE = "tzrec"
SAMPLE, SAMPLE_ROWS = "sample.parquet", 1024
SCRIPTED = "scripted_model.pt"
"""The file that makes a folder an export of TorchEasyRec."""
LINES = 20
POLL_SECONDS = 0.1
STOP_SECONDS = 10.0

ENVIRONMENT = {
    "USE_FSSPEC": "1",
    "USE_SPAWN_MULTI_PROCESS": "1",
    "USE_FARM_HASH_TO_BUCKETIZE": "true",
}
"""What SQLRec gives TorchEasyRec; ``kubernetes.env.NAME`` overrides it."""


def train(work: TrainWork, output: Path, progress: Progress) -> JobResult:
    """Train into the empty folder ``output``: TorchEasyRec's model_dir in ``tzrec``, and ``sample.parquet``.

    A job that was killed goes on from TorchEasyRec's last checkpoint. Raises ``SetupError`` SR383 without
    TorchEasyRec, ``JobError`` SR388 when it fails, and the errors of its options and rows.
    """
    started, place = time.perf_counter(), _place(work, output)
    subject = Subject.of(work, deep_model(work.model.type))
    require_sayable(subject)
    places = _places(place, f"{local_copy(work.base_uri) / MODEL_DIR}" if work.base_uri else "")

    def prepare() -> str:
        progress("reading the training table")
        counts = _counts(work, subject, place)
        here = places if counts.evaluation else replace(places, evaluation="")
        return write(_placed(parse(written_config(work) or document(subject, here)), here))

    _prepared(place, work, prepare)
    goes_on = any(place.glob("model/model.ckpt-*"))
    _run("train_eval", place, ("--continue_train",) if goes_on else (), progress)
    if not _is_root():
        return JobResult()
    newest = _newest(place / "model")
    _take(place / "model", output / MODEL_DIR, newest.name)
    _keep_sample(place / "rows" / TRAIN, output / SAMPLE)
    counts = _counts(work, subject, place)
    return JobResult(
        rows=counts.train,
        seconds=time.perf_counter() - started,
        metrics=metrics_of(place / "model", counts),
        curves=curves_of(place / "model"),
        params={
            "trainer": PACKAGE,
            "tzrec_version": _version(place),
            "validation_rows": str(counts.evaluation),
        },
        warnings=() if counts.evaluation else ("no validation rows: the model was not measured",),
    )


def export(work: ExportWork, output: Path, progress: Progress) -> JobResult:
    """Export into the empty folder ``output``: what tzrec.export writes, of two towers a folder each.

    The configuration is the one that TorchEasyRec trained with. Raises as :func:`train`.
    """
    started, place = time.perf_counter(), _place(work, output)
    subject = Subject.of(work, deep_model(work.model.type))
    source = local_copy(work.source_uri)
    trained = source / MODEL_DIR
    _newest(trained)

    def prepare() -> str:
        progress("reading sample rows")
        shutil.rmtree(place / "export", ignore_errors=True)
        shutil.rmtree(place / "rows", ignore_errors=True)
        rows = f"{place}/rows/{TRAIN}/*.parquet"
        if work.sample:
            with Engine() as engine:
                write_features(subject, work.sample, place / "rows", engine)
        else:
            rows = str(source / SAMPLE)
        config = parse((trained / FILE).read_text(encoding="utf-8"))
        return write(_placed(config, Places(train=rows, evaluation="", model=str(trained))))

    _prepared(place, work, prepare)
    _run("export", place, ("--export_dir", str(place / "export")), progress)
    if not _is_root():
        return JobResult()
    for part in subject.kind.parts or ("",):
        if not (place / "export" / part / SCRIPTED).is_file():
            raise _failed(f"tzrec.export left no {Path(part) / SCRIPTED}")
        _take(place / "export" / part, output / part)
        if part:
            seal(output / part, JobResult())
    return JobResult(seconds=time.perf_counter() - started, params={"trainer": PACKAGE})


def _is_root() -> bool:
    return os.environ.get("RANK", "0") == "0"


def _place(work: TrainWork | ExportWork, output: Path) -> Path:
    """The folder of the job that all its processes see, kept when it is killed."""
    if importlib.util.find_spec(PACKAGE) is None:
        raise SetupError(
            "SR383",
            f"trainer = 'tzrec' needs TorchEasyRec, and {sys.executable} has no package {PACKAGE}",
            hint="use an image with TorchEasyRec (docs/kubernetes.md), install it, or leave trainer out",
        )
    folder = progress_folder(output)
    if work.options.get("nnodes", 1) != 1 and Mirror.of(folder):
        raise SetupError(
            "SR383",
            "TorchEasyRec on several machines needs a folder that all of them see, not an object store",
            hint="set model_base_path to a shared volume, or nnodes = 1",
        )
    return folder / PACKAGE


def _places(place: Path, base: str) -> Places:
    rows = place / "rows"
    return Places(
        train=f"{rows}/{TRAIN}/*.parquet",
        evaluation=f"{rows}/{EVAL}/*.parquet",
        model=str(place / "model"),
        base=base,
    )


def _counts(work: TrainWork, subject: Subject, place: Path) -> Counts:
    with Engine() as engine:
        return write_rows(subject, work.data, work.validation, place / "rows", engine)


def _placed(config: Message, places: Places) -> Message:
    """A configuration with the places of this job; all else as it is written."""
    paths = {
        "train_input_path": places.train,
        "eval_input_path": places.evaluation,
        "model_dir": places.model,
    }
    fields = [each for each in config.fields if each.name not in paths]
    if places.base:
        fields = [_based(each, places.base) for each in fields]
    return Message((*(Field(name, path) for name, path in paths.items()), *fields))


def _based(each: Field, base: str) -> Field:
    name = "fine_tune_checkpoint"
    if each.name != "train_config" or not isinstance(each.value, Message):
        return each
    others = (field for field in each.value.fields if field.name != name)
    return Field(each.name, Message((*others, Field(name, base))))


def _prepared(place: Path, work: TrainWork | ExportWork, prepare: Callable[[], str]) -> None:
    """Let the root prepare the rows and the configuration of this very job; the others wait for it.

    What another job left is removed.
    """
    digest = hashlib.sha256(f"{codec.dumps(work)}\n{written_config(work)}".encode()).hexdigest()
    ready = place / "ready"
    if not _is_root():
        while not ready.is_file() or ready.read_text() != digest:
            time.sleep(POLL_SECONDS)
        return
    if ready.is_file() and ready.read_text() != digest:
        shutil.rmtree(place)
    place.mkdir(parents=True, exist_ok=True)
    write_text(place / FILE, prepare())
    write_text(ready, digest)


def _run(program: str, place: Path, arguments: Sequence[str], progress: Progress) -> None:
    """Run ``tzrec.<program>`` to its end, its lines being ours; stop it when we are stopped."""
    launcher = (
        () if "RANK" in os.environ else ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=1")
    )
    name = f"{PACKAGE}.{program}"
    command = [sys.executable, *launcher, "-m", name, "--pipeline_config_path", str(place / FILE), *arguments]
    progress(f"running {name}")
    last: deque[str] = deque(maxlen=LINES)
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**ENVIRONMENT, **os.environ},
    ) as process:
        try:
            assert process.stdout is not None, "it is a pipe"
            for line in process.stdout:
                print(line, end="", flush=True)
                last.append(line)
            status = process.wait()
        finally:
            _stop(process)
    if status:
        raise _failed(f"{name} ended with exit status {status}\n{''.join(last)}".rstrip())


def _stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    process.kill()
    process.wait()


def _failed(reason: str) -> JobError:
    return JobError("SR388", reason, hint="the job's log has all that TorchEasyRec said")


def _newest(model_dir: Path) -> Path:
    """TorchEasyRec's newest checkpoint."""
    found = sorted(model_dir.glob("model.ckpt-*"), key=lambda path: int(path.name.rpartition("-")[2] or 0))
    if not found:
        raise _failed(f"TorchEasyRec left no checkpoint in {model_dir}")
    return found[-1]


def _take(source: Path, target: Path, newest: str = "") -> None:
    """Put the files of a folder into another, of checkpoints the newest alone; as links where that works."""

    def others(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if newest and name.startswith("model.ckpt-") and name != newest]

    shutil.copytree(source, target, ignore=others, copy_function=_linked, dirs_exist_ok=True)


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _keep_sample(rows: Path, target: Path) -> None:
    """Some rows to trace an export with, when it is given none."""
    with pq.ParquetFile(next(iter(sorted(rows.glob("*.parquet"))))) as file:
        batch = next(file.iter_batches(SAMPLE_ROWS))
        with pq.ParquetWriter(target, batch.schema) as writer:
            writer.write_batch(batch)


def _version(place: Path) -> str:
    path = place / "model" / "version"
    return path.read_text(encoding="utf-8").strip() if path.is_file() else "unknown"
