"""Patience with an API server: what is asked again and for how long, without a server."""

from __future__ import annotations

import json
from typing import Any

import pytest
import urllib3
from urllib3.exceptions import NewConnectionError, ProtocolError, ReadTimeoutError, SSLError

from sqlrec.errors import OptionError, RemoteError, SetupError
from sqlrec.runtimes.kubernetes.rest import Closing, Connection

POOL = urllib3.connectionpool.HTTPConnectionPool("h", 1)
REFUSED = NewConnectionError(POOL, "refused")  # type: ignore[arg-type]  # it only names the connection
RESET = ProtocolError("Connection aborted.", ConnectionResetError(104, "Connection reset by peer"))
SLOW = ReadTimeoutError(POOL, "/", "Read timed out.")


class Impatient(Closing):
    """Notes pauses in place of waiting, and closes after so many of them."""

    def __init__(self, limit: int = 1000) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self._limit = limit

    def pause(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        return len(self.pauses) > self._limit


class Server:
    """Answers in turn; the last one for ever."""

    def __init__(self, *answers: int | Exception, body: object = None, **headers: str) -> None:
        self.answers = list(answers)
        self.body = json.dumps({"message": "m"} if body is None else body).encode()
        self.headers = {key.replace("_", "-"): value for key, value in headers.items()}
        self.asked: list[tuple[str, str, dict[str, Any]]] = []

    def request(self, method: str, url: str, **more: Any) -> urllib3.BaseHTTPResponse:
        self.asked.append((method, url, more))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return urllib3.HTTPResponse(self.body, status=answer, headers=self.headers)


def connection(server: Server, closing: Closing | None = None, patience: float = 90.0) -> Connection:
    def authorize(headers: dict[str, str]) -> None:
        headers["authorization"] = "Bearer t"

    return Connection(server, "http://h:1/", authorize, patience=patience, closing=closing or Impatient())


@pytest.mark.parametrize("trouble", [REFUSED, RESET, SLOW, 429, 500, 502, 503, 504])
def test_trouble_that_may_pass_is_asked_again(trouble: int | Exception) -> None:
    server, closing = Server(trouble, trouble, 200), Impatient()
    answer = connection(server, closing).call("POST", "/x", query={"a": "b c"}, body={"k": 1})
    assert (answer.status, answer.attempts) == (200, 3)
    assert [(method, url) for method, url, _ in server.asked] == [("POST", "http://h:1/x?a=b+c")] * 3
    assert server.asked[0][2]["body"] == b'{"k": 1}'
    assert server.asked[0][2]["headers"]["authorization"] == "Bearer t"
    first, second = closing.pauses
    assert 0.1 < first < second < 1


@pytest.mark.parametrize("status", [404, 409, 410])
def test_what_means_something_is_an_answer(status: int) -> None:
    answer = connection(Server(status)).call("GET", "/x")
    assert (answer.status, answer.body, answer.attempts) == (status, {"message": "m"}, 1)


def test_the_server_says_how_long_to_wait() -> None:
    closing = Impatient()
    connection(Server(429, 200, Retry_After="7"), closing).call("GET", "/x")
    assert closing.pauses == [7.0]


@pytest.mark.parametrize("trouble", [REFUSED, 503])
def test_patience_ends(trouble: int | Exception) -> None:
    with pytest.raises(RemoteError, match="http://h:1 does not answer") as caught:
        connection(Server(trouble), patience=0.0).call("GET", "/x")
    error = caught.value
    assert (error.code, error.retriable) == ("SR741", True)
    assert error.status == (503 if trouble == 503 else None)


def test_patience_ends_when_nobody_waits_any_more() -> None:
    closing = Impatient(limit=2)
    with pytest.raises(RemoteError, match="does not answer"):
        connection(Server(REFUSED), closing).call("GET", "/x")
    assert len(closing.pauses) == 3


def test_a_wrong_certificate_is_not_waited_for() -> None:
    closing = Impatient()
    server = Server(SSLError("certificate verify failed: self-signed certificate"))
    with pytest.raises(RemoteError, match="self-signed certificate"):
        connection(server, closing).call("GET", "/x")
    assert closing.pauses == []


def test_an_unknown_host_is_named_without_urllib3s_words() -> None:
    error = NewConnectionError(POOL, "Failed to establish a new connection: [Errno 111] Connection refused")  # type: ignore[arg-type]
    with pytest.raises(RemoteError) as caught:
        connection(Server(error), patience=0.0).call("GET", "/x")
    assert caught.value.message == (
        "the API server http://h:1 does not answer: "
        "Failed to establish a new connection: [Errno 111] Connection refused"
    )


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (401, SetupError, "SR742"),
        (400, OptionError, "SR744"),
        (403, OptionError, "SR744"),
        (422, OptionError, "SR744"),
        (405, RemoteError, "SR741"),
    ],
)
def test_refusals(status: int, kind: type[OptionError], code: str) -> None:
    with pytest.raises(kind, match="m") as caught:
        connection(Server(status)).call("POST", "/x")
    assert caught.value.code == code


def test_credentials_that_cannot_be_had() -> None:
    def authorize(headers: dict[str, str]) -> None:
        raise OSError("aws: command not found")

    with pytest.raises(SetupError, match="aws: command not found") as caught:
        Connection(Server(200), "http://h:1", authorize).call("GET", "/x")
    assert caught.value.code == "SR742"


@pytest.mark.parametrize(("status", "text"), [(200, '"a\\n"'), (404, ""), (400, "")])
def test_texts(status: int, text: str) -> None:
    assert connection(Server(status, body="a\n")).text("/log", {}) == text


def test_a_text_that_its_machine_does_not_give() -> None:
    assert connection(Server(500), patience=0.0).text("/log", {}) == ""
    with pytest.raises(RemoteError):
        connection(Server(REFUSED), patience=0.0).text("/log", {})


def test_lines_without_the_right_to_them() -> None:
    closing = Closing()
    body = {"message": 'pods "p" is forbidden: User "u" cannot get resource "pods/log" in API group ""'}
    server = Server(403, body=body)
    with pytest.raises(SetupError, match="not allowed to get pods/log"):
        list(connection(server).lines("/log", {}, seconds=1.0, closing=closing))
    for trouble in (REFUSED, 404, 500):
        assert list(connection(Server(trouble)).lines("/log", {}, seconds=1.0, closing=closing)) == []
    closing.close()
    assert list(connection(Server(200)).lines("/log", {}, seconds=1.0, closing=closing)) == []


def test_a_page_that_is_no_json_is_quoted() -> None:
    server = Server(405)
    server.body = b"<html>Not here</html>"
    with pytest.raises(RemoteError, match="Not here"):
        connection(server).call("GET", "/x")
