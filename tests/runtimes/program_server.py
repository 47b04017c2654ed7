"""A real predict server for the runtime's tests, in the shape the runtime starts: see ``replicas.py``.

It answers the checkpoint it serves. Options of the service: ``behave`` = ``crash`` (dies at the start),
``never`` (never ready), ``wrong`` (answers the wrong checkpoint), ``shy`` (refuses to join the port).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def argument(name: str) -> str:
    return sys.argv[sys.argv.index(name) + 1]


SPEC = json.loads(Path(argument("--spec")).read_text())["value"]
BEHAVE = SPEC["options"].get("behave", "")


class Shared(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        super().server_bind()


class Handler(BaseHTTPRequestHandler):
    public: Shared | None = None

    def do_GET(self) -> None:
        self.reply(503 if BEHAVE == "never" else 200)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/admin/activate":
            self.activate()
        else:
            self.reply(200)

    def activate(self) -> None:
        if BEHAVE == "shy":
            self.reply(500)
            return
        Handler.public = Shared(("127.0.0.1", int(argument("--port"))), Handler)
        threading.Thread(target=Handler.public.serve_forever, args=(0.02,)).start()
        self.reply(200)

    def reply(self, status: int) -> None:
        checkpoint = "other" if BEHAVE == "wrong" else SPEC["models"][0]["checkpoint"]
        body = json.dumps({"checkpoint": checkpoint, "pid": os.getpid()}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


def main() -> None:
    if BEHAVE == "crash":
        sys.exit("cannot load model.onnx: no such file")
    private = Shared(("127.0.0.1", int(argument("--private-port"))), Handler)

    def drain(number: int, frame: object) -> None:
        def finish() -> None:
            time.sleep(0.1)
            if Handler.public is not None:
                Handler.public.shutdown()
                Handler.public.timeout = 0
                for _ in range(100):
                    Handler.public.handle_request()
                Handler.public.server_close()
            private.shutdown()

        threading.Thread(target=finish).start()

    signal.signal(signal.SIGTERM, drain)
    print("loading", flush=True)
    print(json.dumps({"event": "listening", "private_port": private.server_address[1]}), flush=True)
    private.serve_forever(0.02)
    private.server_close()
    print("drained", flush=True)


if __name__ == "__main__":
    main()
