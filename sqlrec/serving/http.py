"""HTTP/1.1 messages: bytes in, whole requests out.

httptools does the parsing; this module keeps the rules around it: the head and the body are bounded
while they arrive, ``Expect`` is answered, and a request that asks for an upgrade (some Java clients do,
on every first request) is read like any other, with the offer left unanswered.

A client that keeps its connection sends the same head again and again. What httptools made of a head is
kept by its bytes in :class:`Heads`, and a message that comes whole under a known head is not parsed anew;
under the head of the message before, not even its end is looked for.
"""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Protocol

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpRequestParser

from sqlrec.serving.config import Limits
from sqlrec.serving.errors import RequestError

TARGET_BYTES = 8192
_KEPT = frozenset(
    (
        b"accept",
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"expect",
        b"host",
        b"inference-header-content-length",
        b"traceparent",
        b"transfer-encoding",
        b"x-request-id",
        b"x-sqlrec-key",
        b"x-request-timeout-ms",
    )
)
_USUAL = frozenset(
    (
        b"accept",
        b"authorization",
        b"content-length",
        b"content-type",
        b"host",
        b"traceparent",
        b"x-request-id",
    )
)
"""Headers of requests that any way of answering heeds; the token was checked before."""
_UNIQUE = frozenset((b"expect", b"traceparent", b"transfer-encoding", b"x-request-id"))
"""Headers of heads that are not worth keeping, or whose body has no length told before."""


ID_CHARACTERS = 128


class Head:
    """The head of a request. Header names are in lower case; of the headers, those the server reads.

    ``request_id`` is the client's own, cut to ``ID_CHARACTERS``, or empty, as is ``traceparent``. ``usual``:
    it sends JSON by HTTP/1.1 and asks for nothing but an answer.
    """

    __slots__ = (
        *("headers", "http10", "keep_alive", "method", "path", "request_id"),
        *("target", "traceparent", "usual"),
    )

    def __init__(
        self, method: str, target: bytes, headers: dict[bytes, str], *, http10: bool, keep_alive: bool
    ) -> None:
        self.method = method
        self.target = target
        self.headers = headers
        self.http10 = http10
        self.keep_alive = keep_alive
        self.path = _path(target)
        self.request_id = headers.get(b"x-request-id", "")[:ID_CHARACTERS]
        self.traceparent = headers.get(b"traceparent", "")
        media_type = headers.get(b"content-type", "application/json")
        plain = method == "POST" and media_type == "application/json" and not http10
        self.usual = plain and headers.keys() <= _USUAL


def _path(target: bytes) -> str:
    """The path of a target, without query; also of the absolute form that proxies send."""
    target = target.partition(b"?")[0]
    if target[:7].lower() == b"http://":
        target = b"/" + target[7:].partition(b"/")[2]
    return target.decode("latin-1")


class Heads:
    """Heads by their bytes, with the lengths of their bodies; bounded, and shared by all connections."""

    SIZE = 1024
    HEAD_BYTES = 2048

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[Head, int]] = {}
        self.get = self._known.get

    def add(self, raw: bytes, head: Head, length: int) -> None:
        """Keep a head that comes again, unless the connection's state or the body's end depends on more."""
        if len(raw) > self.HEAD_BYTES or head.http10 or not head.keep_alive or not _is_plain(raw):
            return
        if _UNIQUE.isdisjoint(head.headers):
            if len(self._known) >= self.SIZE:
                self._known.clear()
            self._known[raw] = head, length


def _is_plain(raw: bytes) -> bool:
    """Whether the first empty line of these bytes can only be the end of a head that begins with them."""
    return raw[:1].isalpha() and raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")


class MessageSink(Protocol):
    """Takes what a :class:`MessageParser` finds."""

    def continue_expected(self) -> None:
        """The client waits for ``100 Continue`` before it sends the body."""

    def message_received(self, head: Head, body: bytes, started: float) -> None:
        """A request is complete; ``started`` is when its first byte came."""


class MessageParser:
    """Requests of one connection. ``busy``: a request has begun and is not complete."""

    def __init__(self, sink: MessageSink, limits: Limits, heads: Heads) -> None:
        self._sink = sink
        self._limits = limits
        self._heads = heads
        self._raw = b""
        self._last = b""  # the last known head, itself read, and how long a message under it is
        self._last_head: Head
        self._last_size = 0
        self._parser = HttpRequestParser(self)
        self._in_head = False
        self._upgrade_body = 0
        self.busy = False
        self.started = 0.0
        self.size = 0
        self._headers: dict[bytes, bytes] = {}

    def feed(self, data: bytes) -> None:
        """Parse; raises ``RequestError`` (SR655, SR661), after which the connection cannot be read on."""
        if not self.busy and self._take_known(data):
            return
        begun = self._headers if self.busy else None
        try:
            self._feed(data)
        except HttpParserCallbackError as error:
            raise error.__context__ or error from None
        except HttpParserError as error:
            raise RequestError("SR661", f"this is not HTTP/1.1: {error}") from None
        if self.busy and self._headers is begun:  # all of the data belongs to this one message
            self._count_overhead(len(data))

    def _take_known(self, data: bytes) -> bool:
        """Whether this was one whole message under a known head; called between messages."""
        if len(data) != self._last_size or not data.startswith(self._last):
            end = data.find(b"\r\n\r\n") + 4
            raw = data[:end]
            known = self._heads.get(raw)
            if not known or len(data) - end != known[1]:
                self._raw = raw if end > 3 else b""
                return False
            self._last, self._last_head, self._last_size = raw, known[0], len(data)
        self._sink.message_received(self._last_head, data[len(self._last) :], time.monotonic())
        return True

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
        method = self._parser.get_method().decode("latin-1")
        http10 = self._parser.get_http_version() == "1.0"
        keep_alive = self._parser.should_keep_alive() and method != "CONNECT"
        values = {name: value.decode("latin-1") for name, value in headers.items()}
        self._head = Head(method, self._target, values, http10=http10, keep_alive=keep_alive)
        if not http10 and b"host" not in headers:
            raise RequestError("SR661", "the request has no Host header")
        length = int(headers.get(b"content-length", b"0"))
        if length > self._limits.body_bytes:
            raise self._body_too_large()
        raw, self._raw = self._raw, b""
        if raw and not self._parser.should_upgrade():
            self._heads.add(raw, self._head, length)
        expect = headers.get(b"expect")
        if expect is None or http10:
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
        self._sink.message_received(self._head, body, self.started)

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
