"""A program that is made ready anew when the tables it reads have changed.

The new executor takes the place of the old one between two runs; runs that have begun end where they
began. When the tables cannot be loaded (they are being written, one is gone) the old ones stay in use.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pyarrow as pa

from sqlrec.errors import SqlRecError
from sqlrec.programs.calls import Calls
from sqlrec.programs.executor import Executor
from sqlrec.spec.function import Program

REFRESH_SECONDS = 5.0
"""How often the files of the tables are looked at."""

OnReload = Callable[[SqlRecError | None], None]
"""Told that the tables were loaded again, or why they were not."""


class Refreshing:
    """Runs a program over tables that are at most ``interval`` seconds old."""

    def __init__(self, program: Program, calls: Calls, *, threads: int, interval: float) -> None:
        self._program = program
        self._calls = calls
        self._workers = threads
        self._interval = interval
        self._executor: Executor | None = None
        self._task: asyncio.Task[None] | None = None
        self._retired: list[Executor] = []

    @property
    def current(self) -> Executor:
        """The executor in use; only after :meth:`load`."""
        assert self._executor is not None, "loaded first"
        return self._executor

    async def load(self, on_reload: OnReload) -> Executor:
        """Get ready, and look for changes from then on."""
        self._executor = await asyncio.to_thread(self._make)
        self._task = asyncio.ensure_future(self._watch(on_reload))
        return self._executor

    async def run(
        self, inputs: Mapping[str, pa.Table], params: Mapping[str, str], *, patience: float
    ) -> pa.Table | None:
        """See :meth:`Executor.run`."""
        return await self.current.run(inputs, params, patience=patience)

    def close(self) -> None:
        """Let go of everything; no run may be going on."""
        if self._task is not None:
            self._task.cancel()
        for executor in (*self._retired, *([self._executor] if self._executor else [])):
            executor.close()

    def _make(self) -> Executor:
        return Executor(self._program, self._calls, sessions=max(2, self._workers), threads=self._workers)

    async def _watch(self, on_reload: OnReload) -> None:
        failed = ""
        while True:
            await asyncio.sleep(self._interval)
            self._retired = [e for e in self._retired if not _closed(e)]
            if await asyncio.to_thread(self.current.is_current):
                continue
            try:
                made = await asyncio.to_thread(self._make)
            except SqlRecError as error:
                if str(error) != failed:
                    on_reload(error)
                failed = str(error)
                continue
            failed = ""
            self._retired.append(self.current)
            self._executor = made
            on_reload(None)


def _closed(executor: Executor) -> bool:
    """Close an executor unless it is in use; whether it is closed."""
    if executor.running:
        return False
    executor.close()
    return True
