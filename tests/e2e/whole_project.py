"""A project in a folder with a small behaviour table, used only through the command line."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from sqlrec.data.behavior import BehaviorConfig, write_behavior
from sqlrec.runtimes.local.processes import MARK
from tests.registries import template as registry_template

HOLDOUT = "2026-01-03"
CHECKPOINT = f"day_{HOLDOUT}"
FEATURES = """user_id BIGINT, item_id BIGINT, country STRING, age INT, gender STRING, is_member BOOLEAN,
  interests ARRAY<STRING>, device STRING, hour INT, category STRING, price DOUBLE, tags ARRAY<STRING>"""
TABLES = f"""
SET 'score.shard_rows' = 200;
SET 'score.batch_size' = 50;
DECLARE holdout STRING DEFAULT '{HOLDOUT}';

CREATE TABLE behavior ({FEATURES}, is_click INT, dt STRING)
  PARTITIONED BY (dt) WITH (connector = 'parquet', path = 'data/behavior');
CREATE TABLE predictions (user_id BIGINT, item_id BIGINT, probs FLOAT, dt STRING)
  PARTITIONED BY (dt) WITH (connector = 'parquet', path = 'data/predictions');
"""
DEPLOY = f"""
CREATE OR REPLACE MODEL rank_model ({FEATURES}, is_click INT)
  WITH (model = 'tzrec.wide_and_deep', label_columns = 'is_click', hidden_units = '16,8');
TRAIN MODEL rank_model CHECKPOINT = 'day_{{{{ params.holdout }}}}'
  ON behavior WHERE dt < '{{{{ params.holdout }}}}'
  VALIDATE ON behavior WHERE dt = '{{{{ params.holdout }}}}'
  WITH (num_epochs = 1, batch_size = 512, sparse_lr = 0.05, dense_lr = 0.003, seed = 1);
EXPORT MODEL rank_model CHECKPOINT = 'day_{{{{ params.holdout }}}}'
  ON behavior WHERE dt = '{{{{ params.holdout }}}}';
CREATE OR REPLACE SERVICE rank ON MODEL rank_model CHECKPOINT = 'day_{{{{ params.holdout }}}}_export';
"""
SCORE = """
CACHE TABLE candidates AS SELECT * FROM behavior WHERE dt = '{{ params.holdout }}';
CACHE TABLE scored AS CALL call_service('rank', candidates);
INSERT OVERWRITE predictions SELECT user_id, item_id, probs, dt FROM scored;
SELECT user_id, item_id, probs FROM scored ORDER BY probs DESC LIMIT 3;
"""
RANK = TABLES + DEPLOY + SCORE
TASKS = [
    "define_rank_model",
    "train_rank_model",
    "register_train_rank_model",
    "export_rank_model",
    "register_export_rank_model",
    "deploy_rank",
    "cache_candidates",
    "score_scored",
    "overwrite_predictions",
    "select_scored",
]


@dataclass(slots=True)
class Project:
    """The folder, and the command lines started in it that may still run."""

    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def state(self) -> Path:
        """Where sqlrec keeps its own."""
        return self.folder / ".sqlrec"

    def script(self, text: str, name: str = "rank") -> Path:
        """A script in the project."""
        path = self.folder / f"{name}.sql"
        path.write_text(text)
        return path

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """``sqlrec --project FOLDER …`` in a session of its own, as on another terminal."""
        process = subprocess.Popen(
            [sys.executable, "-m", "sqlrec", "--project", str(self.folder), *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=_plain_environment(),
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def run(self, *arguments: object, status: int = 0) -> str:
        """What a command line prints; it must end with ``status``. Of a failure, what it complains."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=300)
        assert process.returncode == status, f"status {process.returncode}\n{out}\n{err}"
        assert "Traceback" not in out + err
        return err if status else out

    def json(self, *arguments: object) -> Any:
        """What a command line prints with ``--json``."""
        return json.loads(self.run(*arguments, "--json"))

    def service(self, name: str = "rank") -> dict[str, Any]:
        """A service as ``sqlrec services`` shows it."""
        found: dict[str, dict[str, Any]] = {e["name"]: e for e in self.json("services")}
        return found[name]

    def runs(self) -> set[Path]:
        """Folders of the runs."""
        return set(self.state.glob("runs/*/*/"))

    def done(self) -> set[str]:
        """Tasks of the runs that are done."""
        return {path.stem for path in self.state.glob("runs/*/*/*.json")} - {"run"}

    def family(self) -> list[psutil.Process]:
        """Jobs, servers and those who watch them."""
        return [p for p in psutil.process_iter() if _mark(p).startswith(str(self.folder))]

    def kill_all(self) -> None:
        """SIGKILL everything that runs in the project; again, if something was just being started."""
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        self.started.clear()
        while left := self.family():
            for member in left:
                try:
                    member.kill()
                except psutil.NoSuchProcess:
                    continue
            psutil.wait_procs(left, timeout=5)


def make_project(folder: Path) -> Project:
    """A new project with 6,000 impressions of three days."""
    folder.mkdir(parents=True)
    (folder / "sqlrec.toml").touch()
    write_behavior(folder / "data" / "behavior", BehaviorConfig(rows=6_000, days=3, users=300, items=80))
    return Project(folder)


def started_before(project: Project) -> Project:
    """With the databases that the first start in a project leaves: making them takes seconds."""
    airflow, database = airflow_template()
    for path, content in {airflow: database, Path("mlflow.db"): registry_template()}.items():
        (project.state / path).parent.mkdir(parents=True, exist_ok=True)
        (project.state / path).write_bytes(content)
    return project


@functools.cache
def airflow_template() -> tuple[Path, bytes]:
    """Airflow's database, and where it lies."""
    program = "import sys, pathlib, sqlrec.airflow.embedded as e; e.start(pathlib.Path(sys.argv[1]))"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-W", "ignore", "-c", program, folder]
        subprocess.run(command, env=_plain_environment(), check=True)
        (path,) = Path(folder).glob("airflow/airflow-*.db")
        return path.relative_to(folder), path.read_bytes()


def _plain_environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "SQLREC_"))}


def _mark(process: psutil.Process) -> str:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return ""
        return process.environ().get(MARK, "")
    except (psutil.Error, OSError):
        return ""


def ask(url: str, body: object, seconds: float = 10.0) -> Any:
    """The decoded answer to a POST."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=seconds) as answer:
        return json.load(answer)


def wait_until(condition: Callable[[], object], what: str, seconds: float = 120.0) -> None:
    """Look often: what is waited for may pass quickly."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it never came to this: {what}"
        time.sleep(0.003)


def candidates(project: Project) -> list[dict[str, Any]]:
    """The rows that are scored, as people would read them: Python values of raw columns."""
    table = pq.read_table(project.folder / "data" / "behavior" / f"dt={HOLDOUT}")
    rows: list[dict[str, Any]] = table.drop_columns(["is_click", "click_probability"]).to_pylist()
    return rows


def rows_of(folder: Path) -> pa.Table:
    """All rows of a partitioned parquet folder, in an order of their own."""
    table = pq.read_table(folder, partitioning="hive")
    table = table.set_column(table.schema.get_field_index("dt"), "dt", table["dt"].cast(pa.string()))
    return table.sort_by([(name, "ascending") for name in ("user_id", "item_id", "probs")])
