"""Models of a group that answer when a test says so, and calls that remember their answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, cast

import numpy as np

from sqlrec.serving.batching import Call, Wires
from sqlrec.serving.errors import RequestError
from sqlrec.serving.frame import Frame, Outputs
from sqlrec.serving.lane import Lane
from sqlrec.serving.slots import Slot
from sqlrec.serving.wire import Reading
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.schema import DataType, Schema
from sqlrec.spec.service import ServedModel
from sqlrec.spec.signature import OutputColumn, Signature

FLOAT = DataType.parse("FLOAT")


def in_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """The test in an event loop of its own."""

    def run() -> None:
        asyncio.run(test())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


class FakeLane:
    """A lane whose calls wait in ``asked`` until :meth:`reply` answers the oldest."""

    def __init__(self, name: str, version: int = 1, output: str = "probs") -> None:
        spec = ModelSpec(name=ModelName.of(name), type="test", columns=Schema(), outputs=Schema())
        self.model = ServedModel(model=spec, checkpoint="v1_export", version=version, model_uri="/x")
        outputs = (OutputColumn(name=output, type=FLOAT),)
        self.signature = Signature(
            model=name, type="test", checkpoint="v1_export", inputs=(), outputs=outputs, variants={}
        )
        self.asked: list[Call] = []
        self.full = False
        self.apart = self

    def submit(self, call: Call) -> None:
        if self.full:
            raise RequestError("SR658", "full", status=cast(Any, 429))
        self.asked.append(call)

    def reply(self, *values: float) -> None:
        """As a lane does: an abandoned call is not scored; what ``write`` gives is handed to ``answer``."""
        call = self.asked.pop(0)
        if call.abandoned:
            call.answer(None, 0)
            return
        reading = call.read({})
        outputs = [np.asarray(values, np.float32)]
        call.answer(call.write(reading, outputs), reading.frame.rows)

    def refuse(self, code: str = "SR660", status: int = 500) -> None:
        self.asked.pop(0).answer(RequestError(code, "no", status=cast(Any, status)), 0)


def slots_of(lanes: Mapping[str, FakeLane]) -> list[Slot]:
    return [Slot(name, cast(Lane, lane)) for name, lane in lanes.items()]


class FakeCall:
    """A request of ``rows`` rows that came ``age`` seconds ago."""

    def __init__(
        self, rows: int = 1, age: float = 0.0, body: bytes = b"{}", headers: Mapping[str, str] | None = None
    ) -> None:
        self.body = body
        self.rows = rows
        self.started = time.monotonic() - age
        self.abandoned = False
        self.answered_by = ""
        self.answers: list[tuple[Any, int]] = []
        self.done = asyncio.Event()
        self._headers = headers or {}

    def header(self, name: bytes) -> str:
        return self._headers.get(name.decode().replace("-", "_"), "")

    def read(self, wires: Wires) -> Reading:
        return Reading(Frame({}, self.rows), lambda outputs: b"")

    def write(self, reading: Reading, outputs: Outputs) -> list[Any]:
        return [array.tolist() for array in outputs]

    def answer(self, answer: Any, rows: int) -> None:
        self.answers.append((answer, rows))
        self.done.set()

    @property
    def answered(self) -> Any:
        """The answer, of which there is one."""
        ((answer, _),) = self.answers
        return answer
