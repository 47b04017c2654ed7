"""The paths of the Open Inference Protocol v2, as Triton and KServe have them.

GET  /v2                                    server, version, extensions
GET  /v2/health/live, /v2/health/ready
GET  /v2/models/<model>[/versions/<n>]        versions, inputs, outputs
GET  /v2/models/<model>[/versions/<n>]/ready
POST /v2/models/<model>[/versions/<n>]/infer  see :mod:`sqlrec.serving.oip_wire`

A model is known by its name and by that of the service, which means what ``POST /predict`` asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from urllib.parse import unquote

import orjson

from sqlrec import __version__
from sqlrec.serving.connection import Request
from sqlrec.serving.errors import RequestError, not_ready
from sqlrec.serving.lane import Lane, Target
from sqlrec.serving.oip_wire import datatype
from sqlrec.serving.prediction import OIP, Desk
from sqlrec.serving.site import Answer, Routes, check_encoding
from sqlrec.serving.slots import Models, Slot
from sqlrec.spec.schema import Kind
from sqlrec.spec.signature import InputColumn, OutputColumn

PLATFORM = "onnxruntime_onnx"
VERSION_DIGITS = 9


class Oip:
    """Answers the paths above. ``models`` raises ``RequestError`` (503) as long as they are being loaded."""

    def __init__(
        self, service: str, models: Callable[[], Models], desk: Desk, is_ready: Callable[[], bool]
    ) -> None:
        self._service = service
        self._models = models
        self._desk = desk
        self._is_ready = is_ready

    @property
    def routes(self) -> Routes:
        """The paths of the server itself."""
        return {
            "/v2": {"GET": self._about},
            "/v2/health/live": {"GET": _live},
            "/v2/health/ready": {"GET": self._ready},
        }

    def find(self, path: str) -> Mapping[str, Answer] | None:
        """The paths of models."""
        match path.split("/"):
            case ["", "v2", "models", name, "versions", version, *rest]:
                return self._of_model(unquote(name), version, rest)
            case ["", "v2", "models", name, *rest]:
                return self._of_model(unquote(name), None, rest)
        return None

    def _of_model(self, name: str, version: str | None, rest: list[str]) -> Mapping[str, Answer] | None:
        match rest:
            case []:
                return {"GET": lambda request: self._describe(request, name, version)}
            case ["ready"]:
                return {"GET": lambda request: self._model_ready(request, name, version)}
            case ["infer"]:
                return {"POST": lambda request: self._infer(request, name, version)}
        return None

    def _about(self, request: Request) -> None:
        about = {"name": "sqlrec", "version": __version__, "extensions": ["binary_tensor_data"]}
        request.respond(HTTPStatus.OK, orjson.dumps(about))

    def _ready(self, request: Request) -> None:
        if not self._is_ready():
            raise not_ready("the server is loading or draining")
        request.respond(HTTPStatus.OK, b'{"ready":true}')

    def _model_ready(self, request: Request, name: str, version: str | None) -> None:
        self._find(name, version)
        request.respond(HTTPStatus.OK, orjson.dumps({"name": name, "ready": True}))

    def _infer(self, request: Request, name: str, version: str | None) -> None:
        target, _ = self._find(name, version)
        check_encoding(request)
        self._desk.take(request, OIP, target, f"{name.casefold()} {version or ''}")

    def _describe(self, request: Request, name: str, version: str | None) -> None:
        _, lanes = self._find(name, version)
        signature = lanes[0].signature
        about = {
            "name": name,
            "versions": [str(lane.model.version) for lane in lanes],
            "platform": PLATFORM,
            "inputs": [_tensor(column, column.length) for column in signature.inputs],
            "outputs": [_tensor(column, 0) for column in signature.outputs],
        }
        request.respond(HTTPStatus.OK, orjson.dumps(about))

    def _find(self, name: str, version: str | None) -> tuple[Target, list[Lane]]:
        """A model and its lanes, the one in force first; raises ``RequestError`` SR659 and SR674."""
        models = self._models()
        known = models.find(name) is not None or name.casefold() != self._service.casefold()
        slot = next(iter(models.slots.values()))
        if not known and version is None:
            return models.service, _lanes(slot)
        target = models.require(name if known else slot.name, _number(version))
        match target:
            case Slot():
                return target, _lanes(target)
            case Lane():
                return target, [target]
            case _:
                return target, _lanes(slot)


def _live(request: Request) -> None:
    request.respond(HTTPStatus.OK, b'{"live":true}')


def _lanes(slot: Slot) -> list[Lane]:
    return [slot.lane, *(lane for _, lane in sorted(slot.lanes.items()) if lane is not slot.lane)]


def _number(version: str | None) -> int | None:
    if version is None:
        return None
    if not (version.isascii() and version.isdigit() and len(version) <= VERSION_DIGITS):
        message = f"{version[:20]!r} is no version"
        raise RequestError("SR674", message, status=HTTPStatus.NOT_FOUND, hint="versions are numbers")
    return int(version)


def _tensor(column: InputColumn | OutputColumn, length: int) -> dict[str, object]:
    shape = [-1, length or -1] if column.type.kind is Kind.ARRAY else [-1]
    return {"name": column.name, "datatype": datatype(column), "shape": shape}
