"""Requests a second and latency of the predict server, beside named peers measured in the same run.

    python benchmarks/serving.py [--seconds 2] [--rounds 3]

All servers run the same ONNX file, a Wide & Deep network of eight integer features (embeddings of 16,
layers 512-256-128) with random weights, on one thread. The peers: FastAPI with typed rows, and bare
Starlette with orjson, both on uvicorn with uvloop and httptools. Rounds alternate between the servers and
the median is shown, so that other work on the machine touches all alike; the processor time of a server per
request hardly depends on it. The load generator is one Python process; a server that is quicker than the
generator is measured too low.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.error import URLError
from urllib.request import Request, urlopen

import numpy as np
import psutil

FEATURES = tuple(f"feature_{i}" for i in range(8))
BUCKETS, WIDTH, LAYERS = 20_000, 16, (512, 256, 128, 1)
FIRST_PORT = 18_731


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """``connections`` clients that each send ``rows`` rows, wait for the answer and begin again."""

    connections: int
    rows: int


LOADS = (
    Load(connections=1, rows=1),
    Load(connections=16, rows=1),
    Load(connections=64, rows=1),
    Load(connections=16, rows=100),
    Load(connections=4, rows=1000),
)


# ---- the model


def wide_and_deep() -> Any:
    """Eight int64 columns in, ``probs`` out."""
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(7)
    size = len(FEATURES) * WIDTH
    weights: dict[str, Any] = {
        "table": rng.normal(0, 0.05, (BUCKETS * len(FEATURES), WIDTH)).astype(np.float32),
        "offsets": np.arange(len(FEATURES), dtype=np.int64) * BUCKETS,
        "buckets": np.array(BUCKETS, np.int64),
        "last": np.array([-1], np.int64),
        "flat": np.array([-1, size], np.int64),
    }
    node = helper.make_node
    nodes = [node("Unsqueeze", [name, "last"], [f"{name}_column"]) for name in FEATURES]
    nodes += [
        node("Concat", [f"{name}_column" for name in FEATURES], ["ids"], axis=1),
        node("Mod", ["ids", "buckets"], ["hashed"]),
        node("Add", ["hashed", "offsets"], ["places"]),
        node("Gather", ["table", "places"], ["embedded"]),
        node("Reshape", ["embedded", "flat"], ["h0"]),
    ]
    for depth, width in enumerate(LAYERS):
        weights[f"w{depth}"] = (rng.normal(0, 1, (size, width)) / size**0.5).astype(np.float32)
        weights[f"b{depth}"] = np.zeros(width, np.float32)
        nodes.append(node("Gemm", [f"h{depth}", f"w{depth}", f"b{depth}"], [f"z{depth}"]))
        nodes.append(node("Relu", [f"z{depth}"], [f"h{depth + 1}"]))
        size = width
    logit = f"z{len(LAYERS) - 1}"
    nodes += [node("Squeeze", [logit, "last"], ["logit"]), node("Sigmoid", ["logit"], ["probs"])]
    graph = helper.make_graph(
        nodes,
        "wide_and_deep",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["rows"]) for name in FEATURES],
        [helper.make_tensor_value_info("probs", TensorProto.FLOAT, ["rows"])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def export(folder: Path) -> None:
    """Publish the model as an export job does, and write the spec of a service of it."""
    import onnx

    from sqlrec.artifacts.folder import publish, staging, write_signature
    from sqlrec.spec import codec
    from sqlrec.spec.job import JobResult
    from sqlrec.spec.model import ModelSpec
    from sqlrec.spec.names import ModelName
    from sqlrec.spec.schema import DataType, Field, Schema
    from sqlrec.spec.service import ServedModel, ServiceSpec
    from sqlrec.spec.signature import InputColumn, OutputColumn, Signature, Variant

    bigint, real = DataType.parse("BIGINT"), DataType.parse("FLOAT")
    work = staging(folder / "model")
    onnx.save(wide_and_deep(), str(work / "model.onnx"))
    signature = Signature(
        model="bench",
        type="bench",
        checkpoint="v1_export",
        inputs=tuple(InputColumn(name=name, type=bigint, tensor="int64") for name in FEATURES),
        outputs=(OutputColumn(name="probs", type=real),),
        variants={"fp32": Variant(file="model.onnx", bytes=0, latency_ms=0.0)},
    )
    write_signature(work, signature)
    publish(work, folder / "model", JobResult())
    model = ModelSpec(
        name=ModelName.of("bench"),
        type="bench",
        columns=Schema(tuple(Field(name=name, type=bigint) for name in FEATURES)),
        outputs=Schema((Field(name="probs", type=real),)),
    )
    uri = str(folder / "model")
    spec = ServiceSpec(
        name="bench", models=(ServedModel(model=model, checkpoint="v1_export", version=1, model_uri=uri),)
    )
    (folder / "service.json").write_text(codec.dumps(spec))


# ---- the peers, each the `peer` argument of a process of its own


def _session(folder: str) -> Any:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(str(Path(folder) / "model" / "model.onnx"), options)


def starlette(folder: str) -> Any:
    """The least a Starlette service can do: orjson in and out, one model call a request."""
    import orjson
    from starlette.applications import Starlette
    from starlette.requests import Request as HttpRequest
    from starlette.responses import Response
    from starlette.routing import Route

    session = _session(folder)

    async def predict(request: HttpRequest) -> Response:
        rows = orjson.loads(await request.body())
        feed = {name: np.array([row[name] for row in rows], dtype=np.int64) for name in FEATURES}
        answer = {"probs": session.run(["probs"], feed)[0]}
        return Response(
            orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json"
        )

    return Starlette(routes=[Route("/predict", predict, methods=["POST"])])


def fastapi(folder: str) -> Any:
    """FastAPI as its manual has it: typed rows in, a typed answer out."""
    from fastapi import FastAPI
    from pydantic import create_model

    session = _session(folder)
    row_type = create_model("Row", **cast(Any, dict.fromkeys(FEATURES, (int | None, ...))))
    app = FastAPI()

    async def predict(rows: Any) -> dict[str, list[float]]:
        feed = {n: np.array([getattr(row, n) for row in rows], dtype=np.int64) for n in FEATURES}
        return {"probs": session.run(["probs"], feed)[0].tolist()}

    predict.__annotations__["rows"] = list[row_type]  # type: ignore[valid-type]
    app.post("/predict")(predict)
    return app


PEERS: dict[str, Callable[[str], Any]] = {"starlette": starlette, "fastapi": fastapi}


def run_peer(name: str, folder: str, port: int) -> None:
    """Serve a peer until killed."""
    import uvicorn

    uvicorn.run(
        PEERS[name](folder), port=port, loop="uvloop", http="httptools", log_level="error", access_log=False
    )


# ---- the load


class Client(asyncio.Protocol):
    """One connection with always one request under way."""

    def __init__(self, request: bytes, latencies: list[float]) -> None:
        self.request = request
        self.latencies = latencies
        self.buffer = b""
        self.failures = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        """When the answer is whole, note its time and send the next request."""
        self.buffer = self.buffer + data if self.buffer else data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        place = head.lower().index(b"content-length:") + 15
        if len(body) < int(head[place : place + 10].split(b"\r", 1)[0]):
            return
        self.latencies.append(time.perf_counter() - self.sent)
        self.failures += not head.startswith(b"HTTP/1.1 200")
        self.buffer = b""
        self._send()

    def _send(self) -> None:
        self.sent = time.perf_counter()
        self.transport.write(self.request)


async def run_load(port: int, load: Load, seconds: float) -> None:
    """Load a server; print answers a second, p50 and p99 in milliseconds, and all answers, as JSON."""
    rng = np.random.default_rng(11)
    rows = [{name: int(rng.integers(0, 10**6)) for name in FEATURES} for _ in range(load.rows)]
    body = json.dumps(rows).encode()
    head = (
        f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    )
    request = head.encode() + b"\r\n\r\n" + body
    latencies: list[float] = []
    loop = asyncio.get_running_loop()
    clients = [
        (await loop.create_connection(lambda: Client(request, latencies), "127.0.0.1", port))[1]
        for _ in range(load.connections)
    ]
    await asyncio.sleep(seconds / 4)
    warm_up = len(latencies)
    latencies.clear()
    started = time.perf_counter()
    await asyncio.sleep(seconds)
    took = time.perf_counter() - started
    ordered = sorted(latencies)
    failures = sum(client.failures for client in clients)
    if failures or not ordered:
        raise SystemExit(f"{failures} of {len(ordered)} requests failed")
    p50, p99 = (1000 * ordered[int(len(ordered) * share)] for share in (0.5, 0.99))
    print(json.dumps([len(ordered) / took, p50, p99, warm_up + len(ordered)]))


# ---- the run


def commands(folder: Path) -> dict[str, list[str]]:
    """The command line of every server, by name, each on a port of its own."""
    first = [sys.executable, "-m", "sqlrec.serving", "--spec", str(folder / "service.json"), "--activate"]
    servers = {"sqlrec": [*first, "--port", str(FIRST_PORT)]}
    for offset, name in enumerate(PEERS, 1):
        servers[name] = [sys.executable, __file__, "peer", name, str(folder), str(FIRST_PORT + offset)]
    return servers


def wait_until_up(port: int) -> None:
    """Return when the server answers a prediction."""
    body = json.dumps([dict.fromkeys(FEATURES, 1)]).encode()
    request = Request(f"http://127.0.0.1:{port}/predict", body, {"Content-Type": "application/json"})
    for _ in range(200):
        try:
            urlopen(request, timeout=5).read()
            return
        except (URLError, ConnectionError):
            time.sleep(0.1)
    raise SystemExit(f"nothing answers at port {port}")


def measure(seconds: float, rounds: int) -> None:
    """Start all servers, load each in turn, print the table."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        export(folder)
        servers = commands(folder)
        processes = [
            subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for command in servers.values()
        ]
        try:
            for offset in range(len(servers)):
                wait_until_up(FIRST_PORT + offset)
            print_table(dict(zip(servers, processes, strict=True)), seconds, rounds)
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(10)


def measure_once(process: subprocess.Popen[bytes], port: int, load: Load, seconds: float) -> list[float]:
    """Answers a second, p50 and p99 in milliseconds, and the server's processor time in µs a request."""
    command = [
        sys.executable,
        __file__,
        "load",
        str(port),
        str(load.connections),
        str(load.rows),
        str(seconds),
    ]
    server = psutil.Process(process.pid)
    before = server.cpu_times()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    after = server.cpu_times()
    *figures, answers = json.loads(done.stdout)
    used = after.user + after.system - before.user - before.system
    return [*figures, 1e6 * used / answers]


def print_table(servers: dict[str, subprocess.Popen[bytes]], seconds: float, rounds: int) -> None:
    """Medians of all rounds, and each peer's beside ours."""
    print("| load | server | requests/s | rows/s | p50 ms | p99 ms | CPU µs | sqlrec: requests/s, CPU |")
    print("|---|---|---|---|---|---|---|---|")
    ours = next(iter(servers))
    for load in LOADS:
        results: dict[str, list[list[float]]] = {name: [] for name in servers}
        for _ in range(rounds):
            for offset, (name, process) in enumerate(servers.items()):
                results[name].append(measure_once(process, FIRST_PORT + offset, load, seconds))
        medians = {name: [statistics.median(v) for v in zip(*r, strict=True)] for name, r in results.items()}
        for name, (rate, p50, p99, cpu) in medians.items():
            ratio = f"{medians[ours][0] / rate:.1f} ×, {medians[ours][3] / cpu:.2f} ×" if name != ours else ""
            title = f"{load.rows} rows, {load.connections} connections"
            rates = f"{rate:,.0f} | {rate * load.rows:,.0f} | {p50:.2f} | {p99:.2f} | {cpu:,.0f}"
            print(f"| {title} | {name} | {rates} | {ratio} |")
        sys.stdout.flush()


def main() -> None:
    """Measure; the other two commands are the processes of a measurement."""
    match sys.argv[1:]:
        case ["peer", name, folder, port]:
            run_peer(name, folder, int(port))
        case ["load", port, connections, rows, seconds]:
            import uvloop

            load = Load(connections=int(connections), rows=int(rows))
            uvloop.run(run_load(int(port), load, float(seconds)))
        case _:
            parser = argparse.ArgumentParser(
                description=__doc__, formatter_class=argparse.RawTextHelpFormatter
            )
            parser.add_argument("--seconds", type=float, default=2.0)
            parser.add_argument("--rounds", type=int, default=3)
            given = parser.parse_args()
            measure(given.seconds, given.rounds)


if __name__ == "__main__":
    main()
