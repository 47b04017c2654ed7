"""What a client of the predict server is told when a request fails.

    SR650  body is not JSON                       400
    SR651  JSON of the wrong shape                400
    SR652  features missing                       422
    SR653  value of the wrong type or range       422, with row and column
    SR654  columns of different lengths           422
    SR655  body or rows over the limit            413
    SR656  media type or encoding not readable    415
    SR657  no such path, wrong method             404, 405
    SR658  queue full, or too long a wait         429, with Retry-After
    SR659  not ready, too many connections        503
    SR660  the model failed                       500
    SR661  broken or slow HTTP                    400, 408, 414, 417, 431
    SR662  body is no Arrow stream                400
    SR663  not scored in time                     504
    SR664  no bearer token, or an unknown one     401
    SR667  not of the Open Inference Protocol     400
    SR668  header that cannot be read             400
    SR674  no such model or version               404

400 is for what cannot be read at all, 422 for rows that were read and do not fit the model.

Start-up fails with ``SetupError`` and ``StateError``: SR670 service spec, SR671 model folder, SR672
model file against signature, SR673 port, SR675 token, certificate or tracing.
"""

from __future__ import annotations

from http import HTTPStatus
from math import ceil

import orjson

from sqlrec.errors import SqlRecError

MESSAGE_LENGTH = 2000
_MISFITS = frozenset(("SR652", "SR653", "SR654"))
LONGEST_RETRY = 30
"""Seconds after which a client that was refused may ask again at the latest."""


class RequestError(SqlRecError):
    """A request that is answered with ``status``; ``row`` (from 0) and ``column`` tell the place.

    Without a status it is the client's fault: 422 or 400.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: HTTPStatus | None = None,
        hint: str = "",
        row: int | None = None,
        column: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(code, _shortened(message), hint=_shortened(hint))
        fault = HTTPStatus.UNPROCESSABLE_ENTITY if code in _MISFITS else HTTPStatus.BAD_REQUEST
        self.status = status or fault
        self.row = row
        self.column = column and _shortened(column)
        self.headers = headers

    def body(self) -> bytes:
        """The JSON body of the answer: code and message, and hint, row and column where known."""
        facts = {
            "code": self.code,
            "message": self.message,
            "hint": self.hint or None,
            "row": self.row,
            "column": self.column,
        }
        return orjson.dumps({"error": {key: value for key, value in facts.items() if value is not None}})


def _shortened(text: str) -> str:
    """A message may quote what came; its answer must not be as large."""
    return text if len(text) <= MESSAGE_LENGTH else f"{text[:MESSAGE_LENGTH]}…"


def not_ready(message: str) -> RequestError:
    """503: try again in a moment, or at another replica."""
    headers = (("Retry-After", "1"),)
    return RequestError("SR659", message, status=HTTPStatus.SERVICE_UNAVAILABLE, headers=headers)


def queue_full(waiting: int) -> RequestError:
    """429: as much as may wait is waiting."""
    return RequestError(
        "SR658",
        f"{waiting} requests are waiting to be scored",
        status=HTTPStatus.TOO_MANY_REQUESTS,
        hint="ask again after Retry-After seconds, or add replicas",
        headers=(("Retry-After", "1"),),
    )


def server_failed() -> RequestError:
    """500: a fault of ours, which is in the log."""
    message = "the server failed; its log has the reason"
    return RequestError("SR660", message, status=HTTPStatus.INTERNAL_SERVER_ERROR)


def wait_too_long(seconds: float) -> RequestError:
    """429: its turn would come too late."""
    return RequestError(
        "SR658",
        f"a request that comes now waits about {seconds:.1f} s",
        status=HTTPStatus.TOO_MANY_REQUESTS,
        hint="ask again after Retry-After seconds, wait longer, or add replicas",
        headers=(("Retry-After", str(min(LONGEST_RETRY, ceil(seconds)))),),
    )


def too_late() -> RequestError:
    """504: the client waits no more, so it was not scored."""
    return RequestError(
        "SR663",
        "the request was not scored in time",
        status=HTTPStatus.GATEWAY_TIMEOUT,
        hint="wait longer, send fewer rows, or add replicas",
    )


def prediction_failed(error: Exception) -> RequestError:
    """500: ONNX Runtime refused these rows."""
    reason = " ".join(str(error).split())[:300]
    return RequestError("SR660", f"the model failed: {reason}", status=HTTPStatus.INTERNAL_SERVER_ERROR)
