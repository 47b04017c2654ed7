"""Live update over HTTP, on the private port alone. See :mod:`sqlrec.serving.updates`.

GET  /admin/models           the slots: version in force, versions loaded, last failure
POST /admin/models/load      {"slot": name, "model": ServedModel} → 200 once it is loaded and verified
POST /admin/models/activate  {"versions": {slot: version, …}}
POST /admin/models/unload    {"slot": name, "version": n} → 200 once its last call is answered

Each answers with what GET answers then.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from http import HTTPStatus
from typing import Any, cast

import orjson

from sqlrec.serving.connection import Request
from sqlrec.serving.errors import RequestError, not_ready, server_failed
from sqlrec.serving.logs import log
from sqlrec.serving.site import ADMIN, Routes
from sqlrec.serving.slots import Models
from sqlrec.serving.updates import Updates
from sqlrec.spec import codec
from sqlrec.spec.service import ServedModel

Change = Callable[[Updates, Any], Awaitable[None]]


class Admin:
    """Answers the paths above; before the models are there, with 503."""

    def __init__(self) -> None:
        self._models: Models | None = None
        self._updates: Updates | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self, models: Models, updates: Updates) -> None:
        """The models are there."""
        self._models, self._updates = models, updates

    @property
    def routes(self) -> Routes:
        """All paths; whether a request came through the private port is the site's to see."""
        return {
            f"{ADMIN}models": {"GET": self._answer},
            f"{ADMIN}models/load": {"POST": lambda request: self._change(request, _load)},
            f"{ADMIN}models/activate": {"POST": lambda request: self._change(request, _activate)},
            f"{ADMIN}models/unload": {"POST": lambda request: self._change(request, _unload)},
        }

    async def close(self) -> None:
        """End what is under way."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def state(self) -> dict[str, object]:
        """The slots by name."""
        models, updates = self._opened()
        return {
            name: {
                "model": str(slot.model),
                "version": slot.lane.model.version,
                "checkpoint": slot.lane.model.checkpoint,
                "loaded": {
                    str(version): codec.encode(lane.model) for version, lane in sorted(slot.lanes.items())
                },
                "last_update_error": asdict(updates.failures[name]) if name in updates.failures else None,
            }
            for name, slot in models.slots.items()
        }

    def _opened(self) -> tuple[Models, Updates]:
        if self._models is None or self._updates is None:
            raise not_ready("the models are being loaded")
        return self._models, self._updates

    def _answer(self, request: Request) -> None:
        request.respond(HTTPStatus.OK, orjson.dumps({"slots": self.state()}))

    def _change(self, request: Request, change: Change) -> None:
        _, updates = self._opened()
        try:
            document = orjson.loads(request.body)
        except orjson.JSONDecodeError as error:
            raise RequestError("SR650", f"the body is not JSON: {error}") from None
        task = asyncio.ensure_future(self._change_later(request, change(updates, document)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _change_later(self, request: Request, change: Awaitable[None]) -> None:
        try:
            await change
        except RequestError as error:
            request.refuse(error)
        except Exception:
            log("error", path=request.path, traceback=traceback.format_exc())
            request.refuse(server_failed())
        else:
            self._answer(request)


async def _load(updates: Updates, document: Any) -> None:
    slot, model = _fields(document, slot=str, model=dict)
    try:
        served = cast(ServedModel, codec.decode(ServedModel, model))
    except codec.CodecError as error:
        raise RequestError("SR651", f"'model' is no served model: {error.message}") from None
    await updates.load(slot, served)


async def _activate(updates: Updates, document: Any) -> None:
    (versions,) = _fields(document, versions=dict)
    if not versions or not all(type(version) is int for version in versions.values()):
        raise RequestError("SR651", "'versions' must hold a version number by slot")
    updates.activate(versions)


async def _unload(updates: Updates, document: Any) -> None:
    slot, version = _fields(document, slot=str, version=int)
    await updates.unload(slot, version)


def _fields(document: Any, **kinds: type) -> list[Any]:
    """The values of an object with just these fields; raises ``RequestError`` SR651."""
    names = ", ".join(kinds)
    if not isinstance(document, dict) or set(document) != set(kinds):
        raise RequestError("SR651", f"the body must be an object of {names}")
    for name, kind in kinds.items():
        if type(document[name]) is not kind:
            raise RequestError("SR651", f"{name!r} must be of type {kind.__name__}")
    return [document[name] for name in kinds]
