"""An API as the content of a server: a function of the database behind a path.

POST /api/v1/<name>, /api/<name>   {"data": {"table": rows}, "params": {…}} in, {"data": rows} out
GET  /api/v1/<name>                its inputs, parameters and columns
GET  /openapi.json                 the same as an OpenAPI document
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable, Mapping
from http import HTTPStatus

import orjson

from sqlrec.data.types import declared
from sqlrec.errors import DataError, PolicyError, RemoteError, SchemaError, SqlRecError
from sqlrec.programs.callees import Callees
from sqlrec.programs.calls import Calls
from sqlrec.programs.executor import NoTurn
from sqlrec.programs.metrics import ApiMetrics
from sqlrec.programs.openapi import api_document
from sqlrec.programs.payload import InputReader, Inputs, answer
from sqlrec.programs.refreshing import REFRESH_SECONDS, Refreshing
from sqlrec.serving.config import ServeConfig
from sqlrec.serving.connection import Request
from sqlrec.serving.errors import RequestError, not_ready, queue_full, server_failed, too_late
from sqlrec.serving.exchange import Exchanges, code_of
from sqlrec.serving.logs import log
from sqlrec.serving.openapi import PATH as OPENAPI
from sqlrec.serving.site import Routes, check_media_type
from sqlrec.serving.tracing import Trace
from sqlrec.spec.function import ApiServiceSpec, services

ONLINE: Mapping[str, int | float] = {"attempts": 2, "timeout": 10.0}
"""Options of calls whose script says nothing: a caller waits, so giving up early beats trying long."""
IN_LOOP_BYTES = 64 * 1024
"""A larger body is parsed in a thread, so that it holds nobody up."""
WAITING = 1000
"""Requests that may wait for a session."""


class ApiApp:
    """Answers requests of one API. See :class:`sqlrec.serving.site.Content`."""

    def __init__(
        self, config: ServeConfig[ApiServiceSpec], callees: Callees, *, refresh: float = REFRESH_SECONDS
    ) -> None:
        """``refresh`` is how often, in seconds, the tables that the program reads are looked at.

        Raises ``SetupError`` SR675 when traces are wanted and cannot be made.
        """
        self._config = config
        self._exchanges = Exchanges(config)
        self._spec = config.spec
        self._name = config.spec.api.name
        self._metrics = ApiMetrics(self._name, config.spec.api.function)
        self._calls = Calls(callees, ONLINE)
        self._program = Refreshing(
            config.spec.api.program, self._calls, threads=config.threads, interval=refresh
        )
        self._patience = config.limits.queue_timeout
        self._reader: InputReader | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._waiting_bytes = 0

    @property
    def path(self) -> str:
        """Where requests go."""
        return self._spec.path

    @property
    def _short(self) -> str:
        """The same path without the version of the protocol."""
        return f"/api/{self._name}"

    @property
    def described_at(self) -> str:
        """The same path, by GET."""
        return self.path

    @property
    def routes(self) -> Routes:
        """The path, with and without the version of the protocol."""
        return {
            self.path: {"POST": self._take},
            self._short: {"POST": self._take},
            OPENAPI: {"GET": self._tell_openapi},
        }

    @property
    def facts(self) -> Mapping[str, object]:
        """The server's name, the API and its function."""
        return {"service": self._spec.name, "api": self._name, "function": self._spec.api.function}

    @property
    def description(self) -> bytes:
        """Inputs, parameters and columns of the function."""
        program, executor = self._spec.api.program, self._program.current
        inputs = {name: declared(schema) for name, schema in executor.inputs.items()}
        result = None if executor.result is None else declared(executor.result)
        params = [{"name": p.name, "type": p.type, "default": p.default} for p in program.params]
        return orjson.dumps(
            {
                "api": self._name,
                "function": self._spec.api.function,
                "inputs": {n: [{"name": f.name, "type": str(f.type)} for f in s] for n, s in inputs.items()},
                "params": params,
                "returns": result and [{"name": f.name, "type": str(f.type)} for f in result],
                "services": services(program.steps),
                "limits": {"rows": self._config.limits.rows, "body_bytes": self._config.limits.body_bytes},
            }
        )

    def find(self, path: str) -> None:
        """There are no other paths."""

    async def load(self) -> None:
        """Get the program ready; raises what is wrong with it and with the tables it reads."""
        executor = await self._program.load(on_reload=self._reloaded)
        rows = self._config.limits.rows
        self._reader = InputReader(self._spec.api.program, executor.inputs, max_rows=rows)

    def set_ready(self, ready: bool) -> None:
        """Note it for the metrics."""
        self._metrics.ready = ready

    def exposition(self) -> bytes:
        """The text of ``/metrics``."""
        return self._metrics.exposition()

    async def close(self) -> None:
        """Let go of everything; the process ends next."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._program.close()
        await self._calls.close()
        await asyncio.to_thread(self._exchanges.close)

    def count_refused(self, error: RequestError) -> None:
        """Count a request that could not be read."""
        self._metrics.refused(error.status)

    def take_quickly(self, request: Request, otherwise: Callable[[Request], None]) -> bool:
        """An API has no short way."""
        return False

    def refuse(self, request: Request, error: RequestError) -> None:
        """Answer with an error; those of the API's own paths are counted."""
        if request.path in self.routes and request.path != OPENAPI:
            self._metrics.started()
            self._finish(request, self._exchanges.begin(request), error, 0, 0)
        else:
            request.refuse(error)

    def _take(self, request: Request) -> None:
        if self._reader is None:
            raise not_ready("the server is loading")
        check_media_type(request)
        deadline = self._exchanges.deadline(request)
        size = len(request.body)
        full = self._waiting_bytes + size > self._config.limits.queue_bytes
        if full or self._waiting >= WAITING:
            raise queue_full(self._waiting)
        self._metrics.started()
        self._waiting += 1
        self._waiting_bytes += size
        trace = self._exchanges.begin(request)
        task = asyncio.ensure_future(self._answer(request, trace, self._reader, deadline))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(
        self, request: Request, trace: Trace | None, reader: InputReader, deadline: float
    ) -> None:
        rows_in = rows_out = 0
        result: bytes | RequestError
        try:
            inputs = await _read(reader, request.body)
            rows_in = inputs.rows
            result, rows_out = await self._run(inputs, deadline)
        except SqlRecError as error:
            result = _refusal(error)
        except Exception:
            log("error", path=request.path, traceback=traceback.format_exc())
            result = server_failed()
        finally:
            self._waiting -= 1
            self._waiting_bytes -= len(request.body)
        self._finish(request, trace, result, rows_in, rows_out)

    async def _run(self, inputs: Inputs, deadline: float) -> tuple[bytes, int]:
        """Stopped at ``deadline`` of the monotonic clock; ``RequestError`` SR643, SR658 and SR663."""
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            raise too_late()
        try:
            async with asyncio.timeout(seconds):
                table = await self._program.run(inputs.tables, inputs.params, patience=self._patience)
        except NoTurn:
            raise queue_full(self._waiting) from None
        except TimeoutError:
            message = f"the function took longer than {seconds:.3g} s and was stopped"
            raise RequestError("SR643", message, status=HTTPStatus.GATEWAY_TIMEOUT) from None
        return answer(table), table.num_rows if table is not None else 0

    def _finish(
        self,
        request: Request,
        trace: Trace | None,
        result: bytes | RequestError,
        rows_in: int,
        rows_out: int,
    ) -> None:
        error = result if isinstance(result, RequestError) else None
        code = code_of(request, error)
        self._metrics.done(code, time.monotonic() - request.started, rows_in, rows_out)
        headers = self._exchanges.headers(request, trace)
        if isinstance(result, RequestError):
            sent = result.body()
            request.respond(result.status, sent, headers=result.headers + headers)
        else:
            sent = result
            request.respond(HTTPStatus.OK, sent, headers=headers)
        self._exchanges.end(
            "api", request, trace, code=code, rows=rows_out, sent=len(sent), error=error, api=self._name
        )

    def _tell_openapi(self, request: Request) -> None:
        if self._reader is None:
            raise not_ready("the server is loading")
        executor = self._program.current
        told = api_document(
            self._name,
            path=self.path,
            short=self._short,
            inputs={name: declared(schema) for name, schema in executor.inputs.items()},
            params=self._spec.api.program.params,
            returns=None if executor.result is None else declared(executor.result),
            guarded=self._config.token is not None,
        )
        request.respond(HTTPStatus.OK, orjson.dumps(told))

    def _reloaded(self, error: SqlRecError | None) -> None:
        if error is None:
            self._metrics.reloads += 1
            log("reloaded", api=self._name)
        else:
            log("not reloaded", api=self._name, error=str(error))


async def _read(reader: InputReader, body: bytes) -> Inputs:
    if len(body) <= IN_LOOP_BYTES:
        return reader.read(body)
    return await asyncio.to_thread(reader.read, body)


def _refusal(error: SqlRecError) -> RequestError:
    """What a caller is told: rows that do not fit are theirs, a service that fails or is away is not."""
    match error:
        case RequestError():
            return error
        case PolicyError() | DataError() | SchemaError():
            status = HTTPStatus.UNPROCESSABLE_ENTITY
        case RemoteError(retriable=True):
            status = HTTPStatus.SERVICE_UNAVAILABLE
        case RemoteError():
            status = HTTPStatus.BAD_GATEWAY
        case _:
            status = HTTPStatus.INTERNAL_SERVER_ERROR
    return RequestError(error.code, error.message, status=status, hint=error.hint)
