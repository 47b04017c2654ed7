"""Live update: a model's next version is loaded beside the one in force, tried, and put in force.

    load ──▶ files verified, session opened and warmed in a thread; addressable, not in force
    activate ▶ calls from now on go to it, in all slots named at once
    unload ──▶ its last calls answered, its memory given back

What fails leaves every version as it was, and is kept as the slot's last error for operators.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from sqlrec.errors import SqlRecError, suggest
from sqlrec.serving.errors import RequestError
from sqlrec.serving.lane import Lane
from sqlrec.serving.logs import log
from sqlrec.serving.memory import give_back
from sqlrec.serving.slots import Models, Slot
from sqlrec.spec.service import ServedModel

DRAIN_POLL_SECONDS = 0.005

Open = Callable[[ServedModel], Awaitable[Lane]]
"""Loads, verifies and warms a model."""
Check = Callable[[Mapping[str, Lane]], None]
"""Whether versions, by slot, may be in force together; raises ``SqlRecError`` otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a version was not loaded; ``at`` in seconds since the epoch."""

    version: int
    checkpoint: str
    code: str
    message: str
    at: float


class Updates:
    """Changes the versions of a server's models. All methods belong to the event loop's thread."""

    def __init__(self, models: Models, open_model: Open, check: Check, changed: Callable[[], None]) -> None:
        """``changed`` is called when another version came into force."""
        self._models = models
        self._open = open_model
        self._check = check
        self._changed = changed
        self._one_at_a_time = asyncio.Lock()
        self.failures: dict[str, Failure] = {}
        self.counts: Counter[tuple[str, str]] = Counter()
        """How often, by slot and result: ``loaded``, ``failed``, ``activated`` or ``unloaded``."""

    async def load(self, name: str, model: ServedModel) -> None:
        """Have a version loaded beside the one in force; the same again changes nothing.

        Raises ``RequestError``: SR674 for a slot that is not here, SR676 when another export is loaded
        under the version, SR677 for one of another model; else 422 with the code of what is wrong with its
        files (SR501, SR502, SR671, SR672).
        """
        slot = self._slot(name)
        if model.model.name != slot.model:
            message = f"slot {name} holds model {slot.model}, not {model.model.name}"
            raise _refused("SR677", message, hint="replace the service to serve another model")
        async with self._one_at_a_time:
            known = slot.lanes.get(model.version)
            if known is None:
                slot.add(await self._opened(slot, model))
            elif known.model != model:
                raise _refused(
                    "SR676",
                    f"slot {name} has another export loaded as version {model.version}",
                    hint="unload that version first",
                )
            self.failures.pop(name, None)

    def activate(self, versions: Mapping[str, int]) -> None:
        """Put loaded versions in force, in all slots at once or in none.

        Raises ``RequestError`` SR674 for a slot that is not here, SR678 for a version that is not loaded, and
        SR683 for versions that do not fit together.
        """
        slots = {self._slot(name): self._loaded(self._slot(name), v) for name, v in versions.items()}
        try:
            self._check({slot.name: slots.get(slot, slot.lane) for slot in self._models.slots.values()})
        except SqlRecError as error:
            raise _refused(error.code, error.message, hint=error.hint) from error
        for slot, lane in slots.items():
            if slot.lane is not lane:
                before = slot.lane.model
                slot.put_in_force(lane.model.version)
                self._note(slot, "activated", lane.model, before=before.version)
        self._changed()

    async def unload(self, name: str, version: int) -> None:
        """Close a version that is not in force once its calls are answered; one not loaded is no error.

        Raises ``RequestError`` SR674 for a slot that is not here and SR676 for the version in force.
        """
        slot = self._slot(name)
        async with self._one_at_a_time:
            if version not in slot.lanes:
                return
            if slot.lane.model.version == version:
                hint = "activate another version first"
                raise _refused("SR676", f"version {version} of slot {name} is in force", hint=hint)
            await _closed(slot.remove(version))
            self._note(slot, "unloaded", version=version)
        await asyncio.to_thread(give_back)

    async def _opened(self, slot: Slot, model: ServedModel) -> Lane:
        started = time.monotonic()
        try:
            lane = await self._open(model)
        except Exception as error:  # whatever a file makes the engine raise, the old version goes on
            code = error.code if isinstance(error, SqlRecError) else "SR672"
            message = error.message if isinstance(error, SqlRecError) else f"{type(error).__name__}: {error}"
            self.failures[slot.name] = Failure(
                version=model.version, checkpoint=model.checkpoint, code=code, message=message, at=time.time()
            )
            self._note(slot, "failed", model, error=message)
            told = f"version {model.version} was not loaded, {slot.lane.model.version} goes on: {message}"
            hint = error.hint if isinstance(error, SqlRecError) else ""
            raise _refused(code, told, hint=hint, status=HTTPStatus.UNPROCESSABLE_ENTITY) from error
        self._note(slot, "loaded", model, ms=(time.monotonic() - started) * 1000)
        return lane

    def _note(self, slot: Slot, result: str, model: ServedModel | None = None, **facts: object) -> None:
        self.counts[slot.name, result] += 1
        what = {"version": model.version, "checkpoint": model.checkpoint} if model else {}
        log(result, slot=slot.name, **what, **facts)

    def _slot(self, name: str) -> Slot:
        slot = self._models.slots.get(name)
        if slot is None:
            known = self._models.names()
            hint = suggest(name, known) or f"slots: {', '.join(known)}"
            raise _refused("SR674", f"there is no slot {name[:100]}", hint=hint, status=HTTPStatus.NOT_FOUND)
        return slot

    @staticmethod
    def _loaded(slot: Slot, version: int) -> Lane:
        lane = slot.lanes.get(version)
        if lane is None:
            loaded = ", ".join(map(str, sorted(slot.lanes)))
            hint = f"load it first; loaded: {loaded}"
            raise _refused("SR678", f"version {version} of slot {slot.name} is not loaded", hint=hint)
        return lane


async def _closed(lane: Lane) -> None:
    """Close a lane that gets no calls any more, after its last answer."""
    while lane.waiting:
        await asyncio.sleep(DRAIN_POLL_SECONDS)
    lane.close()


def _refused(
    code: str, message: str, *, hint: str = "", status: HTTPStatus = HTTPStatus.CONFLICT
) -> RequestError:
    return RequestError(code, message, status=status, hint=hint)
