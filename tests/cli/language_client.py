"""A client of ``sqlrec lsp``: JSON-RPC over the standard streams of a real process."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

SECONDS = 30


class LanguageClient:
    """Starts the server in a project, opens documents, asks and is told."""

    def __init__(self, project: Path, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sqlrec", "--project", str(project), "lsp", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._received: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._last = 0
        self.notes: list[dict[str, Any]] = []
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def initialize(self, *encodings: str) -> Any:
        general = {"positionEncodings": list(encodings)} if encodings else {}
        answer = self.ask("initialize", processId=None, rootUri=None, capabilities={"general": general})
        self.tell("initialized")
        return answer

    def open(self, uri: str, text: str) -> None:
        document = {"uri": uri, "languageId": "sql", "version": 1, "text": text}
        self.tell("textDocument/didOpen", textDocument=document)

    def change(self, uri: str, text: str, version: int) -> None:
        document = {"uri": uri, "version": version}
        self.tell("textDocument/didChange", textDocument=document, contentChanges=[{"text": text}])

    def ask(self, method: str, **params: Any) -> Any:
        """The result of a request."""
        self._last += 1
        self._send({"jsonrpc": "2.0", "id": self._last, "method": method, "params": params})
        while True:
            message = self._next()
            if message.get("id") == self._last and "method" not in message:
                assert "error" not in message, message["error"]
                return message["result"]
            self.notes.append(message)

    def at(self, method: str, uri: str, line: int, character: int) -> Any:
        """The result of a request about a place."""
        place = {"line": line, "character": character}
        return self.ask(f"textDocument/{method}", textDocument={"uri": uri}, position=place)

    def tell(self, method: str, **params: Any) -> None:
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def told(self, method: str) -> Any:
        """The next notification of a kind."""
        while True:
            for note in self.notes:
                if note.get("method") == method:
                    self.notes.remove(note)
                    return note["params"]
            self.notes.append(self._next())

    def leave(self) -> int:
        """Shut the server down; gives its exit status."""
        self.ask("shutdown")
        self.tell("exit")
        return self._process.wait(SECONDS)

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        body = json.dumps(message).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _next(self) -> dict[str, Any]:
        message = self._received.get(timeout=SECONDS)
        assert message is not None, "the server has ended"
        return message

    def _read(self) -> None:
        out = self._process.stdout
        assert out is not None
        while True:
            length = 0
            while (line := out.readline().strip()) or not length:
                if not line:
                    self._received.put(None)
                    return
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            self._received.put(json.loads(out.read(length)))
