"""The network of the cluster: a bridge on this machine, a namespace and an address for each pod.

Pods reach each other, Services and this machine at the bridge's own address; this machine reaches pods and
Services. Nothing leaves the machine, and nothing of it listens outside the bridge.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import subprocess
from collections import deque
from pathlib import Path

BRIDGES = 32
"""Emulators that can run on a machine at a time; each has 4096 addresses of the range for benchmarks."""
RANGE = ipaddress.ip_address("198.18.0.0")
PAUSE = Path(__file__).with_name("pause.sh")
DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL")


class NoNetwork(Exception):
    """This machine lets us make no bridge."""


def _ip(*arguments: str) -> bool:
    return subprocess.run(["ip", *arguments], capture_output=True, text=True).returncode == 0


class Network:
    """Addresses of pods and Services of one emulator. Close it."""

    def __init__(self) -> None:
        self.bridge, first = _take_bridge()
        self.gateway = str(first + 1)
        services = first + 2048
        _ip("addr", "add", f"{self.gateway}/20", "dev", self.bridge)
        _ip("link", "set", self.bridge, "up")
        _ip("route", "add", "local", f"{services}/21", "dev", self.bridge)
        self._pods = deque(str(first + n) for n in range(2, 2048))
        self._services = deque(str(services + n) for n in range(1, 2047))

    def close(self) -> None:
        _ip("link", "del", self.bridge)

    def service_address(self) -> str:
        """The address of a new Service; those of deleted ones come again last."""
        self._services.rotate(-1)
        return self._services[-1]

    def pod_address(self) -> str:
        self._pods.rotate(-1)
        return self._pods[-1]

    async def join(self, address: str) -> asyncio.subprocess.Process:
        """A process that holds the network namespace of a pod at ``address``; it dies with us."""
        link = f"{self.bridge}p{int(ipaddress.ip_address(address)) & 0xFFF:x}"
        command = [*DIES_WITH_US, "unshare", "-n", "sh", str(PAUSE), link, self.bridge, str(os.getpid())]
        pipe = asyncio.subprocess.PIPE
        pause = await asyncio.create_subprocess_exec(*command, address, self.gateway, stdout=pipe)
        assert pause.stdout is not None
        if await pause.stdout.readline() != b"ready\n":
            raise NoNetwork(f"cannot join {address} to {self.bridge}")
        return pause


def _take_bridge() -> tuple[str, ipaddress.IPv4Address]:
    for number in range(BRIDGES):
        name = f"kube{number}"
        if not _ip("link", "add", name, "type", "bridge"):
            _give_back_of_the_dead(name)
            if not _ip("link", "add", name, "type", "bridge"):
                continue
        _ip("link", "set", name, "alias", str(os.getpid()))
        address = ipaddress.ip_address(int(RANGE) + number * 4096)
        assert isinstance(address, ipaddress.IPv4Address)
        return name, address
    raise NoNetwork("cannot make a network bridge")


def _give_back_of_the_dead(name: str) -> None:
    """Delete the bridge of an emulator that was killed."""
    alias = Path(f"/sys/class/net/{name}/ifalias")
    owner = alias.read_text().strip() if alias.exists() else ""
    if owner and not Path(f"/proc/{owner}").exists():
        _ip("link", "del", name)
