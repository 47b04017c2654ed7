"""What a client of the predict server is told when a request fails.

    SR650  body is not JSON                       400
    SR651  JSON of the wrong shape                400
    SR652  features missing                       400
    SR653  value of the wrong type or range       400, with row and column
    SR654  columns of different lengths           400
    SR655  body or rows over the limit            413
    SR656  media type or encoding not readable    415
    SR657  no such path, wrong method             404, 405
    SR658  queue full                             429, with Retry-After
    SR659  not ready, too many connections        503
    SR660  the model failed                       500
    SR661  broken or slow HTTP                    400, 408, 414, 417, 431

Start-up fails with ``SetupError`` and ``StateError``: SR670 service spec, SR671 model folder, SR672
model file against signature, SR673 port.
"""

from __future__ import annotations

from http import HTTPStatus

import orjson

from sqlrec.errors import SqlRecError


class RequestError(SqlRecError):
    """A request that is answered with ``status``; ``row`` (from 0) and ``column`` tell the place."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: HTTPStatus = HTTPStatus.BAD_REQUEST,
        hint: str = "",
        row: int | None = None,
        column: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(code, message, hint=hint)
        self.status = status
        self.row = row
        self.column = column
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


def prediction_failed(error: Exception) -> RequestError:
    """500: ONNX Runtime refused these rows."""
    reason = " ".join(str(error).split())[:300]
    return RequestError("SR660", f"the model failed: {reason}", status=HTTPStatus.INTERNAL_SERVER_ERROR)
