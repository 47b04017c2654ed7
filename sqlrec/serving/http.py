"""HTTP/1.1 messages: bytes in, whole requests out.

httptools does the parsing; this module keeps the rules around it: the head and the body are bounded
while they arrive, ``Expect`` is answered, and a request that asks for an upgrade (some Java clients do,
on every first request) is read like any other, with the offer left unanswered.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpRequestParser

from sqlrec.serving.config import Limits
from sqlrec.serving.errors import RequestError

TARGET_BYTES = 8192
_KEPT = frozenset(
    (
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"expect",
        b"host",
        b"transfer-encoding",
        b"x-request-id",
    )
)


@dataclass(frozen=True, slots=True)
class Message:
    """A request as it came. Header names are in lower case; ``started`` is when its first byte came."""

    method: str
    target: bytes
    http10: bool
    headers: dict[bytes, bytes]
    body: bytes
    keep_alive: bool
    started: float

    @property
    def path(self) -> str:
        """The path of the target, without query; also of the absolute form that proxies send."""
        target = self.target.partition(b"?")[0]
        if target[:7].lower() == b"http://":
            target = b"/" + target[7:].partition(b"/")[2]
        return target.decode("latin-1")


class MessageSink(Protocol):
    """Takes what a :class:`MessageParser` finds."""

    def continue_expected(self) -> None:
        """The client waits for ``100 Continue`` before it sends the body."""

    def message_received(self, message: Message) -> None:
        """A request is complete."""


class MessageParser:
    """Requests of one connection. ``busy``: a request has begun and is not complete."""

    def __init__(self, sink: MessageSink, limits: Limits) -> None:
        self._sink = sink
        self._limits = limits
        self._parser = HttpRequestParser(self)
        self._in_head = False
        self._upgrade_body = 0
        self.busy = False
        self.started = 0.0
        self.size = 0
        self._headers: dict[bytes, bytes] = {}

    def feed(self, data: bytes) -> None:
        """Parse; raises ``RequestError`` (SR655, SR661), after which the connection cannot be read on."""
        begun = self._headers if self.busy else None
        try:
            self._feed(data)
        except HttpParserCallbackError as error:
            raise error.__context__ or error from None
        except HttpParserError as error:
            raise RequestError("SR661", f"this is not HTTP/1.1: {error}") from None
        if self.busy and self._headers is begun:  # all of the data belongs to this one message
            self._count_overhead(len(data))

    def _feed(self, data: bytes) -> None:
        while data:
            if self._upgrade_body:
                data = self._take_upgrade_body(data)
                continue
            try:
                self._parser.feed_data(data)
                return
            except HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
                self._parser = HttpRequestParser(self)

    def _take_upgrade_body(self, data: bytes) -> bytes:
        """Read on by hand: httptools leaves the body of an upgrade request unread."""
        part, rest = data[: self._upgrade_body], data[self._upgrade_body :]
        self._upgrade_body -= len(part)
        self.on_body(part)
        if not self._upgrade_body:
            self._complete()
        return rest

    def _count_overhead(self, received: int) -> None:
        """Bound what is neither body nor, at one byte a chunk, its chunks: heads, trailers, extensions."""
        self._received += received
        if self._received > self._limits.head_bytes + 8 * self.size:
            raise _head_too_large(self._limits.head_bytes)

    def on_message_begin(self) -> None:
        """Called by httptools."""
        self.busy = self._in_head = True
        self.started = time.monotonic()
        self.size = self._head_size = self._received = 0
        self._target = b""
        self._headers = {}
        self._body: list[bytes] = []

    def on_url(self, part: bytes) -> None:
        """Called by httptools, also with parts."""
        self._target += part
        if len(self._target) > TARGET_BYTES:
            message = f"the request target is longer than {TARGET_BYTES} bytes"
            raise RequestError("SR661", message, status=HTTPStatus.REQUEST_URI_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by httptools with a whole header or trailer."""
        self._head_size += len(name) + len(value) + 4
        if self._head_size > self._limits.head_bytes:
            raise _head_too_large(self._limits.head_bytes)
        name = name.lower()
        if name in _KEPT and self._in_head:
            self._headers[name] = value

    def on_headers_complete(self) -> None:
        """Called by httptools: decide whether the body is wanted."""
        self._in_head = False
        headers = self._headers
        self._method = self._parser.get_method().decode("latin-1")
        self._http10 = self._parser.get_http_version() == "1.0"
        self._keep_alive = self._parser.should_keep_alive() and self._method != "CONNECT"
        if not self._http10 and b"host" not in headers:
            raise RequestError("SR661", "the request has no Host header")
        length = int(headers.get(b"content-length", b"0"))
        if length > self._limits.body_bytes:
            raise self._body_too_large()
        expect = headers.get(b"expect")
        if expect is None or self._http10:
            return
        if expect.lower() != b"100-continue":
            message = "the only expectation that can be met is 100-continue"
            raise RequestError("SR661", message, status=HTTPStatus.EXPECTATION_FAILED)
        if length or b"transfer-encoding" in headers:
            self._sink.continue_expected()

    def on_body(self, part: bytes) -> None:
        """Called by httptools."""
        self.size += len(part)
        if self.size > self._limits.body_bytes:
            raise self._body_too_large()
        self._body.append(part)

    def on_message_complete(self) -> None:
        """Called by httptools; for an upgrade request before its body."""
        if not self._parser.should_upgrade():
            self._complete()
            return
        if b"transfer-encoding" in self._headers:
            raise RequestError("SR661", "a chunked request cannot ask for an upgrade")
        self._upgrade_body = int(self._headers.get(b"content-length", b"0"))
        if not self._upgrade_body:
            self._complete()

    def _complete(self) -> None:
        self.busy = False
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._sink.message_received(
            Message(
                self._method, self._target, self._http10, self._headers, body, self._keep_alive, self.started
            )
        )

    def _body_too_large(self) -> RequestError:
        return RequestError(
            "SR655",
            f"the body is larger than {self._limits.body_bytes} bytes",
            status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            hint="send the rows in several requests",
        )


def _head_too_large(limit: int) -> RequestError:
    message = f"the request head is larger than {limit} bytes"
    return RequestError("SR661", message, status=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
