"""A project whose jobs run in the emulated cluster, with small programs in the place of training.

Pods find the programs by ``PYTHONPATH``: a package ``sqlrec.jobs``, and for jobs of several machines a
``torch.distributed.run`` that starts it. All else is as ever.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from airflow.sdk import DAG

from sqlrec.airflow.loader import load_script
from sqlrec.artifacts.folder import RESULT
from sqlrec.runtimes.kubernetes.client import ClusterClient, open_cluster
from sqlrec.settings import Cluster, Settings, load
from sqlrec.spec import codec
from sqlrec.spec.job import JobResult

JOB = """
import json, os, pathlib, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
folder = pathlib.Path(__file__).parents[3]
output = pathlib.Path(json.loads(pathlib.Path("/data/spec.json").read_text())["value"]["output_uri"])
rank = os.environ.get("JOB_COMPLETION_INDEX", "0")
with (folder / "starts").open("a") as starts:
    starts.write(rank)
print("epoch 1 of 1", flush=True)
{body}
if rank == "0":
    output.mkdir(parents=True)
    (output / "result.json").write_text((folder / "result.json").read_text())
"""
TORCHRUN = """
import runpy, sys
sys.argv = sys.argv[sys.argv.index("-m") + 1 :]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
SCRIPT = """
CREATE TABLE samples (user_id BIGINT, y INT) WITH (connector = 'csv', path = 'samples.csv');
CREATE MODEL m (user_id BIGINT, y INT) WITH (model = 'tzrec.wide_and_deep', label_columns = 'y');
TRAIN MODEL m CHECKPOINT = 'v1' ON samples WITH ({options}kubernetes.env.PYTHONPATH = '{programs}');
"""
WAIT = "print('waiting', flush=True)\nwhile not (folder / 'go').exists(): time.sleep(0.05)"
"""Body of a program that goes on when the test says so; it tells a line more, as the last one comes late."""
SETTLE_SECONDS = 30.0
Told = dict[str, Callable[[], None]]
"""What is to be done when a line is told."""


class ClusterProject:
    """Scripts, programs and the cluster they run in."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self.folder = folder
        self.cluster = cluster
        self.client: ClusterClient = open_cluster(cluster)
        (folder / "samples.csv").write_text("user_id,y\n1,0\n")
        self.configure()
        self.program("")

    def configure(self, **changes: str) -> None:
        """Write the settings, those of the cluster with changes."""
        table = {key: value for key, value in (asdict(self.cluster) | changes).items() if value}
        lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
        (self.folder / "sqlrec.toml").write_text(f"runtime = 'kubernetes'\n[kubernetes]\n{lines}")

    def program(self, body: str) -> None:
        """What jobs do before they publish their result."""
        for module, text in {"sqlrec/jobs/__main__.py": JOB, "torch/distributed/run.py": TORCHRUN}.items():
            path = self.folder / "programs" / module
            path.parent.mkdir(parents=True, exist_ok=True)
            for package in (path.parent, path.parent.parent):
                (package / "__init__.py").touch()
            path.write_text(text.replace("{body}", body))
        (self.folder / RESULT).write_text(codec.dumps(JobResult(rows=3)))

    @property
    def settings(self) -> Settings:
        """As tasks read them."""
        return load(self.folder, environ={})

    def script(self, options: str = "", before: str = "") -> Path:
        """A script that trains, with options of its job and statements before it."""
        path = self.folder / "dags" / "train.sql"
        path.write_text(before + SCRIPT.format(programs=self.folder / "programs", options=options))
        return path

    def dag(self, options: str = "", before: str = "") -> DAG:
        """Its DAG."""
        return load_script(self.script(options, before), self.settings)

    @property
    def starts(self) -> str:
        """Ranks of all processes that were ever started, in their order."""
        path = self.folder / "starts"
        return path.read_text() if path.exists() else ""

    def objects(self) -> list[str]:
        """All that is in the namespace."""
        kinds = ("Pod", "Job", "ConfigMap", "Service")
        found = (o for kind in kinds for o in self.client.list(kind, self.cluster.namespace))
        return [f"{o['kind']} {o['metadata']['name']}" for o in found]

    def left(self) -> list[str]:
        """What stays of it when all that is being deleted has had its time."""
        end = time.monotonic() + SETTLE_SECONDS
        while (found := self.objects()) and time.monotonic() < end:
            time.sleep(0.05)
        return found

    def until(self, holds: Callable[[], object]) -> None:
        """Wait for something that comes to pass."""
        end = time.monotonic() + SETTLE_SECONDS
        while not holds():
            assert time.monotonic() < end, "it did not come to pass"
            time.sleep(0.05)
