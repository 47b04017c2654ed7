"""The short way of the usual request: JSON of scalars, a head without wishes, an answer within this tick.

It does for a whole tick what the long way (:mod:`sqlrec.serving.prediction`) does for each request, and
gives the same answers. A tick ends when a look at the sockets brings nothing new
(:mod:`sqlrec.serving.looking`). There is no timer; nobody waits for a request that may not come.

What it cannot do goes the long way instead: a body that the compiled scanner does not read, a batch that
the model refuses, more than a tick should take. So errors, deadlines, queues and the worker thread are
matters of the long way alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import orjson

from sqlrec.serving.connection import Request
from sqlrec.serving.frame import Array
from sqlrec.serving.json_scan import Scanner
from sqlrec.serving.looking import Looking
from sqlrec.serving.scorer import Scorer
from sqlrec.spec.schema import Kind
from sqlrec.spec.signature import Signature

if TYPE_CHECKING:
    from sqlrec.serving._rows import Block

TICK_BYTES = 512 * 1024
"""Bodies that may wait for the end of a tick."""
BODY_BYTES = 64 * 1024
"""Of one body: a larger one takes longer to score than to bring to the worker thread."""
FEW_ROWS = 4
"""Of a request, on average: scores of more are written request by request."""


Asked = tuple[Request, Callable[[Request], None], "Block | None"]
"""A request, its long way, and its rows if they were read already."""


class Observer(Protocol):
    """Takes the figures of a tick."""

    def stage_done(self, name: str, seconds: float) -> None:
        """Requests were read (``decode``) or answers written (``encode``)."""

    def requests_done(self, seconds: Sequence[float], rows: Sequence[int]) -> None:
        """Requests were answered with 200, each so long after its first byte."""


class Quick:
    """The short way to one scorer. All methods belong to the event loop's thread.

    ``rows`` bounds a batch.
    """

    def __init__(self, scorer: Scorer, scanner: Scanner, observer: Observer, *, rows: int) -> None:
        self._scorer = scorer
        self._scanner = scanner
        self._observer = observer
        self._rows = rows
        self._template = _template(scorer.signature)
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Asked] = []
        self._bytes = 0
        self._looking = Looking()

    @property
    def waiting(self) -> int:
        """Requests that are not answered yet."""
        return len(self._waiting)

    def take(self, request: Request, otherwise: Callable[[Request], None]) -> bool:
        """Answer a request at the end of this tick, if need be by ``otherwise``; False: not this one."""
        size = len(request.body)
        if size > BODY_BYTES or self._bytes + size > TICK_BYTES:
            return False
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._bytes += size
        self._waiting.append((request, otherwise, None))
        return True

    def _flush(self) -> None:
        """Read, score and answer up to ``rows`` rows; the rest after the loop looked at its sockets."""
        if not self._looking.is_settled(len(self._waiting), self._bytes):
            self._loop.call_soon(self._flush)
            return
        started = time.perf_counter()
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        scan, most = self._scanner.scan, self._rows
        taken: list[Asked] = []
        blocks: list[Block] = []
        counts: list[int] = []
        rows = 0
        for place, asked in enumerate(waiting):
            request, otherwise, known = asked
            block = known or scan(request.body)
            count = block.rows if block else 0
            if block is None or count > most or request.abandoned:
                otherwise(request)
                continue
            if rows + count > most:
                self._put_back([(request, otherwise, block), *waiting[place + 1 :]])
                break
            rows += count
            taken.append(asked)
            blocks.append(block)
            counts.append(count)
        self._observer.stage_done("decode", time.perf_counter() - started)
        if taken:
            self._answer(taken, blocks, counts, rows)

    def _put_back(self, waiting: list[Asked]) -> None:
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting = waiting + self._waiting
        self._bytes += sum([len(request.body) for request, _, _ in waiting])

    def _answer(self, taken: list[Asked], blocks: list[Block], counts: list[int], rows: int) -> None:
        try:
            outputs = self._scorer.run(self._scanner.join(blocks, rows, self._scorer.place(rows)))
            started = time.perf_counter()
            answers = self._written(outputs, counts, rows)
        except Exception:  # one request's rows broke the model: the long way finds out whose
            for request, otherwise, _ in taken:
                otherwise(request)
            return
        self._observer.stage_done("encode", time.perf_counter() - started)
        now = time.monotonic()
        for (request, _, _), answer in zip(taken, answers, strict=True):
            request.respond_next(answer, now)
        self._looking.answered(len(taken), taken[0][0].started, now)
        self._observer.requests_done([now - request.started for request, _, _ in taken], counts)

    def _written(self, outputs: Sequence[Array], counts: list[int], rows: int) -> list[bytes]:
        """The answer of each request."""
        written = _each if rows > FEW_ROWS * len(counts) else _together
        columns = [written(output, counts) for output in outputs]
        return [self._template % texts for texts in zip(*columns, strict=True)]


def _each(output: Array, counts: list[int]) -> list[bytes]:
    """The values of each request, by commas."""
    texts, start = [], 0
    for count in counts:
        texts.append(_text(output[start : start + count]))
        start += count
    return texts


def _together(output: Array, counts: list[int]) -> list[bytes]:
    """The same for requests of few rows: all are written at once and then dealt out."""
    values = _text(output).split(b",")
    if len(values) == len(counts):
        return values
    texts, start = [], 0
    for count in counts:
        texts.append(b",".join(values[start : start + count]))
        start += count
    return texts


def _text(values: Array) -> bytes:
    return orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]


def _template(signature: Signature) -> bytes:
    """``{"probs":[%b]}``, with a place for each output."""
    names = [orjson.dumps(output.name).replace(b"%", b"%%") for output in signature.outputs]
    return b"{%b}" % b",".join([b"%b:[%%b]" % name for name in names])


def quick_way(scorer: Scorer, scanner: Scanner | None, observer: Observer, *, rows: int) -> Quick | None:
    """The short way to a scorer; None when bodies are not scanned or outputs are not plain numbers."""
    outputs = scorer.signature.outputs
    plain = all(o.type.kind is not Kind.ARRAY and o.tensor != "string" for o in outputs)
    return Quick(scorer, scanner, observer, rows=rows) if scanner is not None and plain else None
