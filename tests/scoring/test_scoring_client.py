"""The HTTP client against a real server: what is retried, how long it waits, what it says."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from sqlrec.errors import RemoteError, StateError
from sqlrec.scoring.client import ServiceClient
from tests.predict_server import Reply, Service, ok, running


@pytest.fixture
def service() -> Iterator[Service]:
    with running() as started:
        yield started


def ask(
    url: str, *, times: int = 1, attempts: int = 4, timeout: float = 5.0
) -> tuple[list[object], int, int]:
    """Answers, requests and retries of ``times`` calls one after the other."""

    async def calls() -> tuple[list[object], int, int]:
        async with ServiceClient("s", url, attempts=attempts, timeout=timeout, backoff=0.01) as client:
            answers = [await client.predict(b"[1]") for _ in range(times)]
            return answers, client.requests, client.retries

    return asyncio.run(calls())


def failure(url: str, *, attempts: int = 4, timeout: float = 5.0) -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        ask(url, attempts=attempts, timeout=timeout)
    return caught.value


def test_a_connection_is_used_again(service: Service) -> None:
    service.script(ok({"probs": [0.5]}))
    answers, requests, retries = ask(service.url, times=3)
    assert answers == [{"probs": [0.5]}] * 3
    assert (requests, retries) == (3, 0)
    assert len(service.clients) == 1


@pytest.mark.parametrize("status", [429, 503, 504, 0])
def test_failures_that_may_pass_are_tried_again(service: Service, status: int) -> None:
    service.script(Reply(status=status), Reply(status=status), ok({"a": 1}))
    assert ask(service.url) == ([{"a": 1}], 3, 2)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 502])
def test_other_failures_are_not(service: Service, status: int) -> None:
    service.script(Reply(status=status, body=b'{"error": "row 3, column age: expected an integer"}'))
    error = failure(service.url)
    assert len(service.requests) == 1
    assert (error.code, error.status, error.retriable) == ("SR611", status, False)
    assert "service s" in error.message
    assert str(status) in error.message
    assert "row 3, column age" in error.message


OWN = b'{"error": {"code": "SR653", "message": "row 0, column age: expected an integer"%s, "row": 0}}'


@pytest.mark.parametrize(("hint", "says"), [(b', "hint": "send null"', "send null"), (b"", "")])
def test_an_error_of_our_servers_is_told_in_words(service: Service, hint: bytes, says: str) -> None:
    service.script(Reply(status=422, body=OWN % hint))
    error = failure(service.url)
    assert error.message.endswith(": row 0, column age: expected an integer (SR653)")
    assert (error.code, error.hint) == ("SR611", says)


def test_an_error_shows_five_hundred_characters(service: Service) -> None:
    service.script(Reply(status=400, body=b"x" * 300 + "é".encode() * 1000))
    assert failure(service.url).message.count("é") == 200


def test_tries_end(service: Service) -> None:
    service.script(Reply(status=503, body=b"draining"))
    error = failure(service.url, attempts=3)
    assert len(service.requests) == 3
    assert error.retriable
    assert "draining (3 tries)" in error.message


def test_retry_after_is_heeded(service: Service) -> None:
    def seconds(wait: str) -> float:
        service.script(Reply(status=429, headers=(("Retry-After", wait),)), ok({}))
        began = time.monotonic()
        ask(service.url)
        return time.monotonic() - began

    assert seconds("1") >= 1.0
    assert seconds(format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)) >= 0.8
    assert seconds("nonsense") < 0.8


def test_silence_is_a_timeout(service: Service) -> None:
    service.script(Reply(delay=0.5), Reply(delay=0.5), ok({"late": False}))
    assert ask(service.url, timeout=0.1)[0] == [{"late": False}]
    service.script(Reply(delay=0.3))
    error = failure(service.url, timeout=0.05, attempts=2)
    assert (error.code, error.retriable) == ("SR610", True)
    assert "no answer in time" in error.message


def test_a_service_that_is_down() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/predict"
        error = failure(url, attempts=2)
    assert (error.code, error.retriable) == ("SR610", True)
    assert url in error.message
    assert "(2 tries)" in error.message


@pytest.mark.parametrize("url", ["nonsense", "ftp://x/predict", "http://[::1"])
def test_an_url_that_is_none(url: str) -> None:
    error = failure(url)
    assert (error.code, error.retriable) == ("SR610", False)


def test_no_url() -> None:
    with pytest.raises(StateError, match="service s has no URL"):
        ServiceClient("s", "")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"a": [1,}', "at line 1, column 10"),
        (b'{"a":\n NaN}', "at line 2, column 2"),
        (b"", "it is empty"),
        (b"<html>Not me</html>", "Not me"),
        (b"\xff", "invalid JSON"),
    ],
)
def test_answers_that_are_no_json(service: Service, body: bytes, words: str) -> None:
    service.script(Reply(body=body))
    error = failure(service.url)
    assert len(service.requests) == 1
    assert (error.code, error.retriable) == ("SR612", False)
    assert "service s returned invalid JSON" in error.message
    assert words in error.message
