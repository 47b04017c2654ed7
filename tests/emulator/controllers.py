"""The loop that brings what is into line with what is wanted, after every change and a few times a second."""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.emulator.deletion import Deletion
from tests.emulator.deployments import Deployments
from tests.emulator.endpoints import sync_all
from tests.emulator.errors import ApiError
from tests.emulator.jobs import Jobs
from tests.emulator.kinds import DEPLOYMENTS, JOBS, REPLICA_SETS, Kind
from tests.emulator.objects import Object, is_deleting
from tests.emulator.replica_sets import ReplicaSets
from tests.emulator.store import Change, Store
from tests.emulator.writes import Writes

PAUSE = 0.2
"""Seconds between two rounds when nothing changes: time passes for deadlines."""
WATCHED = frozenset({"pods", "jobs", "deployments", "replicasets", "services"})


@dataclass
class Controllers:
    """All controllers of the cluster but the garbage collector, which needs no loop."""

    store: Store
    writes: Writes
    deletion: Deletion
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.store.hooks.append(self._notice)
        self._jobs = Jobs(self.store, self.writes, self.deletion)
        self._replica_sets = ReplicaSets(self.store, self.writes, self.deletion)
        self._deployments = Deployments(self.store, self.deletion)

    def _notice(self, change: Change) -> None:
        if change.kind.plural in WATCHED:
            self._changed.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), PAUSE)
            self._changed.clear()
            sync_all(self.store)
            self._each(DEPLOYMENTS, self._deployments.sync)
            self._each(REPLICA_SETS, self._replica_sets.sync)
            self._each(JOBS, self._jobs.sync)
            await asyncio.sleep(0.005)

    def _each(self, kind: Kind, sync: Callable[[Object], None]) -> None:
        for item in self.store.find(kind):
            present = self.store.current(kind, item)
            if present is None or is_deleting(present):
                continue
            try:
                sync(present)
            except ApiError as error:
                if error.code != 409:  # outdated: the next round sees the new state
                    self.store.event(present, "FailedCreate", f"Error creating: {error.message}", True)
            except Exception:  # one object must not stop the rounds of all others
                traceback.print_exc()
