"""Waiting for objects of the cluster to change, whatever happens to the connection.

Level by level, not event by event: whoever watches is given all matching objects as they are, first at once
and then after each change. A watch that breaks, expires or falls silent is begun anew with a list, so that a
change is never missed; changes in quick succession may be seen as one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

from sqlrec.errors import RemoteError
from sqlrec.runtimes.kubernetes.client import ClusterClient
from sqlrec.runtimes.kubernetes.manifest import Manifest
from sqlrec.runtimes.kubernetes.rest import Closing

Level = Mapping[str, Manifest]
"""Objects by name."""
SILENCE_SECONDS = 15.0
"""After so long without an event all is listed again: a connection may be dead without a sign of it."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0


def watch(
    client: ClusterClient,
    kind: str,
    namespace: str,
    *,
    labels: str = "",
    name: str = "",
    seconds: float | None = None,
    closing: Closing | None = None,
) -> Iterator[Level]:
    """All objects of a kind with the labels or the name, now and after each change.

    Ends when ``seconds`` are over or ``closing`` is closed; errors are those of :class:`ClusterClient`.
    """
    closing = closing or Closing()
    deadline = time.monotonic() + seconds if seconds is not None else float("inf")
    fields = f"metadata.name={name}" if name else ""
    last: Level | None = None
    pause = FIRST_PAUSE
    while not closing.closed:
        items, version = client.list_at(kind, namespace, labels, fields)
        level = {item["metadata"]["name"]: item for item in items}
        if level != last:
            last = level
            yield level
        left = min(SILENCE_SECONDS, deadline - time.monotonic())
        if left <= 0:
            return
        pause = min(pause * 2, LONGEST_PAUSE)
        for event, item in client.changes(
            kind, namespace, labels=labels, fields=fields, version=version, seconds=left, closing=closing
        ):
            pause = FIRST_PAUSE
            last = _after(last or {}, event, item)
            yield last
            if time.monotonic() > deadline:
                break
        closing.pause(min(pause, max(0.0, deadline - time.monotonic())))


def wait_for(
    client: ClusterClient,
    kind: str,
    name: str,
    namespace: str,
    holds: Callable[[Manifest | None], bool],
    *,
    seconds: float,
    closing: Closing | None = None,
) -> Manifest | None:
    """The object (None: there is none) as soon as ``holds`` is true of it.

    Raises ``RemoteError`` SR746 when it is not in time, or when closed.
    """
    seen: Manifest | None = None
    for level in watch(client, kind, namespace, name=name, seconds=seconds, closing=closing):
        seen = level.get(name)
        if holds(seen):
            return seen
    state = "does not exist" if seen is None else f"has the status {seen.get('status', {})}"
    raise RemoteError("SR746", f"waited {seconds:g} s for {kind} {name}, which {state}", retriable=True)


def _after(level: Level, event: str, item: Manifest) -> Level:
    name = item["metadata"]["name"]
    others = {key: value for key, value in level.items() if key != name}
    return others if event == "DELETED" else others | {name: item}
