"""One client connection: requests are handed on as they come, answers go back in their order.

An own ``asyncio.Protocol``, without ASGI, because a frame of tasks and dictionaries a request would cost
more than the prediction.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from sqlrec.serving.errors import RequestError, not_ready
from sqlrec.serving.http import Head, MessageParser
from sqlrec.serving.tracing import begun, given_back, parent_of

if TYPE_CHECKING:
    from sqlrec.serving.connections import Connections

JSON = b"application/json"
PIPELINE = 32
"""Requests of one connection that may wait for answers before it is read on."""
OVERFLOW = 256
"""Connections above the limit that are told so; more are dropped without a word."""
LINGER_SECONDS = 2.0
LINGER_BYTES = 64 * 1024 * 1024
"""How long and how much is still read, and thrown away, after a refusal: closing a socket with unread
bytes resets it, and the client might never see why it was refused."""

OK = HTTPStatus.OK
STATUS_LINES = [b""] * 600
for _status in HTTPStatus:  # a list, because a member of an Enum is slow to hash
    STATUS_LINES[_status] = f"HTTP/1.1 {_status.value} {_status.phrase}\r\n".encode()
_NO_HEAD = Head("", b"", {}, http10=False, keep_alive=False)
"""Of what is answered though it could not be read."""


class Request:
    """A request to be answered, now or later, from the event loop's thread."""

    __slots__ = ("_connection", "_head", "answer", "body", "path", "private", "started")

    def __init__(self, connection: Connection, head: Head, body: bytes, started: float) -> None:
        self._connection = connection
        self._head = head
        self.path = head.path
        self.body = body
        self.started = started
        self.private = connection.private
        self.answer: tuple[HTTPStatus, bytes, bytes] | None = None

    @property
    def usual(self) -> bool:
        """Whether it sends JSON by HTTP/1.1 and asks for nothing but an answer."""
        return self._head.usual

    @property
    def method(self) -> str:
        """``GET``, ``POST`` …."""
        return self._head.method

    @property
    def abandoned(self) -> bool:
        """Whether the client has gone."""
        return self._connection.closed

    @property
    def client(self) -> str:
        """The client's address."""
        return self._connection.peer

    @property
    def keep_alive(self) -> bool:
        """Whether the client wants to use the connection again."""
        return self._head.keep_alive

    @property
    def request_id(self) -> str:
        """The client's own id of the request, or an empty string."""
        return self._head.request_id

    def header(self, name: bytes) -> str:
        """A header's value, or an empty string. Only those that the server knows are kept."""
        return self._head.headers.get(name, "")

    def respond(
        self,
        status: HTTPStatus,
        body: bytes,
        *,
        content_type: bytes = JSON,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Answer, once; it goes out when all earlier requests of the connection are answered."""
        head = b"Content-Type: %b\r\nContent-Length: %d\r\n" % (content_type, len(body))
        for name, value in headers:
            head += f"{name}: {value}\r\n".encode("latin-1")
        if self._head.http10 and self._head.keep_alive:
            head += b"Connection: keep-alive\r\n"
        self.answer = status, head, b"" if self._head.method == "HEAD" else body
        self._connection.flush()

    def respond_next(self, body: bytes, now: float) -> None:
        """As :meth:`respond` answers a usual request with 200, at less cost where nothing is in the way."""
        head = self._head
        if head.request_id or head.traceparent:
            trace = begun(parent_of(head.traceparent)) if head.traceparent else None
            self.respond(OK, body, headers=given_back(head.request_id, trace))
        elif not self._connection.answer_next(self, body, now):
            self.respond(OK, body)

    def refuse(self, error: RequestError) -> None:
        """Answer with an error."""
        self.respond(error.status, error.body(), headers=error.headers)


class Connection(asyncio.Protocol):
    """State of one socket. Its times are checked by :class:`Connections`."""

    def __init__(self, pool: Connections, *, private: bool) -> None:
        self._pool = pool
        self.private = private
        self._parser = MessageParser(self, pool.limits, pool.heads)
        self._queue: deque[Request] = deque()
        self._transport: asyncio.Transport
        self._reading = True
        self._writing = True
        self._no_more = False  # requests are not read any more
        self._refused = False  # the client may still be sending what nobody will read
        self._ending = False  # the last answer is written
        self._continue_due = False
        self._held = 0
        self._discarded = 0
        self._served = 0
        self._since = time.monotonic()
        self.closed = False

    @property
    def peer(self) -> str:
        """The address of the other end."""
        name = self._transport.get_extra_info("peername")
        return str(name[0]) if name else ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast(asyncio.Transport, transport)
        excess = self._pool.admit(self)
        if excess > OVERFLOW and not self.private:
            self._transport.abort()
        elif excess > 0 and not self.private:
            self._refuse(not_ready("too many connections"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        self.closed = True
        self._queue.clear()
        self._hold(0)
        self._pool.forget(self)

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        if self._no_more:
            self._discarded += len(data)
            if self._discarded > LINGER_BYTES:
                self._transport.abort()
            return
        try:
            parser = self._parser
            parser.feed(data)
            if parser.busy or self._held:
                self._hold(parser.size if parser.busy else 0)
        except RequestError as error:
            if not self._no_more:  # bytes after a request that closes the connection are nobody's
                self._refuse(error)
        if len(self._queue) >= PIPELINE:
            self._regulate()

    def eof_received(self) -> bool:
        """Called by the event loop: the client sends no more, but may wait for answers."""
        self._no_more = True
        return bool(self._queue) and not self._ending

    def pause_writing(self) -> None:
        """Called by the event loop: the client reads too slowly."""
        self._writing = False
        self._since = time.monotonic()
        self._regulate()

    def resume_writing(self) -> None:
        """Called by the event loop."""
        self._writing = True
        self._since = time.monotonic()
        self._regulate()

    def continue_expected(self) -> None:
        """Called by the parser. The interim answer, too, waits for its turn."""
        if self._queue:
            self._continue_due = True
        else:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def message_received(self, head: Head, body: bytes, started: float) -> None:
        """Called by the parser."""
        if self._no_more:
            return
        self._continue_due = False
        self._no_more = not head.keep_alive
        request = Request(self, head, body, started)
        self._queue.append(request)
        self._pool.handler.handle(request)

    def answer_next(self, request: Request, body: bytes, now: float) -> bool:
        """Write an answer with 200 and JSON at once; False when it must wait, or the connection must end."""
        queue, pool = self._queue, self._pool
        if len(queue) != 1 or queue[0] is not request or self._no_more or self._continue_due or pool.draining:
            return False
        queue.clear()
        self._transport.write(b"%b%d\r\n\r\n%b" % (pool.ok, len(body), body))
        self._served += 1
        self._since = now
        return True

    def flush(self) -> None:
        """Write the answers whose turn it is."""
        queue = self._queue
        while queue and not self._ending and (answer := queue[0].answer):
            request = queue.popleft()
            status, head, body = answer
            last = not request.keep_alive or (not queue and self._is_last())
            close = b"Connection: close\r\n\r\n" if last else b"\r\n"
            self._transport.write(b"".join((STATUS_LINES[status], self._pool.date, head, close, body)))
            self._served += 1
            self._since = time.monotonic()
            if last:
                self._end()
        if self._continue_due and not queue:
            self._continue_due = False
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if not self._reading:
            self._regulate()

    def check_time(self, now: float) -> None:
        """Let the client go when it is too slow, or has been at rest for too long."""
        limits, waited = self._pool.limits, now - self._since
        patience = LINGER_SECONDS if self._ending and self._refused else limits.write_timeout
        if (self._ending or not self._writing) and waited > patience:
            self._transport.abort()
        elif self._queue or self._ending:
            return
        elif self._parser.busy and now - self._parser.started > limits.request_timeout:
            message = f"the request did not arrive within {limits.request_timeout:g} s"
            self._refuse(RequestError("SR661", message, status=HTTPStatus.REQUEST_TIMEOUT))
        elif not self._parser.busy and waited > limits.idle_timeout:
            self._transport.close()

    def is_busy(self, now: float) -> bool:
        """Whether a request is being received or answered, or a new connection may be about to send one."""
        fresh = not self._served and now - self._since < LINGER_SECONDS
        return not self.closed and (bool(self._queue) or self._parser.busy or self._ending or fresh)

    def close(self) -> None:
        """Close at once, after what is written already."""
        self._transport.close()

    def _refuse(self, error: RequestError) -> None:
        """Answer with an error, after the earlier answers, and end: what follows cannot be read."""
        self._no_more = self._refused = True
        self._hold(0)
        self._pool.handler.refused(error)
        request = Request(self, _NO_HEAD, b"", time.monotonic())
        self._queue.append(request)
        request.refuse(error)

    def _is_last(self) -> bool:
        return self._no_more or (self._pool.draining and not self._parser.busy)

    def _end(self) -> None:
        self._ending = self._no_more = True
        self._queue.clear()
        if self._refused and self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def _hold(self, size: int) -> None:
        """Count the body bytes held in memory; raises ``RequestError`` when all connections hold too much."""
        if size != self._held:
            self._pool.held_bytes += size - self._held
            self._held = size
            if size and self._pool.held_bytes > self._pool.limits.queue_bytes:
                raise not_ready("too many request bodies are being received")

    def _regulate(self) -> None:
        """Read only while the client takes its answers and few of them are due."""
        wanted = self._writing and len(self._queue) < PIPELINE
        if wanted != self._reading and not self.closed and not self._transport.is_closing():
            self._reading = wanted
            (self._transport.resume_reading if wanted else self._transport.pause_reading)()
