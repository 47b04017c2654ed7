"""Lists that go on: watches with resource versions, bookmarks, time-outs and 410 Gone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web

from tests.emulator.errors import expired
from tests.emulator.kinds import Kind
from tests.emulator.objects import Object, uid_of
from tests.emulator.selectors import Test
from tests.emulator.store import DELETED, Change, Store

LONGEST = 1800.0
"""Seconds of a watch that names no time-out."""
INITIAL_END = "k8s.io/initial-events-end"


def is_set(query: Mapping[str, str], name: str) -> bool:
    """Whether a parameter of a request is true."""
    return query.get(name, "").lower() in ("true", "1")


@dataclass
class Watches:
    """The open watches of the server."""

    store: Store
    open: set[asyncio.Queue[Change | None]] = field(default_factory=set)

    def drop(self) -> int:
        """Cut all of them; how many there were."""
        for queue in self.open:
            queue.put_nowait(None)
        return len(self.open)

    async def serve(self, request: web.Request, kind: Kind, test: Test) -> web.StreamResponse:
        """Stream changes of the objects that pass a test, from the version that the request names."""
        query = request.query
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        stream = _Stream(kind, test, response)
        version = query.get("resourceVersion", "")
        queue: asyncio.Queue[Change | None] = asyncio.Queue()
        backlog = self._backlog(stream, version, kind, is_set(query, "sendInitialEvents"))
        self.store.queues.add(queue)
        self.open.add(queue)
        try:
            await response.prepare(request)
            if backlog is None:
                await stream.send("ERROR", expired(version).status())
                return response
            await stream.begin(backlog, is_set(query, "sendInitialEvents"), self.store.version)
            await self._follow(queue, stream, float(query.get("timeoutSeconds") or LONGEST), request)
            if is_set(query, "allowWatchBookmarks"):
                await stream.bookmark(self.store.version, {})
        except ConnectionError:
            pass
        finally:
            self.store.queues.discard(queue)
            self.open.discard(queue)
        return response

    def _backlog(self, stream: _Stream, version: str, kind: Kind, initial: bool) -> list[Change] | None:
        """What happened before the watch began; None: the history does not reach back so far."""
        present = self.store.find(kind, "", stream.test)
        if version in ("", "0") or initial:
            return [Change(0, "ADDED", kind, item) for item in present]
        since = int(version)
        if since < self.store.oldest:
            return None
        changed = {uid_of(c.item) for c in self.store.history if c.version > since and c.kind is kind}
        stream.seen |= {uid_of(item) for item in present if uid_of(item) not in changed}
        stream.seen |= self._seen_before(since, kind, stream.test)
        return [c for c in self.store.history if c.version > since]

    def _seen_before(self, since: int, kind: Kind, test: Test) -> set[str]:
        """Objects that passed the test at a version, of those in the history."""
        seen: set[str] = set()
        for change in self.store.history:
            if change.version > since:
                break
            if change.kind is kind:
                passes = change.type != DELETED and test(change.item)
                (seen.add if passes else seen.discard)(uid_of(change.item))
        return seen

    async def _follow(
        self, queue: asyncio.Queue[Change | None], stream: _Stream, seconds: float, request: web.Request
    ) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (left := end - loop.time()) > 0:
            try:
                change = await asyncio.wait_for(queue.get(), left)
            except TimeoutError:
                return
            if change is None:
                assert request.transport is not None
                request.transport.close()
                return
            await stream.pass_on(change)


@dataclass
class _Stream:
    kind: Kind
    test: Test
    response: web.StreamResponse
    seen: set[str] = field(default_factory=set)
    """Objects that the client has and that passed the test."""

    async def begin(self, backlog: list[Change], initial: bool, version: int) -> None:
        for change in backlog:
            await self.pass_on(change)
        if initial:
            await self.bookmark(version, {INITIAL_END: "true"})

    async def pass_on(self, change: Change) -> None:
        """Send a change as the client sees it: one that leaves the selection is deleted."""
        if change.kind is not self.kind:
            return
        uid, passes = uid_of(change.item), change.type != DELETED and self.test(change.item)
        if passes:
            type = "MODIFIED" if uid in self.seen else "ADDED"
            self.seen.add(uid)
        elif uid in self.seen:
            type = DELETED
            self.seen.discard(uid)
        else:
            return
        await self.send(type, change.item)

    async def bookmark(self, version: int, annotations: Object) -> None:
        metadata = {"resourceVersion": str(version), "annotations": annotations, "creationTimestamp": None}
        head = {"kind": self.kind.kind, "apiVersion": self.kind.api_version}
        await self.send("BOOKMARK", {**head, "metadata": metadata})

    async def send(self, type: str, item: Object) -> None:
        await self.response.write(json.dumps({"type": type, "object": item}).encode() + b"\n")
