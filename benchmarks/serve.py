"""Requests a second and latency of the predict server beside named peers, in one run on one ONNX file.

    python benchmarks/serve.py [--seconds 3] [--rounds 3] [--only sqlrec,fastapi] [--mixed]

The model is a Wide & Deep of eight columns and layers 512-256-128 which the product's own jobs train and
export. Every server has one process and one thread for the model, and is driven by wrk over loopback, with
rows and with columns of 1 and 100 rows, at 1 and 16 connections. Rounds alternate between the servers, and
ONNX Runtime alone as the limit, and the median is shown, so that other work on the machine touches all
alike; processor time per request, of the server's processes alone, depends on it least. Needs wrk
(``apt-get install wrk``).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.error import URLError
from urllib.request import Request, urlopen

import psutil

HERE = Path(__file__).parent / "servers"
ENVIRONMENT = HERE.parent.parent / ".venv-bench" / "servers"
START_SECONDS = 120
ROWS, CONNECTIONS, SHAPES = (1, 100), (1, 16), ("rows", "columns")


@dataclass(frozen=True, slots=True)
class Server:
    """A server to measure: its title, program, arguments of ours, and where its requests go."""

    title: str
    program: str
    variant: str = ""
    path: str = "/predict"
    form: str = ""


SERVERS = (
    Server("sqlrec, INT8", "sqlrec", variant="int8"),
    Server("sqlrec, FP32", "sqlrec", variant="fp32"),
    Server("FastAPI, typed", "fastapi"),
    Server("LitServe", "litserve"),
    Server("BentoML", "bentoml"),
    Server("mlflow models serve", "mlflow", path="/invocations", form="mlflow."),
)


@dataclass(frozen=True, slots=True)
class Load:
    """``connections`` clients that send ``rows`` rows in a shape, wait for the answer and begin again."""

    shape: str
    rows: int
    connections: int

    def __str__(self) -> str:
        return f"{self.rows} {'row' if self.rows == 1 else self.shape}, c{self.connections}"


LOADS = tuple(
    Load(shape, rows, connections) for rows in ROWS for connections in CONNECTIONS for shape in SHAPES
)


@dataclass(frozen=True, slots=True)
class Limit:
    """ONNX Runtime alone, called with ``rows`` rows of a variant."""

    variant: str
    rows: int


Key = TypeVar("Key")
Found = dict[str, list[dict[Load, dict[str, float]]]]
"""Figures by server, of each round, by load."""


def python_of(program: str) -> str:
    """The interpreter of a peer's environment, made when it is not there; mlflow is ours."""
    if program in ("sqlrec", "mlflow"):
        return sys.executable
    python = ENVIRONMENT / "bin" / "python"
    if not (ENVIRONMENT / "installed").exists():
        print(f"installing the peers into {ENVIRONMENT} (first time only)", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
        pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", HERE / "requirements.txt"], check=True)
        (ENVIRONMENT / "installed").touch()
    return str(python)


def command_of(server: Server, folder: Path, port: int) -> list[str]:
    """How a server is started."""
    python = python_of(server.program)
    if server.program == "sqlrec":
        spec = str(folder / f"{server.variant}.service.json")
        return [python, "-m", "sqlrec.serving", "--spec", spec, "--port", str(port), "--activate"]
    return [python, str(HERE / f"with_{server.program}.py"), str(folder), str(port)]


@contextmanager
def running(server: Server, folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """A server that answers; its URL and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / f"{server.program}.log"
    with log.open("w") as output:
        environ = {**os.environ, "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(
            command_of(server, folder, port), stdout=output, stderr=output, env=environ
        )
    url = f"http://127.0.0.1:{port}{server.path}"
    try:
        wait(url, (folder / f"{server.form}rows.1.json").read_bytes(), process, log)
        yield url, psutil.Process(process.pid)
    finally:
        family = [*psutil.Process(process.pid).children(recursive=True), process]
        for member in family:
            member.terminate()
        psutil.wait_procs([m for m in family if isinstance(m, psutil.Process)], timeout=10)
        process.wait(20)


def wait(url: str, body: bytes, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the server answers a prediction."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(Request(url, body, {"Content-Type": "application/json"}), timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"{url} does not answer: {log.read_text()[-800:]}")


def cpu_seconds(process: psutil.Process) -> float:
    """Processor time of a process and those it started."""
    times = [p.cpu_times() for p in (process, *process.children(recursive=True))]
    return sum(t.user + t.system for t in times)


def measure(server: Server, folder: Path, seconds: int) -> dict[Load, dict[str, float]]:
    """Figures of one server by load."""
    found = {}
    with running(server, folder) as (url, process):
        for load in LOADS:
            drive(url, folder, server.form, load, 1)
            before = cpu_seconds(process)
            figures = drive(url, folder, server.form, load, seconds)
            figures["cpu_us"] = (cpu_seconds(process) - before) * 1e6 / max(1, figures["requests"])
            figures["rate"] = figures["requests"] / figures["seconds"]
            found[load] = figures
    return found


def drive(url: str, folder: Path, form: str, load: Load, seconds: int) -> dict[str, float]:
    """Run wrk; requests, seconds, p50 and p99 in microseconds, failures."""
    body = folder / f"{form}{load.shape}.{load.rows}.json"
    command = [
        "wrk",
        "-t1",
        f"-c{load.connections}",
        f"-d{seconds}s",
        "--latency",
        "-s",
        HERE / "post.lua",
        url,
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "BENCH_BODY": str(body)}
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def raw(folder: Path, seconds: int) -> dict[Limit, dict[str, float]]:
    """Calls a second of ONNX Runtime alone, and their processor time."""
    command = [sys.executable, HERE / "raw.py", folder, str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {Limit(f.pop("variant"), f.pop("rows")): f for f in found}


def median(results: Sequence[dict[Key, dict[str, float]]], of: Key) -> dict[str, float]:
    """Medians of the rounds."""
    return {key: statistics.median(r[of][key] for r in results) for key in results[0][of]}


def shares(limits: Sequence[dict[Limit, dict[str, float]]], found: Found) -> str:
    """A Markdown table: how much of ONNX Runtime's own speed is left behind our server at 16 connections."""
    lines = [
        "| ONNX Runtime alone | rows/s | CPU µs/call | ours, rows | ours, columns |",
        "|---|---:|---:|---:|---:|",
    ]
    ours = {server.title: server.variant for server in SERVERS if server.variant and server.title in found}
    for title, variant in ours.items():
        for rows in ROWS:
            most = median(limits, Limit(variant, rows))
            parts = [
                median(found[title], Load(shape, rows, max(CONNECTIONS)))["rate"] / most["rate"]
                for shape in SHAPES
            ]
            named = f"{variant.upper()}, {rows} row{'s' if rows > 1 else ''} a call"
            told = " | ".join(f"{part:.0%}" for part in parts)
            lines.append(f"| {named} | {most['rate'] * rows:,.0f} | {most['cpu_us']:.1f} | {told} |")
    return "\n".join(lines)


def tables(found: Found) -> str:
    """A Markdown table a load, with the ratios of ours to each."""
    parts = []
    ours = next(iter(found))
    for load in LOADS:
        lines = [
            f"| {load} | req/s | ours is | p50 µs | p99 µs | CPU µs/request | ours takes | failed |",
            "|---|---:|---:|---:|---:|---:|---:|---:|",
        ]
        best = median(found[ours], load)
        for title, results in found.items():
            f = median(results, load)
            lines.append(
                f"| {title} | {f['rate']:,.0f} | {best['rate'] / f['rate']:.1f}x | {f['p50']:,.0f} "
                f"| {f['p99']:,.0f} | {f['cpu_us']:.1f} | 1/{f['cpu_us'] / best['cpu_us']:.1f} "
                f"| {f['failed']:.0f} |"
            )
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def main() -> None:
    """Measure every server ``--rounds`` times in turn and print the medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=3, help="of each load")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="programs to run, by commas: sqlrec, fastapi, litserve …")
    parser.add_argument("--mixed", action="store_true", help="four of the columns are text")
    parser.add_argument("--folder", type=Path, help="keep the model here, and use it again")
    arguments = parser.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("this needs wrk: apt-get install wrk")
    wanted = [s for s in SERVERS if not arguments.only or s.program in arguments.only.split(",")]
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.folder or Path(name)
        prepare(folder, arguments.mixed)
        found: Found = {}
        limits = []
        for number in range(arguments.rounds):
            for server in wanted:
                print(f"round {number + 1}: {server.title}", file=sys.stderr, flush=True)
                try:
                    found.setdefault(server.title, []).append(measure(server, folder, arguments.seconds))
                except (RuntimeError, subprocess.CalledProcessError) as error:
                    print(f"{server.title} cannot run: {error}", file=sys.stderr)
                    found.pop(server.title, None)
            print(f"round {number + 1}: ONNX Runtime alone", file=sys.stderr, flush=True)
            limits.append(raw(folder, arguments.seconds))
    if found:
        print(shares(limits, found), end="\n\n")
        print(tables(found))


def prepare(folder: Path, mixed: bool) -> None:
    """The model and the requests, unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "int8.service.json").exists():
        return
    print("training and exporting the model", file=sys.stderr, flush=True)
    command = [sys.executable, str(HERE / "model.py"), str(folder), "mixed" if mixed else "integers"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
