"""Messages are the same however their bytes arrive, and whether their heads were seen before or not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlrec.serving.config import Limits
from sqlrec.serving.errors import RequestError
from sqlrec.serving.http import Head, Heads, MessageParser

LIMITS = Limits(head_bytes=512, body_bytes=256)


class Forgetful(Heads):
    """Knows no head again."""

    def add(self, raw: bytes, head: Head, length: int) -> None:
        pass


class Taken:
    """What a parser found, as plain values."""

    def __init__(self) -> None:
        self.found: list[Any] = []

    def continue_expected(self) -> None:
        self.found.append("continue")

    def message_received(self, head: Head, body: bytes, started: float) -> None:
        assert started > 0
        self.found.append((head.method, head.target, head.http10, head.keep_alive, dict(head.headers), body))


def parsed(pieces: list[bytes], heads: Heads) -> list[Any]:
    """Everything up to the first error or the first message that ends the connection."""
    sink = Taken()
    parser = MessageParser(sink, LIMITS, heads)
    for piece in pieces:
        try:
            parser.feed(piece)
        except RequestError as error:
            sink.found.append((error.status, error.message))
            break
    for place, item in enumerate(sink.found):
        if isinstance(item, tuple) and len(item) == 6 and not item[3]:
            return sink.found[: place + 1]
    return sink.found


def post(body: bytes, *lines: bytes) -> bytes:
    return b"\r\n".join(
        [b"POST /predict HTTP/1.1", b"Host: x", *lines, b"Content-Length: %d" % len(body), b"", body]
    )


MESSAGES = [
    post(b"[1]"),
    post(b"[2]"),
    post(b"[22]"),
    post(b""),
    post(b"\r\n\r\n"),
    post(b"[1]", b"Content-Type: application/json"),
    post(b"[1]", b"X-Request-Id: 7"),
    post(b"[1]", b"Connection: close"),
    post(b"[1]", b"Connection: Upgrade", b"Upgrade: h2c"),
    post(b"[1]", b"Expect: 100-continue"),
    post(b"x" * 300),
    b"\r\n" + post(b"[1]"),
    b"\r\n\r\n" + post(b"[1]"),
    post(b"[1]").replace(b"\r\n", b"\n"),
    post(b"[1]").replace(b"Host: x\r\n", b"Host: x\n"),
    post(b"[1]").replace(b"Host: x", b"Host: x\r"),
    post(b"[1]").replace(b"Host: x", b"Host: x\r\n folded"),
    b"POST / HTTP/1.1\nHost: x\n\n" + post(b"[1]"),
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 9\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 600 + b"\r\n\r\n",
    b"\x16\x03\x01",
    b"POST",
    b"\r",
]


@st.composite
def arrivals(draw: st.DrawFn) -> list[bytes]:
    """Messages, mostly one a piece, as clients send them; some joined, some cut."""
    pieces: list[bytes] = []
    for message in draw(st.lists(st.sampled_from(MESSAGES), min_size=1, max_size=6)):
        cut = draw(st.integers(0, len(message)) | st.just(0))
        glued = draw(st.sampled_from([False, False, True])) and pieces
        first, rest = message[:cut], message[cut:]
        if glued:
            first = pieces.pop() + first
        pieces += [piece for piece in (first, rest) if piece]
    return pieces


SHARED = Heads()


@settings(max_examples=400)
@given(arrivals())
def test_known_heads_change_nothing(pieces: list[bytes]) -> None:
    expected = parsed(pieces, Forgetful())
    own = Heads()
    assert parsed(pieces, own) == expected
    assert parsed(pieces, own) == expected
    assert parsed(pieces, SHARED) == expected


def known(heads: Heads, message: bytes) -> bool:
    return heads.get(message[: message.find(b"\r\n\r\n") + 4]) is not None


@pytest.mark.parametrize("message", MESSAGES[:6])
def test_the_heads_of_plain_messages_are_kept(message: bytes) -> None:
    heads = Heads()
    parsed([message], heads)
    assert known(heads, message)


@pytest.mark.parametrize("message", [*MESSAGES[6:18], MESSAGES[19], *MESSAGES[20:25]])
def test_other_heads_are_not(message: bytes) -> None:
    heads = Heads()
    parsed([message], heads)
    assert not known(heads, message)


def test_heads_are_kept_only_when_they_came_in_one_piece() -> None:
    heads = Heads()
    parsed([MESSAGES[0][:20], MESSAGES[0][20:]], heads)
    assert not known(heads, MESSAGES[0])


def test_what_is_kept_is_bounded() -> None:
    heads = Heads()
    gets = [b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(3 * Heads.SIZE)]
    parsed(gets, heads)
    assert 0 < sum(known(heads, message) for message in gets) <= Heads.SIZE
    large = MESSAGES[18].replace(b"Host: x", b"Host: x\r\nY: " + b"z" * Heads.HEAD_BYTES)
    sink = Taken()
    MessageParser(sink, Limits(), heads).feed(large)
    assert sink.found
    assert not known(heads, large)


@pytest.mark.parametrize(
    ("headers", "method", "usual"),
    [
        ({}, "POST", True),
        ({b"host": "x", b"content-type": "application/json", b"content-length": "3"}, "POST", True),
        ({b"content-type": "application/vnd.apache.arrow.stream"}, "POST", False),
        ({b"x-request-id": "1"}, "POST", True),
        ({b"traceparent": "1", b"authorization": "Bearer x"}, "POST", True),
        ({b"x-request-timeout-ms": "1"}, "POST", False),
        ({}, "GET", False),
    ],
)
def test_a_usual_head_asks_for_nothing(headers: dict[bytes, str], method: str, usual: bool) -> None:
    assert Head(method, b"/", headers, http10=False, keep_alive=True).usual == usual
    assert not Head(method, b"/", headers, http10=True, keep_alive=True).usual
