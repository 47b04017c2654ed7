"""Requests to an API server that may be restarting, overloaded or out of reach for a while.

Answers that a second try can change (429, 500, 502, 503, 504, refused or broken connections, time-outs) are
asked for again with growing pauses until ``patience`` is spent. A request that changes something may have
been carried out although its answer was lost: ``Answer.attempts`` tells the caller that it has to look.
"""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import HTTPError, NameResolutionError, ProxyError, SSLError

from sqlrec.errors import OptionError, RemoteError, SetupError, SqlRecError
from sqlrec.runtimes.kubernetes.manifest import Manifest

TRANSIENT = frozenset({429, 500, 502, 503, 504})
MEANINGFUL = frozenset({404, 409, 410})
CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0


class Pool(Protocol):
    """What is needed of urllib3's managers of connections, direct or by a proxy."""

    def request(self, method: str, url: str, **kwargs: Any) -> urllib3.BaseHTTPResponse:
        """One request, without retries of its own."""


Authorize = Callable[[dict[str, str]], None]
"""Puts what proves who we are into the headers of a request; refreshes tokens that expire."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status and JSON body of an answer; ``attempts`` counts the requests that it took."""

    status: int
    body: Manifest
    attempts: int = 1


class Closing:
    """Ends what waits for the cluster in another thread: its pauses, and its open answers."""

    def __init__(self) -> None:
        self._closed = threading.Event()
        self._open: set[urllib3.BaseHTTPResponse] = set()
        self._lock = threading.Lock()

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._closed.is_set()

    def close(self) -> None:
        """Say so, and wake whoever waits."""
        self._closed.set()
        with self._lock:
            for response in self._open:
                with suppress(ValueError, RuntimeError, OSError):
                    response.shutdown()

    def pause(self, seconds: float) -> bool:
        """Wait for so long or until closed; whether it is."""
        return self._closed.wait(seconds)

    @contextmanager
    def watches(self, response: urllib3.BaseHTTPResponse) -> Iterator[None]:
        """Make an open answer end when this is closed, and close it in the end."""
        with self._lock:
            self._open.add(response)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(response)
            response.close()


class Connection:
    """One API server at ``host``."""

    def __init__(
        self,
        pool: Pool,
        host: str,
        authorize: Authorize,
        *,
        patience: float = 90.0,
        closing: Closing | None = None,
    ) -> None:
        """``patience``: seconds for which one request is repeated; a third of it before the first answer.

        Repeating ends with ``closing``, too.
        """
        self._pool = pool
        self._closing = closing or Closing()
        self._authorize = authorize
        self._patience = patience
        self._answered = False
        self.host = host.rstrip("/")

    def patient(self, seconds: float, closing: Closing) -> Connection:
        """The same connection with another patience, for who follows what goes on without us."""
        other = Connection(self._pool, self.host, self._authorize, patience=seconds, closing=closing)
        other._answered = self._answered
        return other

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Manifest | None = None,
        content: str = "application/json",
    ) -> Answer:
        """The answer to a request, also when it is 404, 409 or 410; these mean something to the caller.

        Raises ``SetupError`` SR742 (no access), ``OptionError`` SR744 (the object is refused),
        ``RemoteError`` SR741 (no answer within the patience).
        """
        status, text, attempts = self._patiently(method, path, query, body, content)
        return Answer(status=status, body=_decoded(text), attempts=attempts)

    def text(self, path: str, query: Mapping[str, str]) -> str:
        """A text; empty when there is none (404), none yet (400), or its node does not give it (500, 502)."""
        try:
            status, text, _ = self._patiently("GET", path, query, None, "")
        except RemoteError as error:
            if error.status is None:
                raise
            return ""
        except OptionError:
            return ""
        return text.decode(errors="replace") if status < 400 else ""

    def lines(
        self, path: str, query: Mapping[str, str], *, seconds: float, closing: Closing
    ) -> Iterator[bytes]:
        """Lines of an answer as they come, until it ends, breaks, or is silent for ``seconds``.

        A last line without its end is left out: whoever follows asks for it again. Raises ``SetupError``
        SR742 when this is not allowed; any other refusal is an answer without lines.
        """
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=seconds)
        asked = {"headers": self._headers("*/*"), "timeout": timeout, "retries": False}
        with suppress(HTTPError, OSError):
            response = self._pool.request(
                "GET", _url(self.host + path, query), preload_content=False, **asked
            )
            with closing.watches(response):
                if closing.closed:
                    return
                if response.status in (401, 403):
                    raise refusal(response.status, _message(response.data), f"GET {path}")
                if response.status < 400:
                    self._answered = True
                    yield from _whole_lines(response)

    def _patiently(
        self, method: str, path: str, query: Mapping[str, str] | None, body: Manifest | None, content: str
    ) -> tuple[int, bytes, int]:
        """Status, text and number of tries of a request that is repeated while that can help."""
        started, attempts = time.monotonic(), 0
        status: int | None
        while True:
            attempts += 1
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempts - 1)) * random.uniform(0.7, 1.3)
            try:
                status, headers, text = self._ask(method, path, query, body, content)
            except (HTTPError, OSError) as error:
                status, reason, is_last = None, _reason(error), _is_hopeless(error)
            else:
                self._answered = True
                if status < 400 or status in MEANINGFUL:
                    return status, text, attempts
                if status not in TRANSIENT:
                    raise refusal(status, _message(text), f"{method} {path}")
                reason, is_last = f"{status} {_message(text)}", False
                pause = max(pause, _seconds(headers.get("Retry-After", "")))
            is_last = is_last or time.monotonic() - started + pause > self._limit
            if is_last or self._closing.pause(pause):
                raise self._no_answer(reason, status)

    @property
    def _limit(self) -> float:
        return self._patience if self._answered else self._patience / 3

    def _headers(self, accept: str) -> dict[str, str]:
        headers = {"Accept": accept}
        try:
            self._authorize(headers)
        except SqlRecError:
            raise
        except Exception as error:
            raise SetupError("SR742", f"no credentials for {self.host}: {error}") from error
        return headers

    def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Manifest | None,
        content: str,
    ) -> tuple[int, Mapping[str, str], bytes]:
        headers = self._headers("application/json")
        if body is not None:
            headers["Content-Type"] = content
        response = self._pool.request(
            method,
            _url(self.host + path, query),
            body=None if body is None else json.dumps(body).encode(),
            headers=headers,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
            retries=False,
            redirect=False,
        )
        return response.status, response.headers, response.data

    def _no_answer(self, reason: str, status: int | None) -> RemoteError:
        hint = "is the cluster running, and are the kubeconfig's server and its certificate right?"
        told = f"the API server {self.host} does not answer: {reason}"
        return RemoteError("SR741", told, hint=hint, retriable=True, status=status)


def refusal(status: int, message: str, asked: str) -> SqlRecError:
    """The error for an answer that no second try changes."""
    if status == 401:
        hint = "the token or certificate of the kubeconfig has expired or belongs to another cluster"
        return SetupError("SR742", f"the API server does not know who we are: {message}", hint=hint)
    if status == 403 and (lacks := _lacking(message)):
        return SetupError("SR742", f"not allowed to {lacks}", hint=f"a Role must allow it: {message}")
    if status in (400, 403, 413, 415, 422):
        return OptionError("SR744", f"the cluster refuses {asked}: {message}")
    return RemoteError(
        "SR741", f"the API server answers {status} to {asked}: {message}", retriable=False, status=status
    )


def _lacking(message: str) -> str:
    """``create jobs.batch in namespace ml`` from the server's sentence about a missing right."""
    found = re.search(r'cannot (\w+) resource "([^"]+)"(?: in API group "([^"]*)")?', message)
    if found is None:
        return ""
    verb, resource, group = found.groups()
    kind, _, sub = resource.partition("/")
    place = re.search(r'in the namespace "([^"]+)"', message)
    name = f"{kind}.{group}" if group else kind
    return f"{verb} {name}{'/' + sub if sub else ''}" + (f" in namespace {place[1]}" if place else "")


def _url(path: str, query: Mapping[str, str] | None) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _whole_lines(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    pending = b""
    for chunk in response.stream(65536):
        *lines, pending = (pending + chunk).split(b"\n")
        yield from lines


def _decoded(text: bytes) -> Manifest:
    try:
        body = json.loads(text) if text else {}
    except ValueError:
        body = {"message": text.decode(errors="replace")}
    return body if isinstance(body, dict) else {"items": body}


def _message(text: bytes) -> str:
    return str(_decoded(text).get("message") or text.decode(errors="replace")).strip()[:2000]


def _seconds(text: str) -> float:
    return min(float(text), 60.0) if text.isdecimal() else 0.0


def _reason(error: Exception) -> str:
    if isinstance(error, NameResolutionError):
        return "its name is unknown"
    text = re.sub(r"<[^>]*>|HTTPS?Connection(Pool)?\([^)]*\)", "", str(error)).strip(" :")
    return text or type(error).__name__


def _is_hopeless(error: Exception) -> bool:
    """A certificate that does not fit, or a proxy that is not there: waiting changes nothing."""
    return isinstance(error, SSLError | ProxyError)
