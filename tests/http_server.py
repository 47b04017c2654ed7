"""Small HTTP servers of tests, which other programs or threads ask."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.certificates import over_tls


class Handler(BaseHTTPRequestHandler):
    """Reads and answers whole bodies, and writes nothing to the standard error."""

    def body(self) -> bytes:
        """What was sent."""
        return self.rfile.read(int(self.headers["Content-Length"]))

    def answer(self, status: int, body: bytes = b"") -> None:
        """Send a status and a body."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def listening(handler: type[Handler], *, tls: Path | None = None) -> Iterator[str]:
    """Serve on a free port until the block is left; gives the address, such as ``http://127.0.0.1:8080``.

    Over TLS with the certificate and key of a PEM file.
    """
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        if tls is not None:
            over_tls(server, tls)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http{'s' * (tls is not None)}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
