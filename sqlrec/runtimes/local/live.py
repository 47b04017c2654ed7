"""Live update of a service's running processes: all serve the new models in the end, or all the old ones.

    prepare   every process loads the new versions beside those in force
    activate  every process answers with the new versions
    settle    what is not to be in force is unloaded

What a process has loaded and in force is asked of it each time, so an update that was cut short anywhere is
gone on with, or taken back, by the next one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from sqlrec.errors import JobError
from sqlrec.runtimes.local.replicas import Replica
from sqlrec.spec import codec
from sqlrec.spec.service import ServiceSpec
from sqlrec.spec.slots import by_slot


def may_update(running: ServiceSpec, wanted: ServiceSpec) -> bool:
    """Whether two revisions differ in nothing but the versions of their models."""
    old, new = by_slot(running.models), by_slot(wanted.models)
    moved = codec.dumps(replace(running, models=wanted.models)) == codec.dumps(wanted)
    return (
        moved
        and list(old) == list(new)
        and all(
            old[slot].version != new[slot].version or codec.dumps(old[slot]) == codec.dumps(new[slot])
            for slot in old
        )
    )


@dataclass(frozen=True, slots=True)
class Processes:
    """The running processes of a service, whose models change from ``old`` to ``new``."""

    replicas: Sequence[Replica]
    old: ServiceSpec
    new: ServiceSpec

    @property
    def can_update(self) -> bool:
        """Whether all run and have a slot for each model, where versions are loaded."""
        wanted = list(by_slot(self.new.models))
        return bool(self.replicas) and all(list(replica.slots()) == wanted for replica in self.replicas)

    @property
    def are_new(self) -> bool:
        """Whether all answer with the new versions already."""
        wanted = _versions(self.new)
        states = [replica.slots() for replica in self.replicas]
        return all({name: slot.version for name, slot in state.items()} == wanted for state in states)

    def prepare(self, seconds: float) -> None:
        """Load; raises ``JobError`` SR506 when a process cannot, or takes longer than ``seconds``."""
        for replica in self.replicas:
            for slot, model in by_slot(self.new.models).items():
                replica.load(slot, model, seconds)

    def trials(self) -> list[str]:
        """Where each process answers with a new version, the first that differs, before it is in force."""
        old = _versions(self.old)
        changed = ((slot, version) for slot, version in _versions(self.new).items() if old[slot] != version)
        paths = [
            f"/models/{quote(slot, safe='')}/versions/{version}{self.new.path}" for slot, version in changed
        ]
        return [replica.url(path) for replica in self.replicas for path in paths[:1]]

    def activate(self) -> None:
        """Let the new versions answer; raises ``JobError`` SR506."""
        for replica in self.replicas:
            replica.put_in_force(_versions(self.new))

    def settle(self) -> None:
        """Unload all but the new versions; a process that does not answer is left alone."""
        _settle(self.replicas, self.new)

    def take_back(self) -> None:
        """Let the old versions answer, and unload all others, in every process that answers."""
        for replica in self.replicas:
            with contextlib.suppress(JobError):
                replica.put_in_force(_versions(self.old))
        _settle(self.replicas, self.old)


def _versions(spec: ServiceSpec) -> dict[str, int]:
    return {slot: model.version for slot, model in by_slot(spec.models).items()}


def _settle(replicas: Sequence[Replica], spec: ServiceSpec) -> None:
    kept = _versions(spec)
    for replica in replicas:
        for name, slot in replica.slots().items():
            for version in slot.loaded - {slot.version, kept.get(name)}:
                with contextlib.suppress(JobError):
                    replica.unload(name, version)
