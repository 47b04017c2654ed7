"""A real HTTP server of ``/predict`` with scripted or computed answers, for tests of clients."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.certificates import over_tls


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer; ``status`` 0 closes the connection without one."""

    status: int = 200
    body: bytes = b"{}"
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0


def ok(value: object) -> Reply:
    return Reply(body=json.dumps(value).encode())


@dataclass(slots=True)
class Service:
    """``answer`` maps a request, decoded if it is JSON, to a reply; ``requests`` are those that arrived."""

    url: str = ""
    answer: Callable[[Any], Reply] = lambda _: Reply()
    requests: list[Any] = field(default_factory=list)
    clients: set[tuple[str, int]] = field(default_factory=set)
    headers: list[dict[str, str]] = field(default_factory=list)

    def script(self, *replies: Reply) -> None:
        """Give these replies in turn, the last one forever."""
        left = list(replies)
        self.answer = lambda _: left.pop(0) if len(left) > 1 else left[0]


@contextmanager
def running(host: str = "127.0.0.1", *, tls: Path | None = None) -> Iterator[Service]:
    """A service on a free port; over TLS with a certificate and its key from a PEM file."""
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            service.clients.add(self.client_address)
            service.headers.append({name.casefold(): value for name, value in self.headers.items()})
            is_json = self.headers["Content-Type"] == "application/json"
            service.requests.append(json.loads(body) if is_json else body)
            reply = service.answer(service.requests[-1])
            time.sleep(reply.delay)
            if not reply.status:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in (*reply.headers, ("Content-Length", str(len(reply.body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, *_: object) -> None:
            """Clients that go away are part of the tests."""

    with Quiet((host, 0), Handler) as server:
        if tls is not None:
            over_tls(server, tls)
        service.url = f"http{'s' * (tls is not None)}://{host}:{server.server_port}/predict"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()
