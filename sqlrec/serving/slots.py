"""The models of a server, each in a slot whose version may change between two requests.

    Models.service ─▶ Slot "rank" ─▶ lane in force (version 4)
                      │             └ beside it: version 5, loaded and warm, for those who name it
                      └ Slot "rank:2" …

A call is given to a slot in one step of the event loop, so it is read, scored and answered by one lane: by
the one in force when it came. A lane that is put out of force goes on until its last call is answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from sqlrec.serving.batching import Call
from sqlrec.serving.errors import RequestError
from sqlrec.serving.lane import Lane, Target
from sqlrec.spec.names import ModelName


class Slot:
    """One model of a server. See :class:`sqlrec.serving.lane.Target`. Belongs to the event loop's thread."""

    def __init__(self, name: str, lane: Lane) -> None:
        self.name = name
        self.lane = lane
        self._lanes = {lane.model.version: lane}

    @property
    def model(self) -> ModelName:
        """Whose versions these are."""
        return self.lane.model.model.name

    @property
    def lanes(self) -> Mapping[int, Lane]:
        """What is loaded, by version; the lane in force is among them."""
        return self._lanes

    def submit(self, call: Call) -> None:
        """See :class:`sqlrec.serving.lane.Target`."""
        self.lane.submit(call)

    def add(self, lane: Lane) -> None:
        """Keep a loaded lane beside the one in force."""
        self._lanes[lane.model.version] = lane

    def put_in_force(self, version: int) -> None:
        """Calls from now on go to a loaded version; the one before stays loaded."""
        self.lane = self._lanes[version]

    def remove(self, version: int) -> Lane:
        """Forget a version that is not in force. Its calls are still to be answered."""
        return self._lanes.pop(version)


class Models:
    """The slots of a server. ``service`` is what ``POST /predict`` asks: the first slot, or a rule."""

    def __init__(self, slots: Sequence[Slot], service: Target | None = None) -> None:
        self.slots = {slot.name: slot for slot in slots}
        self.service: Target = service or slots[0]

    def find(self, model: str, version: int | None = None) -> Target | None:
        """The model of that name (case does not count), or one loaded version of it; else None."""
        slots = [slot for slot in self.slots.values() if _means(model, slot)]
        if version is None:
            return slots[0] if slots else None
        return next((slot.lanes[version] for slot in slots if version in slot.lanes), None)

    def require(self, model: str, version: int | None = None) -> Target:
        """As :meth:`find`; raises ``RequestError`` SR674 (404) instead of giving None."""
        target = self.find(model, version)
        if target is None:
            wanted = f"model {model[:100]}" + ("" if version is None else f" version {version}")
            known = ", ".join(f"{n} {sorted(slot.lanes)}" for n, slot in self.slots.items())
            hint = f"models and their loaded versions: {known}"
            raise RequestError("SR674", f"no {wanted} is loaded", status=HTTPStatus.NOT_FOUND, hint=hint)
        return target

    def names(self) -> tuple[str, ...]:
        """The names of the slots, in the service's order."""
        return tuple(self.slots)


def _means(text: str, slot: Slot) -> bool:
    """Whether a name is the slot's own, or its model's in full or in short."""
    return text.casefold() in (slot.name.casefold(), str(slot.model).casefold(), slot.model.key)
