"""Everything at once for as long as you like: does the server stay as large as it was?

    python -m tests.serving.soaking [minutes]

Clients send every form of request, small and large, right and wrong, and go away in the middle; meanwhile
the model is replaced every second. What the server holds is measured before, during and after.
"""

from __future__ import annotations

import http.client
import json
import random
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

import pyarrow as pa

from sqlrec.spec import codec
from sqlrec.spec.service import ServiceSpec
from tests.serving.processes import PATIENCE, Footprint, ServerProcess, call, until

ROWS = 5000
SMALL, LARGE = ([{"a": 1, "b": 2}], {"a": [1] * ROWS, "b": [2]})
ARROW = "application/vnd.apache.arrow.stream"
HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
WARM_UP = 0.25
"""Of the time: caches and heaps take their size in it."""


@dataclass(frozen=True)
class Soaked:
    """What came of it. ``growth``: megabytes at rest in the end, more than after the warm-up."""

    seconds: float
    requests: int
    updates: int
    statuses: dict[str, int]
    wrong: list[str]
    idle: Footprint
    warm: Footprint
    busiest: float
    after: Footprint

    @property
    def growth(self) -> float:
        """Megabytes at rest after all, compared with those at rest after the warm-up."""
        return self.after.megabytes - self.warm.megabytes


class Clients:
    """Threads that ask without pause until they are told to stop."""

    def __init__(self, server: ServerProcess, seed: int) -> None:
        self.statuses: Counter[int] = Counter()
        self.wrong: list[str] = []
        self._server = server
        self._seed = seed
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin, or begin again."""
        self._stop.clear()
        ways = (self._small, self._large, self._mixed, self._rude)
        self._threads = [threading.Thread(target=self._run, args=(way,)) for way in ways]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, when the answers under way are there."""
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _run(self, ask: Callable[[http.client.HTTPConnection, random.Random], None]) -> None:
        self._seed += 1
        random_ = random.Random(self._seed)
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=PATIENCE)
        try:
            while not self._stop.is_set():
                ask(connection, random_)
        except Exception as error:  # told in the end
            self.wrong.append(f"{ask.__name__}: {error!r}")
        finally:
            connection.close()

    def _ask(
        self,
        connection: http.client.HTTPConnection,
        body: bytes,
        expected: int,
        rows: int = 0,
        path: str = "/predict",
        **headers: str,
    ) -> None:
        connection.request("POST", path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        reply = connection.getresponse()
        answer = reply.read()
        with self._lock:
            self.statuses[reply.status] += 1
            if reply.status not in (expected, 429) and len(self.wrong) < 20:
                self.wrong.append(f"{path}: {reply.status} {answer[:200]!r}")
            if rows and reply.status == 200 and len(json.loads(answer)["probs"]) != rows:
                self.wrong.append(f"{path}: {answer[:200]!r}")

    def _small(self, connection: http.client.HTTPConnection, random_: random.Random) -> None:
        count = random_.choice((1, 1, 1, 20, 100))
        self._ask(connection, json.dumps(SMALL * count).encode(), 200, count)

    def _large(self, connection: http.client.HTTPConnection, random_: random.Random) -> None:
        if random_.random() < 0.5:
            self._ask(connection, json.dumps(LARGE).encode(), 200, ROWS)
        else:
            self._ask(connection, json.dumps(SMALL * 1000).encode(), 200, 1000)

    def _mixed(self, connection: http.client.HTTPConnection, random_: random.Random) -> None:
        match random_.randrange(7):
            case 0:
                count = random_.choice((1, 100, ROWS))
                body = _stream(count)
                self._ask(connection, body, 200, count, Content_Type=ARROW, Accept="application/json")
            case 1:
                self._ask(connection, _stream(10), 200, Content_Type=ARROW)
            case 2:
                self._ask(connection, _tensors(50), 200, path="/v2/models/m/infer")
            case 3:
                self._ask(connection, b"[{", 400)
            case 4:
                self._ask(connection, b'[{"a": "x", "b": 1}]', 422)
            case 5:
                self._ask(connection, b"[]", 404, path=f"/models/m{random_.randrange(10**6)}/predict")
            case _:
                unique = str(random_.random())  # a head that was never seen before
                self._ask(connection, json.dumps(SMALL).encode(), 200, 1, X_Request_Id=unique, X_Other=unique)

    def _rude(self, _: http.client.HTTPConnection, random_: random.Random) -> None:
        """Clients that break off, send rubbish, or do not read."""
        body = json.dumps(LARGE).encode()
        whole = HEAD % len(body) + body
        with socket.create_connection(("127.0.0.1", self._server.port), timeout=PATIENCE) as client:
            match random_.randrange(3):
                case 0:
                    client.sendall(whole[: random_.randrange(1, len(whole))])
                case 1:
                    client.sendall(random_.randbytes(200))
                case _:
                    client.sendall(whole)
        with self._lock:
            self.statuses[0] += 1


def soak(spec: ServiceSpec, folder: Path, seconds: float, *, seed: int = 0) -> Soaked:
    """Load a server of ``spec`` (BIGINT ``a`` and ``b``, FLOAT ``probs``) for so long."""
    with ServerProcess(spec, folder, "--queue-timeout", "5") as server:
        idle = server.footprint()
        clients = Clients(server, seed)
        version, _ = _under_load(server, clients, spec, seconds * WARM_UP, spec.own.version)
        warm = server.footprint()
        last, busiest = _under_load(server, clients, spec, seconds * (1 - WARM_UP), version)
        until(lambda: server.footprint().files <= idle.files, server.footprint)
        after = server.footprint()
        assert server.popen.poll() is None
        failed = [str(event) for event in server.events() if event["event"] in ("error", "failed")]
    return Soaked(
        seconds=seconds,
        requests=sum(clients.statuses.values()),
        updates=last - spec.own.version,
        statuses={str(status or "broken off"): n for status, n in sorted(clients.statuses.items())},
        wrong=clients.wrong + failed,
        idle=idle,
        warm=warm,
        busiest=busiest,
        after=after,
    )


def _under_load(
    server: ServerProcess, clients: Clients, spec: ServiceSpec, seconds: float, version: int
) -> tuple[int, float]:
    """The version in force in the end, and the median of megabytes meanwhile. At rest when it returns."""
    sizes = []
    end = time.monotonic() + seconds
    clients.start()
    try:
        while time.monotonic() < end:
            _update(server, spec, version + 1)
            version += 1
            sizes.append(server.footprint().megabytes)
            time.sleep(min(1.0, max(0.0, end - time.monotonic())))
    finally:
        clients.stop()
    until(lambda: _in_flight(server) == 0)
    return version, median(sizes)


def _update(server: ServerProcess, spec: ServiceSpec, version: int) -> None:
    model = codec.encode(replace(spec.own, version=version))
    for change, document in (
        ("load", {"slot": "m", "model": model}),
        ("activate", {"versions": {"m": version}}),
        ("unload", {"slot": "m", "version": version - 1}),
    ):
        status, answer = call(server.private, "POST", f"/admin/models/{change}", json.dumps(document))
        assert status == 200, answer


def _in_flight(server: ServerProcess) -> float:
    _, text = call(server.private, "GET", "/metrics")
    lines = [line for line in text.decode().splitlines() if line.startswith("sqlrec_requests_in_flight")]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


def _stream(rows: int) -> bytes:
    batch = pa.record_batch({"a": pa.array([1] * rows), "b": pa.array([2] * rows)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def _tensors(rows: int) -> bytes:
    inputs = [{"name": n, "datatype": "INT64", "shape": [rows], "data": [1] * rows} for n in ("a", "b")]
    return json.dumps({"inputs": inputs}).encode()


def main(minutes: float) -> int:
    """Soak a small model; 1 when the server grew, lost something or answered wrongly."""
    from tests.serving.conftest import export, make_add_model, service_spec

    with tempfile.TemporaryDirectory() as folder:
        model = export(Path(folder) / "model", *make_add_model(), sample=[{"a": 1, "b": 2}])
        soaked = soak(service_spec(model), Path(folder) / "server", minutes * 60)
    print(json.dumps({**asdict(soaked), "growth": round(soaked.growth, 1)}, indent=2))
    return int(bool(soaked.wrong) or soaked.growth > MARGIN or soaked.after.threads > soaked.warm.threads)


MARGIN = 32.0
"""Megabytes between two measurements at rest that are heaps' chance."""

if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0))
