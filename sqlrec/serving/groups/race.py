"""One request that all models of a service are asked: from the start to the last answer, late or not.

    start ─▶ a ballot a model ─▶ answers come in ─▶ decided: first, all in, or time is up ─▶ late ones dropped

Ballots are read, scored and filled in the threads of their models; all else happens in the event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from sqlrec.serving.batching import Call, Wires
from sqlrec.serving.errors import RequestError
from sqlrec.serving.frame import Array, Outputs
from sqlrec.serving.groups.deciders import Answer, Decision
from sqlrec.serving.groups.label import label
from sqlrec.serving.lane import Lane
from sqlrec.serving.wire import Reading

if TYPE_CHECKING:
    from sqlrec.serving.groups.speculative import Speculative

INLINE_ROWS = 1024
"""Answers of more rows are put together and written beside the event loop."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A ballot with a model's answer: outputs in the order of its signature."""

    lane: Lane
    reading: Reading
    outputs: Outputs


class Ballot:
    """The call of one model in a race. See :class:`sqlrec.serving.batching.Call`."""

    __slots__ = ("_lane", "_member", "_race", "answered_by", "body")

    def __init__(self, race: Race, member: int, lane: Lane) -> None:
        self._race = race
        self._member = member
        self._lane = lane
        self.body = race.call.body
        self.answered_by = ""

    @property
    def abandoned(self) -> bool:
        """Whether the race is over for this answer, so that it need not be begun."""
        return self._race.decided or self._race.call.abandoned

    @property
    def started(self) -> float:
        """When the request came."""
        return self._race.call.started

    def header(self, name: bytes) -> str:
        """A header of the request."""
        return self._race.call.header(name)

    def read(self, wires: Wires) -> Reading:
        """The request as this model reads it."""
        return self._race.call.read(wires)

    def write(self, reading: Reading, outputs: Outputs) -> Filled:
        """Nothing is written yet: the decider wants the numbers."""
        return Filled(self._lane, reading, outputs)

    def answer(self, answer: Filled | RequestError | None, rows: int) -> None:
        """Hand the ballot in."""
        self._race.take(self._member, answer)


class Race:
    """See the module."""

    __slots__ = ("_error", "_filled", "_group", "_open", "_timer", "_until", "call", "decided")

    def __init__(self, call: Call, group: Speculative) -> None:
        self.call = call
        self.decided = False
        self._group = group
        self._until = call.started + group.timeout
        self._open = len(group.slots)
        self._filled: dict[int, Filled] = {}
        self._error: RequestError | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Ask all models; raises ``RequestError`` when none of them takes the request."""
        for member, slot in enumerate(self._group.slots):
            lane = slot.lane
            try:
                lane.apart.submit(Ballot(self, member, lane))
            except RequestError as error:
                self._open -= 1
                self._group.stats.members[member].failed += 1
                self._error = self._error or error
        if not self._open and self._error is not None:
            self.decided = True
            raise self._error
        left = max(0.0, self._until - time.monotonic())
        self._timer = asyncio.get_running_loop().call_later(left, self._settle)

    def take(self, member: int, answer: Filled | RequestError | None) -> None:
        """A ballot is handed in: filled, spoilt, or blank because nobody wanted it any more."""
        self._open -= 1
        counts = self._group.stats.members[member]
        match answer:
            case None:
                counts.skipped += 1
            case RequestError():
                counts.failed += 1
                self._error = self._error or answer
                if not self._group.eager and answer.status in _MISREAD and not self.decided:
                    self._end(answer)
            case _ if self.decided and time.monotonic() > self._until:
                counts.late += 1
            case _:
                counts.in_time += 1
                if not self.decided:
                    self._filled[member] = answer
        if not self.decided and (not self._open or (self._filled and self._group.eager)):
            self._settle()

    def _settle(self) -> None:
        """Decide from what is there; without an answer say why there is none."""
        if self._filled:
            self._decide()
        elif self._open or self._error is None:
            self._group.stats.undecided += not self.call.abandoned
            self._end(None if self.call.abandoned else no_answer(self._group.timeout))
        else:
            self._group.stats.undecided += 1
            self._end(self._error)

    def _decide(self) -> None:
        self._close()
        self._group.stats.decided.add(time.monotonic() - self.call.started)
        filled = [self._filled[member] for member in sorted(self._filled)]
        answers = [self._answer(member) for member in sorted(self._filled)]
        rows = filled[0].reading.frame.rows
        if rows <= INLINE_ROWS:
            self._finish(self._made(filled[0], answers), rows)
            return
        loop = asyncio.get_running_loop()
        made = loop.run_in_executor(self._group.worker, self._made, filled[0], answers)
        made.add_done_callback(lambda done: self._finish(done.result(), rows))

    def _answer(self, member: int) -> Answer:
        filled = self._filled[member]
        names = (output.name for output in filled.lane.signature.outputs)
        outputs = dict(zip(map(self._group.spelling, names), filled.outputs, strict=True))
        return Answer(member, self._group.slots[member].name, filled.lane.model.version, outputs)

    def _made(self, shown: Filled, answers: Sequence[Answer]) -> tuple[Any, frozenset[int]]:
        """The written answer, in the form in which the first model was asked; from any thread."""
        try:
            decision = self._group.decide(answers)
            names = [self._group.spelling(output.name) for output in shown.lane.signature.outputs]
            outputs = [_checked(decision, name, shown.reading.frame.rows) for name in names]
            chosen = frozenset(decision.chosen) & self._filled.keys()
            return self.call.write(shown.reading, outputs), chosen
        except RequestError as error:
            return error, frozenset()
        except Exception as error:  # a decider may be anybody's
            return undecided(self._group.decider, error), frozenset()

    def _finish(self, made: tuple[Any, frozenset[int]], rows: int) -> None:
        written, chosen = made
        for member in chosen:
            self._group.stats.members[member].chosen += 1
        self.call.answered_by = ", ".join(label(self._filled[member].lane) for member in sorted(chosen))
        self.call.answer(written, 0 if isinstance(written, RequestError) else rows)
        self._filled.clear()

    def _end(self, answer: RequestError | None) -> None:
        self._close()
        self.call.answer(answer, 0)

    def _close(self) -> None:
        self.decided = True
        if self._timer is not None:
            self._timer.cancel()


_MISREAD = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
)
"""The request is at fault, whoever is asked: no answer of the others would be the whole one."""


def _checked(decision: Decision, name: str, rows: int) -> Array:
    array = decision.outputs[name]
    if len(array) != rows:
        raise ValueError(f"{len(array)} values of {name} for {rows} rows")
    return array


def no_answer(timeout: float) -> RequestError:
    """504: no model answered in time."""
    return RequestError(
        "SR680",
        f"no model answered within {timeout * 1000:g} ms",
        status=HTTPStatus.GATEWAY_TIMEOUT,
        hint="ask again, or raise the option timeout of the service",
    )


def undecided(decider: str, error: Exception) -> RequestError:
    """500: the decider failed."""
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    message = f"decider {decider} failed: {reason}"
    return RequestError("SR681", message, status=HTTPStatus.INTERNAL_SERVER_ERROR)
