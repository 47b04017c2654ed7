"""What can go wrong on demand: the client of the emulator's side door, ``kube.faults`` in tests."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Faults:
    """Orders to the side door at ``url``. All of them last until ``clear()``, which every test ends with."""

    url: str

    def answer(
        self,
        status: int,
        *,
        method: str = ".*",
        path: str = ".*",
        times: int = 1,
        retry_after: int | None = None,
        message: str = "a fault of the test",
    ) -> None:
        """Answer the next ``times`` (-1: all) requests that match both patterns with an error status."""
        rule = {"status": status, "retry_after": retry_after, "message": message}
        self._order("rule", {**rule, "method": method, "path": path, "times": times})

    def reset(self, *, method: str = ".*", path: str = ".*", times: int = 1) -> None:
        """Cut the connection of matching requests before anything was done."""
        self._order("rule", {"reset": True, "method": method, "path": path, "times": times})

    def lose_answer(self, *, method: str = ".*", path: str = ".*", times: int = 1) -> None:
        """Do what matching requests ask for and cut the connection instead of answering."""
        self._order("rule", {"lose": True, "method": method, "path": path, "times": times})

    def delay(self, seconds: float, *, method: str = ".*", path: str = ".*", times: int = 1) -> None:
        """Let matching requests wait before they are served (a time-out for an impatient client)."""
        self._order("rule", {"delay": seconds, "method": method, "path": path, "times": times})

    def drop_watches(self) -> int:
        """Cut all open watches; how many there were."""
        return int(str(self._order("drop-watches", {})["dropped"]))

    def forget_history(self) -> None:
        """Let every watch from an older resourceVersion be answered with 410 Gone."""
        self._order("forget-history", {})

    def restart_server(self, seconds: float = 0.5) -> None:
        """Close the API server's port and every connection for a while; containers go on running.

        Returns when it is closed.
        """
        self._order("restart-server", {"seconds": seconds})

    def evict(self, namespace: str, pod: str) -> None:
        """The node evicts a pod: Failed with the reason Evicted."""
        self._order("evict", {"namespace": namespace, "pod": pod})

    def kill(self, namespace: str, pod: str, container: str = "", signal: int = 9) -> None:
        """Send a signal to a container's first process (default: the pod's only or first container)."""
        self._order("kill", {"namespace": namespace, "pod": pod, "container": container, "signal": signal})

    def run_out_of_memory(self, namespace: str, pod: str, container: str = "") -> None:
        """Kill a container as the kernel does that runs out of memory: OOMKilled, exit code 137."""
        order = {
            "namespace": namespace,
            "pod": pod,
            "container": container,
            "signal": 9,
            "reason": "OOMKilled",
        }
        self._order("kill", order)

    def lose_node(self, namespace: str, pod: str, seconds: float = 0.0) -> None:
        """The pod's node is gone: its processes die unreported, it is NodeLost, later deleted."""
        self._order("lose-node", {"namespace": namespace, "pod": pod, "seconds": seconds})

    def image(self, image: str, *, seconds: float = 0.0, fails: bool = False) -> None:
        """Let an image take so long to pull, or never come (ErrImagePull, ImagePullBackOff)."""
        self._order("image", {"image": image, "seconds": seconds, "fails": fails})

    def capacity(self, **resources: str) -> None:
        """What the node has (``cpu="2"``, ``memory="4Gi"``); pods that ask for more are Unschedulable."""
        self._order("capacity", dict(resources))

    def requests(self, method: str = ".*", path: str = ".*") -> list[tuple[str, str]]:
        """(method, path with query) of the requests since the last ``clear()`` that match both patterns."""
        found = self._order("requests", {"method": method, "path": path})["requests"]
        assert isinstance(found, list)
        return [(verb, where) for verb, where in found]

    def clear(self) -> None:
        """Forget all orders and the requests seen."""
        self._order("clear", {})

    def _order(self, name: str, order: Mapping[str, object]) -> dict[str, object]:
        request = urllib.request.Request(
            f"{self.url}/{name}", json.dumps(order).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            done: dict[str, object] = json.load(answer)
            return done
