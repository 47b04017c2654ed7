"""One model service over HTTP: a payload in, the decoded answer out, or an error that says what failed.

Only failures that asking again can cure are retried: too many requests (429), not available (503, 504),
a connection that is refused or breaks, and silence. Waits double from try to try unless the service
says how long to wait. Our own services are sent Arrow until one has no use for it, and asked a second
time where an answer is late.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Protocol

import httpx
import orjson
import pyarrow as pa

from sqlrec.errors import RemoteError, StateError
from sqlrec.scoring.arrow_form import MEDIA_TYPE, read_batch
from sqlrec.scoring.credentials import connection
from sqlrec.scoring.hedging import Hedge
from sqlrec.scoring.limit import AdaptiveLimit
from sqlrec.scoring.options import ScoreOptions
from sqlrec.spec.access import Access

JSON = "application/json"
NO_ARROW = frozenset({404, 405, 406, 415})
"""What a service says that knows no Arrow."""
RETRIABLE = frozenset({429, 503, 504})
BODY_CHARACTERS = 500
LONGEST_WAIT = 60.0
MANY = 256
"""Requests in flight of a client whose caller says no number."""


class Target(Protocol):
    """A service as whoever asks it knows it."""

    @property
    def service(self) -> str:
        """Its name."""

    @property
    def url(self) -> str:
        """Where requests go."""

    @property
    def headers(self) -> Mapping[str, str]:
        """What goes with each request, secrets in clear."""

    @property
    def access(self) -> Access | None:
        """What its options say of its callers."""


def client_of(target: Target, options: ScoreOptions, *, concurrency: int = MANY) -> ServiceClient:
    """A client of a service, with these options; raises what :class:`ServiceClient` raises."""
    return ServiceClient(
        target.service,
        target.url,
        timeout=options.timeout,
        attempts=options.attempts,
        headers=target.headers,
        concurrency=concurrency,
        access=target.access,
    )


class ServiceClient:
    """An asynchronous client with connections that are kept. ``requests`` and ``retries`` count tries.

    ``timeout`` holds for connecting and for each read and write, in seconds; ``attempts`` is how often a
    request is sent at most; ``backoff`` is the first wait in seconds; ``headers`` go with each request;
    at most ``concurrency`` requests are in flight, fewer while the service cannot keep up. ``arrow`` is
    whether the service may be sent Arrow: one of our own, until it says that it knows none.

    Raises ``StateError`` SR616 without a URL, and ``SetupError`` SR621, SR622 for a token or certificate
    that cannot be read.
    """

    def __init__(
        self,
        service: str,
        url: str,
        *,
        timeout: float = 30.0,
        attempts: int = 6,
        backoff: float = 0.2,
        headers: Mapping[str, str] | None = None,
        concurrency: int = MANY,
        access: Access | None = None,
    ) -> None:
        if not url:
            raise StateError("SR616", f"service {service} has no URL", hint="set the option 'url'")
        self.service = service
        self.url = url
        self.requests = 0
        self.retries = 0
        self._own = access is not None and access.own
        self.arrow = self._own
        self._limit = AdaptiveLimit(concurrency)
        self._hedge = Hedge()
        self._attempts = attempts
        self._backoff = backoff
        self._jitter = random.Random(0)
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(timeout, pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
            headers={"Content-Type": JSON, "Accept": JSON, **(headers or {})},
            **connection(service, access),
        )

    async def __aenter__(self) -> ServiceClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    @property
    def hedges(self) -> int:
        """Requests that were sent a second time because the first was late."""
        return self._hedge.made

    @property
    def concurrency(self) -> int:
        """Requests that may be in flight now."""
        return self._limit.allowed

    async def predict(self, payload: bytes) -> object:
        """The service's answer to a JSON payload, decoded.

        Raises ``RemoteError``: SR610 (not reached, no answer in time), SR611 (status other than 2xx) and
        SR612 (no valid JSON).
        """
        return _decoded(self.service, await self._answer(payload, {}))

    async def predict_arrow(self, stream: bytes) -> pa.RecordBatch | None:
        """The rows that the service answers an Arrow stream with; None when it knows no Arrow.

        Then ``arrow`` is false from now on. Raises what :meth:`predict` raises, SR612 for no Arrow stream.
        """
        try:
            response = await self._answer(stream, {"Content-Type": MEDIA_TYPE, "Accept": MEDIA_TYPE})
        except RemoteError as error:
            if error.status not in NO_ARROW:
                raise
            self.arrow = False
            return None
        return read_batch(self.service, response.content)

    async def _answer(self, payload: bytes, headers: Mapping[str, str]) -> httpx.Response:
        for attempt in range(1, self._attempts + 1):
            try:
                return await self._turn(payload, headers)
            except _Refused as refused:
                if not refused.error.retriable or attempt == self._attempts:
                    raise self._final(refused.error, attempt) from None
                wait = refused.wait if refused.wait is not None else self._wait(attempt)
            self.retries += 1
            await asyncio.sleep(min(wait, LONGEST_WAIT))
        raise AssertionError("unreachable")

    async def _turn(self, payload: bytes, headers: Mapping[str, str]) -> httpx.Response:
        """One try, when it may be made; what the limit has to know of it."""
        began = await self._limit.enter()
        try:
            response = await self._hedge.ask(
                lambda: self._post(payload, headers), twice=self._own and self._limit.calm
            )
        except _Refused as refused:
            if refused.error.status in RETRIABLE or refused.silent:
                self._limit.overloaded(began)
            raise
        else:
            self._limit.answered(began)
            return response
        finally:
            self._limit.leave()

    async def _post(self, payload: bytes, headers: Mapping[str, str]) -> httpx.Response:
        self.requests += 1
        try:
            response = await self._http.post(self.url, content=payload, headers=headers)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            silent = isinstance(error, httpx.TimeoutException)
            raise _Refused(self._unreached(error), silent=silent) from None
        if response.is_success:
            return response
        status = response.status_code
        why, hint = _reason(response)
        message = f"service {self.service} answered {status} {response.reason_phrase}: {why}"
        refused = RemoteError("SR611", message, hint=hint, retriable=status in RETRIABLE, status=status)
        raise _Refused(refused, _retry_after(response))

    def _unreached(self, error: httpx.TransportError | httpx.InvalidURL) -> RemoteError:
        silent = isinstance(error, httpx.TimeoutException)
        what = f"no answer in time ({type(error).__name__})" if silent else str(error) or type(error).__name__
        return RemoteError(
            "SR610",
            f"service {self.service} at {self.url} cannot be reached: {what}",
            hint="see whether it runs and is ready",
            retriable=silent or isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError),
        )

    def _final(self, error: RemoteError, attempts: int) -> RemoteError:
        if attempts > 1:
            error.message += f" ({attempts} tries)"
        return error

    def _wait(self, attempt: int) -> float:
        """Doubling waits, spread by a quarter so that many clients do not come back at once."""
        return self._backoff * float(2 ** (attempt - 1)) * self._jitter.uniform(0.75, 1.25)


class _Refused(Exception):
    """A try that failed, how long the service asks to wait, and whether it said nothing at all."""

    def __init__(self, error: RemoteError, wait: float | None = None, *, silent: bool = False) -> None:
        super().__init__(error.message)
        self.error = error
        self.wait = wait
        self.silent = silent


def _reason(response: httpx.Response) -> tuple[str, str]:
    """Why a request was refused and what to do, as our own servers say it; the text of any other answer."""
    try:
        match orjson.loads(response.content):
            case {"error": {"code": str(code), "message": str(message), "hint": str(hint)}}:
                return f"{_short(message)} ({code})", hint
            case {"error": {"code": str(code), "message": str(message)}}:
                return f"{_short(message)} ({code})", ""
    except orjson.JSONDecodeError:
        pass
    return _shown(response), ""


def _shown(response: httpx.Response) -> str:
    text = response.content[: 4 * BODY_CHARACTERS].decode("utf-8", errors="replace").strip()
    return _short(text) or "no text"


def _short(text: str) -> str:
    return text[:BODY_CHARACTERS] + "…" * (len(text) > BODY_CHARACTERS)


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds from a ``Retry-After`` header in either of its forms."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _decoded(service: str, response: httpx.Response) -> object:
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}" if response.content else "its start: it is empty"
        raise RemoteError(
            "SR612",
            f"service {service} returned invalid JSON at {where}: {_shown(response)}",
            hint="the URL may be that of another server",
            retriable=False,
            status=response.status_code,
        ) from None
